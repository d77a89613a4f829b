package sse_test

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// The promise that these tests are about: with a server that replays from Last-Event-ID every event
// arrives once, in order, wherever and however often the connections are cut.

var connections = flag.Int("connections", 100_000, "how many connections TestRandomCuts makes")

// A piece of a stream ends with a blank line: an event, or a block that only has an ID.
type piece struct {
	wire  string
	event sse.Event // Type "": there is none
}

// shapes has pieces of every shape, each with an ID of its own.
var shapes = []piece{
	{"id:1\ndata:a\n\n", sse.Event{ID: "1", Type: "message", Data: "a"}},
	{"id: 2\r\nevent: e\r\ndata: b\r\ndata: c\r\n\r\n", sse.Event{ID: "2", Type: "e", Data: "b\nc"}},
	{"data:d\rid:3\r\r", sse.Event{ID: "3", Type: "message", Data: "d"}},
	{"id:4\n\n", sse.Event{ID: "4"}},
	{"id:5\nretry:10\ndata\n\n", sse.Event{ID: "5", Type: "message"}},
	{"id:6\ndata:\ndata:\n\n", sse.Event{ID: "6", Type: "message", Data: "\n"}},
	{":comment\n\nevent:lost\n\nid:7\ndata:f\n\n\n\n", sse.Event{ID: "7", Type: "message", Data: "f"}},
	{"unknown:x\nDATA:x\nid:8\ndata:g\r\n\n", sse.Event{ID: "8", Type: "message", Data: "g"}},
	{"id:é9 €\nevent:ü\ndata:漢字 𝄞\n\n", sse.Event{ID: "é9 €", Type: "ü", Data: "漢字 𝄞"}},
	{"id:10\ndata:\xff\xe2\x82\xc0\x80\n\n", sse.Event{ID: "10", Type: "message", Data: "\ufffd\ufffd\ufffd\ufffd"}},
	{"id:11\ndata:\x00\nid:no\x00\n\n", sse.Event{ID: "11", Type: "message", Data: "\x00"}},
	{"id:12a\nid:12b\r\n\r\n", sse.Event{ID: "12b"}},
	{"id:13\ndata:" + strings.Repeat("long ", 200) + "\n\n", sse.Event{ID: "13", Type: "message", Data: strings.Repeat("long ", 200)}},
	{"id:14\r\n" + strings.Repeat("data:x\r", 60) + "\r", sse.Event{ID: "14", Type: "message", Data: strings.Repeat("x\n", 59) + "x"}},
	{":" + strings.Repeat("heartbeat ", 30) + "\nid:15\ndata: \t15\n\n", sse.Event{ID: "15", Type: "message", Data: "\t15"}},
	{"event\ndata:\ufeffm\nid:16\n\r\n", sse.Event{ID: "16", Type: "message", Data: "\ufeffm"}},
	{"id:17\tx\ndata:{\"n\":[1,2]}\n\n", sse.Event{ID: "17\tx", Type: "message", Data: `{"n":[1,2]}`}},
	{"id:18\nretry:20\r\r", sse.Event{ID: "18"}},
	{"data:end\nid:19\n\n", sse.Event{ID: "19", Type: "message", Data: "end"}},
}

func eventsOf(pieces []piece) (events []sse.Event) {
	for _, p := range pieces {
		if p.event.Type != "" {
			events = append(events, p.event)
		}
	}
	return events
}

// after returns what comes after the piece with the ID.
func after(pieces []piece, id string) []piece {
	for i, p := range pieces {
		if id != "" && p.event.ID == id {
			return pieces[i+1:]
		}
	}
	return pieces
}

func wireOf(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.wire)
	}
	return b.String()
}

// A cut is a way in which a connection ends.
type cut int

const (
	cleanEnd cut = iota
	unexpectedEnd
	reset
	silence
	numCuts
)

func (c cut) String() string {
	return [...]string{"clean end", "unexpected end", "reset", "silence"}[c]
}

