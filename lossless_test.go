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

// These tests check a promise of the package: if the server replays from Last-Event-ID, every event
// arrives once and in order, wherever and however often the connection is cut.

var connections = flag.Int("connections", 100_000,
	"the `number` of connections that TestStreamRandomCuts makes")

func TestStreamCutAtEveryByte(t *testing.T) {
	want := eventsOf(sampleBlocks)
	size := len(textOf(sampleBlocks))
	for how := range numEndings {
		t.Run(how.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for at := range size + 1 {
					var open atomic.Int32
					requests := 0
					client := &sse.Client{
						IdleTimeout: time.Minute,
						HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
							requests++
							rest := blocksAfter(sampleBlocks, r.Header.Get("Last-Event-ID"))
							switch {
							case len(rest) == 0:
								return statusResponse(r, 204), nil
							case requests == 1:
								text := "\ufeff"[:at%2*3] + textOf(rest)[:at]
								return streamResponse(r, text, at%3*7, how, &open), nil
							}
							return streamResponse(r, textOf(rest), 0, cleanEnd, &open), nil
						}),
					}
					s := newStream(t, client, "")
					got := collect(s)
					if !slices.Equal(got, want) || s.Err() != nil || requests > 3 || open.Load() != 0 {
						t.Fatalf("at byte %d: Err() = %v, %d requests, %d bodies left open, "+
							"events (-want +got):\n%s",
							at, s.Err(), requests, open.Load(), cmp.Diff(want, got))
					}
				}
			})
		})
	}
}

// A stream can resume only after an ID. If events have no ID of their own, those since the last ID
// arrive again, and none is lost.
func TestStreamCutWithoutIDs(t *testing.T) {
	blocks := []block{
		{"data:a\n\n", message("", "a")},
		{"data:b\n\n", message("", "b")},
		{"id:1\ndata:c\n\n", message("1", "c")},
		{"data:d\n\n", message("1", "d")},
		{"id:1\ndata:e\n\n", message("1", "e")},
		{"data:f\n\n", message("1", "f")},
		{"id:2\ndata:g\n\n", message("2", "g")},
	}
	synctest.Test(t, func(t *testing.T) {
		for how := range numEndings {
			for at := range len(textOf(blocks)) + 1 {
				var open atomic.Int32
				requests := 0
				client := &sse.Client{
					IdleTimeout: time.Minute,
					HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
						requests++
						text := textOf(blocksAfter(blocks, r.Header.Get("Last-Event-ID")))
						switch {
						case text == "":
							return statusResponse(r, 204), nil
						case requests == 1:
							return streamResponse(r, text[:at], 0, how, &open), nil
						}
						return streamResponse(r, text, 0, cleanEnd, &open), nil
					}),
				}
				// The complete events before the cut, and then those after their last ID.
				var want []sse.Event
				last, sent := "", 0
				for _, b := range blocks {
					if sent += len(b.text); sent <= at {
						want, last = append(want, b.event), b.event.ID
					}
				}
				want = append(want, eventsOf(blocksAfter(blocks, last))...)
				s := newStream(t, client, "")
				if got := collect(s); !slices.Equal(got, want) || s.Err() != nil {
					t.Fatalf("%v at byte %d: Err() = %v, events (-want +got):\n%s",
						how, at, s.Err(), cmp.Diff(want, got))
				}
			}
		}
	})
}

func TestStreamRandomCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 2))
		limit := *connections
		if testing.Short() {
			limit /= 20
		}
		var open atomic.Int32
		made, total := 0, -1
		refused := &net.OpError{
			Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
		}
		p := &retryChecker{t: t}
		client := &sse.Client{
			IdleTimeout: time.Minute,
			HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
				made++
				next := nextNumber(t, r)
				if made >= limit && total < 0 {
					total = next + 10
				}
				if total < 0 {
					switch rnd.IntN(30) {
					case 0:
						return nil, refused
					case 1:
						return statusResponse(r, 503, "Retry-After", "20"), nil
					case 2:
						<-time.After(30 * time.Second)
						return nil, syscall.ETIMEDOUT
					}
				}
				size := rnd.IntN(1 + 1<<rnd.IntN(12))
				var b strings.Builder
				for ; b.Len() <= size && next != total; next++ {
					b.WriteString(nthBlock(next).text)
				}
				if total < 0 {
					chunk, how := rnd.IntN(100), ending(rnd.IntN(int(numEndings)))
					return streamResponse(r, b.String()[:size], chunk, how, &open), nil
				} else if b.Len() == 0 {
					return statusResponse(r, 204), nil
				}
				return streamResponse(r, b.String(), 0, cleanEnd, &open), nil
			}),
		}
		p.attach(client)
		s := newStream(t, client, "")
		next := 0
		for s.Next() {
			p.event()
			for nthBlock(next).event.Type == "" {
				next++
			}
			if got, want := s.Event(), nthBlock(next).event; got != want {
				t.Fatalf("connection %d: event %v, want %v", made, got, want)
			}
			next++
			if rnd.IntN(1000) == 0 {
				p.reconnected = true
				s.Reconnect()
			}
		}
		if s.Err() != nil || next < total-1 || made < limit || open.Load() != 0 {
			t.Errorf("Err() = %v after %d of %d blocks, %d connections, %d bodies left open",
				s.Err(), next, total, made, open.Load())
		}
	})
}

