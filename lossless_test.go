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

// The promise that these tests are about: with a server that replays from Last-Event-ID every event
// arrives once, in order, wherever and however often the connections are cut.

var connections = flag.Int("connections", 100_000, "how many connections TestStreamRandomCuts makes")

func TestStreamCutAtEveryByte(t *testing.T) {
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
func TestStreamCutWithoutIDs(t *testing.T) {
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

func TestStreamRandomCuts(t *testing.T) {
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
func TestStreamRandomCutsOverHTTP(t *testing.T) {
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
func TestStreamThirtyDays(t *testing.T) {
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
func TestStreamInterruptedAtEveryStep(t *testing.T) {
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

// A service handles each event and then stores its ID. It is killed at any point, and begins again
// from what it stored: nothing is lost, and at most the event in hand comes again.
func TestStreamResumesAfterKill(t *testing.T) {
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
func TestStreamReleasesAttempts(t *testing.T) {
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