// A cutBody brings text, at most chunk bytes a read, and then ends in its way.
type cutBody struct {
	text   string
	chunk  int
	cut    cut
	closed chan struct{}
	close  func()
}

// answerCut returns an event stream. It counts as open until it is closed.
func answerCut(r *http.Request, text string, chunk int, how cut, open *atomic.Int32) *http.Response {
	open.Add(1)
	b := &cutBody{text: text, chunk: chunk, cut: how, closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() {
		open.Add(-1)
		close(b.closed)
	})
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: b, Request: r,
	}
}

func answer(r *http.Request, code int, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: code, Status: strconv.Itoa(code), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Add(header[i], header[i+1])
	}
	return resp
}

func (b *cutBody) Read(p []byte) (int, error) {
	n := min(len(p), len(b.text))
	if b.chunk > 0 {
		n = min(n, b.chunk)
	}
	copy(p, b.text[:n])
	b.text = b.text[n:]
	switch {
	case n > 0 && (len(b.text) > 0 || b.cut != cleanEnd):
		return n, nil
	case b.cut == cleanEnd:
		return n, io.EOF // beside the last bytes
	case b.cut == unexpectedEnd:
		return 0, io.ErrUnexpectedEOF
	case b.cut == reset:
		return 0, &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	<-b.closed
	return 0, http.ErrBodyReadAfterClose
}

func (b *cutBody) Close() error {
	b.close()
	return nil
}

func newStream(t testing.TB, client *sse.Client, lastEventID string) *sse.Stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	return client.Stream(req)
}

func collect(s *sse.Stream) (events []sse.Event) {
	for s.Next() {
		events = append(events, s.Event())
	}
	return events
}

func TestCutAtEveryByte(t *testing.T) {
	want := eventsOf(shapes)
	size := len(wireOf(shapes))
	for how := range numCuts {
		t.Run(how.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for at := range size + 1 {
					var open atomic.Int32
					requests := 0
					client := &sse.Client{
						IdleTimeout: time.Minute,
						HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
							requests++
							rest := after(shapes, r.Header.Get("Last-Event-ID"))
							switch {
							case len(rest) == 0:
								return answer(r, 204), nil
							case requests == 1:
								return answerCut(r, "\ufeff"[:at%2*3]+wireOf(rest)[:at], at%3*7, how, &open), nil
							}
							return answerCut(r, wireOf(rest), 0, cleanEnd, &open), nil
						})},
					}
					s := newStream(t, client, "")
					got := collect(s)
					if !slices.Equal(got, want) || s.Err() != nil || requests > 3 || open.Load() != 0 {
						t.Fatalf("cut at byte %d: Err() = %v, %d requests, %d bodies left open, events (-want +got):\n%s",
							at, s.Err(), requests, open.Load(), cmp.Diff(want, got))
					}
				}
			})
		})
	}
}

// Events without an ID, or with one that they share, cannot be resumed at: those that came since the
// last ID come again. None is lost.
func TestCutWithoutIDs(t *testing.T) {
	pieces := []piece{
		{"data:a\n\n", sse.Event{Type: "message", Data: "a"}},
		{"data:b\n\n", sse.Event{Type: "message", Data: "b"}},
		{"id:1\ndata:c\n\n", sse.Event{ID: "1", Type: "message", Data: "c"}},
		{"data:d\n\n", sse.Event{ID: "1", Type: "message", Data: "d"}},
		{"id:1\ndata:e\n\n", sse.Event{ID: "1", Type: "message", Data: "e"}},
		{"data:f\n\n", sse.Event{ID: "1", Type: "message", Data: "f"}},
		{"id:2\ndata:g\n\n", sse.Event{ID: "2", Type: "message", Data: "g"}},
	}
	synctest.Test(t, func(t *testing.T) {
		for how := range numCuts {
			for at := range len(wireOf(pieces)) + 1 {
				var open atomic.Int32
				requests := 0
				client := &sse.Client{
					IdleTimeout: time.Minute,
					HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						requests++
						text := wireOf(after(pieces, r.Header.Get("Last-Event-ID")))
						switch {
						case text == "":
							return answer(r, 204), nil
						case requests == 1:
							return answerCut(r, text[:at], 0, how, &open), nil
						}
						return answerCut(r, text, 0, cleanEnd, &open), nil
					})},
				}
				// What is whole before the cut, and then what comes after the last ID in it.
				var want []sse.Event
				last, sent := "", 0
				for _, p := range pieces {
					if sent += len(p.wire); sent <= at {
						want, last = append(want, p.event), p.event.ID
					}
				}
				want = append(want, eventsOf(after(pieces, last))...)
				s := newStream(t, client, "")
				if got := collect(s); !slices.Equal(got, want) || s.Err() != nil {
					t.Fatalf("%v at byte %d: Err() = %v, events (-want +got):\n%s", how, at, s.Err(), cmp.Diff(want, got))
				}
			}
		}
	})
}