// This is TestStreamRandomCuts with a server of net/http, and also with compressed bodies.
func TestStreamRandomCutsOverHTTP(t *testing.T) {
	for _, coding := range []string{"identity", "gzip"} {
		t.Run(coding, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(3, 4))
				var want []sse.Event
				for i := range 4000 {
					want = append(want, message(fmt.Sprint("id ", i), strings.Repeat("data\n", i%50)))
				}
				srv := ssetest.NewMemoryServer(t, ssetest.Each(func(n int, r *http.Request) http.Handler {
					var c ssetest.Conn
					if coding == "gzip" {
						c = append(c, ssetest.Gzip())
					}
					if n%3 > 0 {
						c = append(c, ssetest.Chunks(1+rnd.IntN(50)))
					}
					how := []ssetest.Step{
						ssetest.Cut(), ssetest.Reset(), ssetest.Stall(), ssetest.End(),
					}[rnd.IntN(4)]
					if rnd.IntN(20) == 0 {
						return append(c, how)
					}
					return append(c, ssetest.After(rnd.IntN(1500), how), ssetest.Replay(want...))
				}))
				client := &sse.Client{HTTPClient: srv.Client(), IdleTimeout: time.Minute}
				client.HTTPClient.Timeout = 10 * time.Second
				p := &retryChecker{t: t, floor: time.Second}
				p.attach(client)
				var got []sse.Event
				s := newStream(t, client, "")
				for s.Next() {
					p.event()
					got = append(got, s.Event())
				}
				if diff := cmp.Diff(want, got); diff != "" || s.Err() != nil {
					t.Errorf("%d requests, Err() = %v, events (-want +got):\n%s",
						len(srv.Requests()), s.Err(), diff)
				}
			})
		})
	}
}

// A service follows a stream for thirty days on a bad network, with long outages and failures of
// every kind. When a response ends the stream, the service resumes with a new stream.
func TestStreamThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Minute // between two events
		const total = int(30 * 24 * time.Hour / interval)
		start := time.Now()
		event := func(i int) sse.Event {
			ev := message(strconv.Itoa(i), strconv.Itoa(i))
			if i%50 == 48 {
				ev.ID += "\x01" // cannot be sent in a header
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
		count := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			seen[what]++
		}
		p := &retryChecker{t: t}
		var notBefore time.Time // the earliest time of the next request

		live := func(w http.ResponseWriter, r *http.Request, next int, retry string) {
			rc, out := http.NewResponseController(w), io.Writer(w)
			flush := rc.Flush
			if random(3) == 0 {
				count("gzip")
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
				due := start.Add(time.Duration(next+1) * interval)
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
					heartbeat := min(2*time.Minute, end.Sub(now))
					if next < total {
						heartbeat = min(heartbeat, due.Sub(now))
					}
					select {
					case <-time.After(heartbeat):
					case <-r.Context().Done():
						return
					}
					continue
				}
				switch random(4) {
				case 0:
					count("clean end")
					return
				case 1:
					count("cut")
					io.WriteString(out, "id:no\ndata:no")
					flush()
					panic(http.ErrAbortHandler)
				case 2:
					count("unflushed cut")
					io.WriteString(out, "id:no\ndata:no")
					panic(http.ErrAbortHandler)
				case 3:
					count("silence")
					flush()
					<-r.Context().Done()
					return
				}
			}
		}
		handler := func(w http.ResponseWriter, r *http.Request) {
			next := nextNumber(t, r)
			fail := func(code int, header ...string) {
				count(strconv.Itoa(code))
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
				t.Errorf("a request comes %v before Retry-After allows", time.Until(notBefore))
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
				count("huge retry")
				live(w, r, next, strings.Repeat("9", random(30)+5))
			case 1:
				count("small retry")
				live(w, r, next, "0")
			case 2:
				fail([]int{408, 425, 429, 500, 502, 503, 504}[random(7)])
			case 3:
				fail(429, "Retry-After", strconv.Itoa(random(5000)))
			case 4:
				date := time.Now().Add(time.Duration(random(5000)) * time.Second).UTC()
				fail(503, "Retry-After", date.Format(http.TimeFormat))
			case 5:
				fail(302, "Location", "/elsewhere")
			case 6:
				fail([]int{400, 401, 404, 200, 301}[random(5)], "Content-Type", "text/html")
			case 7:
				count("slow header")
				select {
				case <-time.After(time.Duration(random(60)) * time.Second):
				case <-r.Context().Done():
				}
				live(w, r, next, "3000")
			case 8:
				count("cut before the header")
				panic(http.ErrAbortHandler)
			}
		}
		tr := ssetest.NewTransport(t, http.HandlerFunc(handler))
		dial := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if hour := int(time.Since(start).Hours()); hour%37 > 34 {
				count("outage")
				return nil, &net.OpError{
					Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ENETUNREACH),
				}
			}
			return dial(ctx, network, addr)
		}
		client := &sse.Client{
			HTTPClient:  &http.Client{Transport: tr, Timeout: 30 * time.Second},
			IdleTimeout: 5 * time.Minute,
		}
		p.attach(client)

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
				case i == next-1 && i%50 == 48: // its ID could not be sent
					count("repeat")
				default:
					t.Fatalf("event %v, want %v", s.Event(), event(next))
				}
			}
			last = s.LastEventID()
			if done = s.Err() == nil; !done {
				count("permanent")
				time.Sleep(time.Minute)
				p.event() // the next stream starts without failures
			}
		}
		equal(t, "events", next, total)
		for _, what := range []string{
			"gzip", "clean end", "cut", "unflushed cut", "silence", "huge retry", "small retry",
			"outage", "429", "503", "302", "permanent", "repeat", "slow header",
			"cut before the header",
		} {
			if seen[what] == 0 {
				t.Errorf("there was no %s", what)
			}
		}
		t.Log(streams, "streams, took", time.Since(start), seen)
	})
}