// endless returns the ith piece of a stream that has no end.
func endless(i int) piece {
	id := strconv.Itoa(i)
	ev := sse.Event{ID: id, Type: "message", Data: id}
	switch i % 7 {
	default:
		return piece{"id:" + id + "\ndata:" + id + "\n\n", ev}
	case 1:
		return piece{"data: " + id + "\r\nid: " + id + "\r\n\r\n", ev}
	case 2:
		ev.Type = "tick"
		return piece{"event:tick\rid:" + id + "\rdata:" + id + "\r\r", ev}
	case 3:
		return piece{"id:" + id + "\n\n", sse.Event{ID: id}}
	case 4:
		ev.Data = "é\n" + id
		return piece{":\n\nid:" + id + "\ndata:é\ndata:" + id + "\n\n", ev}
	case 5:
		return piece{"retry:" + strconv.Itoa(i%5000) + "\nid:" + id + "\ndata:" + id + "\n\n", ev}
	}
}

// A pace checks that a stream connects no more often than the default policy allows: never sooner
// than the reconnection time, and after k connections in a row that brought no event and lasted less
// than a minute not before 250 ms × 2ᵏ⁻¹, up to 30 s, more.
type pace struct {
	t         testing.TB
	floor     time.Duration // what the server asked for last, at least
	fruitless int           // connections and attempts in a row
	hurried   bool          // Reconnect was called
	opened    time.Time
	next      time.Time // no attempt before that
}

func (p *pace) limit(c *sse.Client) {
	c.Prepare = func(*http.Request) error {
		if time.Now().Before(p.next) {
			p.t.Errorf("an attempt %v early", time.Until(p.next))
		}
		return nil
	}
	c.OnOpen = func(*http.Response) { p.opened = time.Now() }
	c.OnRetry = func(err error, wait time.Duration) {
		if !p.opened.IsZero() && time.Since(p.opened) >= time.Minute {
			p.fruitless = 0
		}
		p.opened = time.Time{}
		if wait == 0 && p.hurried {
			p.hurried = false
			return
		}
		p.fruitless++
		if least := p.floor + min(250*time.Millisecond<<min(p.fruitless-1, 20), 30*time.Second); wait < least {
			p.t.Errorf("a wait of %v after %v, the %d. without an event; want %v at least", wait, err, p.fruitless, least)
		}
		if most := time.Hour + 90*time.Second; wait > most {
			p.t.Errorf("a wait of %v, want %v at most", wait, most)
		}
		p.next = time.Now().Add(wait)
	}
}

func (p *pace) event() {
	p.fruitless = 0
	p.next = time.Time{}
}

func TestRandomCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 2))
		limit := *connections
		if testing.Short() {
			limit /= 20
		}
		var open atomic.Int32
		made, total := 0, -1
		refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		p := &pace{t: t}
		client := &sse.Client{
			IdleTimeout: time.Minute,
			HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				made++
				next := afterLast(t, r)
				if made >= limit && total < 0 {
					total = next + 10
				}
				if total < 0 {
					switch rnd.IntN(30) {
					case 0:
						return nil, refused
					case 1:
						return answer(r, 503, "Retry-After", "20"), nil
					case 2:
						<-time.After(30 * time.Second)
						return nil, syscall.ETIMEDOUT
					}
				}
				size := rnd.IntN(1 + 1<<rnd.IntN(12))
				var b strings.Builder
				for ; b.Len() <= size && next != total; next++ {
					b.WriteString(endless(next).wire)
				}
				if total < 0 {
					return answerCut(r, b.String()[:size], rnd.IntN(100), cut(rnd.IntN(int(numCuts))), &open), nil
				} else if b.Len() == 0 {
					return answer(r, 204), nil
				}
				return answerCut(r, b.String(), 0, cleanEnd, &open), nil
			})},
		}
		p.limit(client)
		s := newStream(t, client, "")
		next := 0
		for s.Next() {
			p.event()
			for endless(next).event.Type == "" {
				next++
			}
			if got, want := s.Event(), endless(next).event; got != want {
				t.Fatalf("connection %d: event %v, want %v", made, got, want)
			}
			next++
			if rnd.IntN(1000) == 0 {
				p.hurried = true
				s.Reconnect()
			}
		}
		if s.Err() != nil || next < total-1 || made < limit || open.Load() != 0 {
			t.Errorf("Err() = %v after %d of %d pieces, %d connections, %d bodies left open", s.Err(), next, total, made, open.Load())
		}
	})
}

// The same with net/http at both ends, and bodies that are compressed.
func TestRandomCutsOverHTTP(t *testing.T) {
	for _, kind := range []string{"plain", "gzip"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(3, 4))
				var want []sse.Event
				for i := range 4000 {
					want = append(want, sse.Event{ID: fmt.Sprint("id ", i), Type: "message", Data: strings.Repeat("data\n", i%50)})
				}
				srv := ssetest.NewMemoryServer(t, ssetest.Each(func(n int, r *http.Request) http.Handler {
					var c ssetest.Conn
					if kind == "gzip" {
						c = append(c, ssetest.Gzip())
					}
					if n%3 > 0 {
						c = append(c, ssetest.Chunks(1+rnd.IntN(50)))
					}
					how := []ssetest.Step{ssetest.Cut(), ssetest.Reset(), ssetest.Stall(), ssetest.End()}[rnd.IntN(4)]
					if rnd.IntN(20) == 0 {
						return append(c, how)
					}
					return append(c, ssetest.After(rnd.IntN(1500), how), ssetest.Replay(want...))
				}))
				client := &sse.Client{HTTPClient: srv.Client(), IdleTimeout: time.Minute}
				client.HTTPClient.Timeout = 10 * time.Second
				p := &pace{t: t, floor: time.Second}
				p.limit(client)
				var got []sse.Event
				s := newStream(t, client, "")
				for s.Next() {
					p.event()
					got = append(got, s.Event())
				}
				if diff := cmp.Diff(want, got); diff != "" || s.Err() != nil {
					t.Errorf("%d requests, Err() = %v, events (-want +got):\n%s", len(srv.Requests()), s.Err(), diff)
				}
			})
		})
	}
}