// The stream is interrupted at each of its steps in turn.
func TestStreamInterruptedAtEveryStep(t *testing.T) {
	want := eventsOf(sampleBlocks)
	for _, how := range []string{"Close", "cancel", "Reconnect"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for at := 1; ; at++ {
					var open atomic.Int32
					ctx, cancel := context.WithCancel(t.Context())
					var s *sse.Stream
					var ended time.Time
					steps := 0
					client := newStepClient(&open, func() {
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
							t.Fatalf("step %d: the stream ended %v late", at, d)
						}
						cancelled := how == "cancel" && errors.Is(s.Err(), context.Canceled)
						if s.Err() != nil && !cancelled {
							t.Fatalf("step %d: Err() = %v", at, s.Err())
						}
						// A second stream resumes after the first.
						client := newStepClient(&open, func() {})
						got = append(got, collect(newStream(t, client, s.LastEventID()))...)
					}
					cancel()
					if !slices.Equal(got, want) || open.Load() != 0 {
						t.Fatalf("step %d: %d bodies left open, events (-want +got):\n%s",
							at, open.Load(), cmp.Diff(want, got))
					}
					if steps < at {
						if at < 100 {
							t.Errorf("the stream made %d steps, want at least 99", steps)
						}
						return
					}
				}
			})
		})
	}
}

// A service handles each event and then stores its ID. It is killed at each step in turn, and
// resumes after the ID that it stored. No event is lost, and at most one is handled twice.
func TestStreamResumesAfterKill(t *testing.T) {
	want := eventsOf(sampleBlocks)
	synctest.Test(t, func(t *testing.T) {
		for at := 1; ; at++ {
			var open atomic.Int32
			// These two variables survive the kill.
			var handled []sse.Event
			stored := ""
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
			for s := newStepClient(&open, func() { alive() }).Stream(req); s.Next() && alive(); {
				handled = append(handled, s.Event())
				if alive() {
					stored = s.LastEventID()
				}
			}
			kill()
			before := len(handled)
			for s := newStream(t, newStepClient(&open, func() {}), stored); s.Next(); {
				handled = append(handled, s.Event())
			}
			if 0 < before && before < len(handled) && handled[before] == handled[before-1] {
				handled = slices.Delete(handled, before, before+1)
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

// After Next has returned false, no timer, goroutine or context of an attempt is left.
func TestStreamReleasesAttempts(t *testing.T) {
	var made, collected atomic.Int32
	func() {
		var open atomic.Int32
		n := 0
		client := &sse.Client{
			ReconnectionTime: -1,
			Backoff:          func() backoff.BackOff { return &backoff.ZeroBackOff{} },
			IdleTimeout:      time.Hour,
			HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
				n++
				made.Add(1)
				// Everything that keeps an attempt alive also keeps its context.
				runtime.SetFinalizer(r.Context(), func(context.Context) { collected.Add(1) })
				switch n {
				case 1:
					return nil, errors.New("no network")
				case 2:
					resp := streamResponse(r, "later", 0, cleanEnd, &open)
					resp.StatusCode = 503
					return resp, nil
				case 20:
					return statusResponse(r, 204), nil
				}
				return streamResponse(r, "data:\n\n", 0, ending(n)%silence, &open), nil
			}),
		}
		client.HTTPClient.Timeout = time.Hour
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
	t.Errorf("%d of %d contexts are still reachable", made.Load()-collected.Load(), made.Load())
}