// Thirty days on a bad network: outages of hours, failures of every kind, and answers that end the
// stream, after which the service begins another where it stopped.
func TestThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 10 * time.Minute // there is an event
		const total = int(30 * 24 * time.Hour / every)
		start := time.Now()
		event := func(i int) sse.Event {
			ev := sse.Event{ID: strconv.Itoa(i), Type: "message", Data: strconv.Itoa(i)}
			if i%50 == 48 {
				ev.ID += "\x01" // no header carries it
			}
			return ev
		}
		var mu sync.Mutex
		rnd := rand.New(rand.NewPCG(5, 6))
		random := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return rnd.IntN(n)
		}
		seen := make(map[string]int)
		see := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			seen[what]++
		}
		p := &pace{t: t}
		var notBefore time.Time // the next request

		live := func(w http.ResponseWriter, r *http.Request, next int, retry string) {
			rc, out := http.NewResponseController(w), io.Writer(w)
			flush := rc.Flush
			if random(3) == 0 {
				see("gzip")
				zip := gzip.NewWriter(w)
				out = zip
				flush = func() error {
					zip.Flush()
					return rc.Flush()
				}
				w.Header().Set("Content-Encoding", "gzip")
			}
			w.Header().Set("Content-Type", "text/event-stream;charset=utf-8")
			io.WriteString(out, "retry:"+retry+"\n\n")
			for end := time.Now().Add(time.Duration(random(3600)) * time.Second); ; {
				due := start.Add(time.Duration(next+1) * every)
				switch now := time.Now(); {
				case next < total && !now.Before(due):
					b, err := event(next).Append(nil)
					if err != nil {
						t.Error(err)
					}
					out.Write(b)
					next++
					continue
				case now.Before(end):
					io.WriteString(out, ":\n")
					flush()
					select {
					case <-time.After(min(2*time.Minute, due.Sub(now)+time.Duration(next/total)*time.Hour, end.Sub(now))):
					case <-r.Context().Done():
						return
					}
					continue
				}
				switch random(4) {
				case 0:
					see("clean end")
					return
				case 1:
					see("cut")
					io.WriteString(out, "id:no\ndata:no")
					flush()
					panic(http.ErrAbortHandler)
				case 2:
					see("cut of what was not flushed")
					io.WriteString(out, "id:no\ndata:no")
					panic(http.ErrAbortHandler)
				case 3:
					see("silence")
					flush()
					<-r.Context().Done()
					return
				}
			}
		}
		handler := func(w http.ResponseWriter, r *http.Request) {
			next := afterLast(t, r)
			fail := func(code int, header ...string) {
				see(strconv.Itoa(code))
				for i := 0; i < len(header); i += 2 {
					w.Header().Set(header[i], header[i+1])
				}
				after, date := w.Header().Get("Retry-After"), time.Time{}
				if seconds, err := strconv.Atoi(after); err == nil {
					date = time.Now().Add(time.Duration(seconds) * time.Second)
				} else if after != "" {
					date, _ = http.ParseTime(after)
				}
				mu.Lock()
				if most := time.Now().Add(time.Hour); date.After(most) {
					date = most
				}
				notBefore = date
				mu.Unlock()
				w.WriteHeader(code)
				io.WriteString(w, strings.Repeat("words ", random(2000)))
			}
			mu.Lock()
			if time.Now().Before(notBefore) {
				t.Errorf("a request %v before what Retry-After said", time.Until(notBefore))
			}
			mu.Unlock()
			if next == total {
				w.WriteHeader(204)
				return
			}
			switch random(20) {
			default:
				live(w, r, next, "3000")
			case 0:
				see("huge retry")
				live(w, r, next, strings.Repeat("9", random(30)+5))
			case 1:
				see("small retry")
				live(w, r, next, "0")
			case 2:
				fail([]int{408, 425, 429, 500, 502, 503, 504}[random(7)])
			case 3:
				fail(429, "Retry-After", strconv.Itoa(random(5000)))
			case 4:
				fail(503, "Retry-After", time.Now().Add(time.Duration(random(5000))*time.Second).UTC().Format(http.TimeFormat))
			case 5:
				fail(302, "Location", "/elsewhere")
			case 6:
				fail([]int{400, 401, 404, 200, 301}[random(5)], "Content-Type", "text/html")
			case 7:
				see("slow header")
				select {
				case <-time.After(time.Duration(random(60)) * time.Second):
				case <-r.Context().Done():
				}
				live(w, r, next, "3000")
			case 8:
				see("cut before the header")
				panic(http.ErrAbortHandler)
			}
		}
		tr := ssetest.NewTransport(t, http.HandlerFunc(handler))
		dial := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if hour := int(time.Since(start).Hours()); hour%37 > 34 {
				see("outage")
				return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
			}
			return dial(ctx, network, addr)
		}
		client := &sse.Client{
			HTTPClient:  &http.Client{Transport: tr, Timeout: 30 * time.Second},
			IdleTimeout: 5 * time.Minute,
		}
		p.limit(client)

		next, last, streams := 0, "", 0
		for done := false; !done; {
			streams++
			s := newStream(t, client, last)
			for s.Next() {
				p.event()
				i, _ := strconv.Atoi(string(s.Data()))
				switch {
				case i == next && s.Event() == event(i):
					next++
				case i == next-1 && i%50 == 48: // after it the connection was cut
					see("repeat")
				default:
					t.Fatalf("event %v, want %v", s.Event(), event(next))
				}
			}
			last = s.LastEventID()
			if done = s.Err() == nil; !done {
				see("permanent")
				time.Sleep(time.Minute)
				p.event() // of the next stream nothing is known
			}
		}
		equal(t, "events", next, total)
		for _, what := range []string{
			"gzip", "clean end", "cut", "cut of what was not flushed", "silence", "huge retry", "small retry", "outage", "429", "503", "302",
			"permanent", "repeat", "slow header", "cut before the header",
		} {
			if seen[what] == 0 {
				t.Errorf("no %s", what)
			}
		}
		t.Log(streams, "streams, took", time.Since(start), seen)
	})
}

// At every step that a stream makes, and at every one in turn, something happens: Close, the end of
// the context, Reconnect.
func TestInterruptedAtEveryStep(t *testing.T) {
	want := eventsOf(shapes)
	for _, how := range []string{"Close", "cancel", "Reconnect"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for at := 1; ; at++ {
					var open atomic.Int32
					ctx, cancel := context.WithCancel(t.Context())
					var s *sse.Stream
					var ended time.Time
					steps := 0
					client := stepping(&open, func() {
						if steps++; steps == at {
							ended = time.Now()
							switch how {
							case "Close":
								s.Close()
							case "cancel":
								cancel()
							case "Reconnect":
								s.Reconnect()
							}
						}
					})
					req, err := http.NewRequestWithContext(ctx, "GET", "http://example.com/", nil)
					if err != nil {
						t.Fatal(err)
					}
					s = client.Stream(req)
					got := collect(s)
					if how == "Reconnect" || steps < at {
						if s.Err() != nil {
							t.Fatalf("step %d: Err() = %v", at, s.Err())
						}
					} else {
						if d := time.Since(ended); d != 0 {
							t.Fatalf("step %d: ended %v late", at, d)
						}
						if how == "Close" && s.Err() != nil || how == "cancel" && !errors.Is(s.Err(), context.Canceled) && s.Err() != nil {
							t.Fatalf("step %d: Err() = %v", at, s.Err())
						}
						// Where it stopped, another goes on.
						got = append(got, collect(newStream(t, stepping(&open, func() {}), s.LastEventID()))...)
					}
					cancel()
					if !slices.Equal(got, want) || open.Load() != 0 {
						t.Fatalf("step %d: %d bodies left open, events (-want +got):\n%s", at, open.Load(), cmp.Diff(want, got))
					}
					if steps < at {
						if at < 100 {
							t.Errorf("only %d steps", steps)
						}
						return
					}
				}
			})
		})
	}
}

// stepping returns a Client with a server that fails in several ways, and then sends shapes in two
// halves. It calls step wherever something happens.
func stepping(open *atomic.Int32, step func()) *sse.Client {
	n := 0
	client := &sse.Client{
		IdleTimeout: time.Minute,
		HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			step()
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			n++
			rest := after(shapes, r.Header.Get("Last-Event-ID"))
			var resp *http.Response
			switch {
			case n == 1:
				return nil, errors.New("no network")
			case n == 2:
				resp = answerCut(r, "later", 2, cleanEnd, open)
				resp.StatusCode = 503
			case len(rest) == 0:
				resp = answerCut(r, "", 0, cleanEnd, open)
				resp.StatusCode = 204
			case n == 3:
				resp = answerCut(r, wireOf(rest)[:len(wireOf(rest))/2], 29, silence, open)
			default:
				resp = answerCut(r, wireOf(rest), 29, unexpectedEnd, open)
			}
			resp.Body = stepBody{resp.Body, step}
			return resp, nil
		})},
		Prepare:       func(*http.Request) error { step(); return nil },
		CheckResponse: func(r *http.Response) error { step(); return sse.DefaultCheckResponse(r) },
		OnOpen:        func(*http.Response) { step() },
		OnRetry:       func(error, time.Duration) { step() },
		OnComment:     func(string) { step() },
	}
	return client
}

type stepBody struct {
	io.ReadCloser
	step func()
}

func (b stepBody) Read(p []byte) (int, error) {
	b.step()
	return b.ReadCloser.Read(p)
}

// A service handles each event and then stores its ID. It is killed at any point, and begins again
// from what it stored: nothing is lost, and at most the event in hand comes again.
func TestKilledAtEveryStep(t *testing.T) {
	want := eventsOf(shapes)
	synctest.Test(t, func(t *testing.T) {
		for at := 1; ; at++ {
			var open atomic.Int32
			var handled []sse.Event // and
			stored := ""            // are what survives
			steps := 0
			ctx, kill := context.WithCancel(t.Context())
			alive := func() bool {
				if steps++; steps == at {
					kill()
				}
				return ctx.Err() == nil
			}
			req, err := http.NewRequestWithContext(ctx, "GET", "http://example.com/", nil)
			if err != nil {
				t.Fatal(err)
			}
			for s := stepping(&open, func() { alive() }).Stream(req); s.Next() && alive(); {
				handled = append(handled, s.Event())
				if alive() {
					stored = s.LastEventID()
				}
			}
			kill()
			survivors := len(handled)
			for s := newStream(t, stepping(&open, func() {}), stored); s.Next(); {
				handled = append(handled, s.Event())
			}
			if survivors > 0 && survivors < len(handled) && handled[survivors] == handled[survivors-1] {
				handled = slices.Delete(handled, survivors, survivors+1)
			}
			if !slices.Equal(handled, want) {
				t.Fatalf("killed at step %d: events (-want +got):\n%s", at, cmp.Diff(want, handled))
			}
			if steps < at {
				return
			}
		}
	})
}

// When Next has returned false nothing holds what the attempts used: no timer, no goroutine, no
// context.
func TestNothingIsLeft(t *testing.T) {
	var made, collected atomic.Int32
	func() {
		var open atomic.Int32
		n := 0
		client := &sse.Client{
			ReconnectionTime: -1,
			Backoff:          func() backoff.BackOff { return &backoff.ZeroBackOff{} },
			IdleTimeout:      time.Hour,
			HTTPClient: &http.Client{Timeout: time.Hour, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				n++
				made.Add(1)
				// Whatever keeps an attempt alive keeps its context.
				runtime.SetFinalizer(r.Context(), func(context.Context) { collected.Add(1) })
				switch n {
				case 1:
					return nil, errors.New("no network")
				case 2:
					resp := answerCut(r, "later", 0, cleanEnd, &open)
					resp.StatusCode = 503
					return resp, nil
				case 20:
					return answer(r, 204), nil
				}
				return answerCut(r, "data:\n\n", 0, cut(n)%silence, &open), nil
			})},
		}
		s := newStream(t, client, "")
		collect(s)
		equal(t, "Err()", s.Err(), nil)
		equal(t, "open bodies", open.Load(), 0)
	}()
	for range 1000 {
		if runtime.GC(); collected.Load() == made.Load() {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("of %d contexts %d are still held", made.Load(), made.Load()-collected.Load())
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// afterLast is the number of the event that comes after the last one that r says it had.
func afterLast(t *testing.T, r *http.Request) int {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		return 0
	}
	last, err := strconv.Atoi(id)
	if err != nil {
		t.Errorf("Last-Event-ID %q", id)
	}
	return last + 1
}
