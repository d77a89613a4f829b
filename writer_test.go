package sse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestWriterWritesAndFlushes(t *testing.T) {
	onEveryServer(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server) {
		read := make(chan struct{})
		srv := newServer(t, writerHandler(t, func(out *sse.Writer, r *http.Request) {
			for _, err := range []error{
				out.Comment("hi"), out.Retry(2 * time.Second), out.Send(writerEvents[0]),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			<-read // the client has read it, so it was flushed
			var bad *sse.FieldError
			if err := out.Send(sse.Event{ID: "a\nb"}); !errors.As(err, &bad) {
				t.Errorf("got %v, want a FieldError", err)
			}
			if err := out.Send(writerEvents[1]); err != nil {
				t.Error(err)
			}
			out.Close()
			out.KeepAlive(time.Nanosecond)
			if err := out.Send(writerEvents[2]); err != io.ErrClosedPipe {
				t.Errorf("after Close: got %v, want %v", err, io.ErrClosedPipe)
			}
		}))
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for _, h := range [][2]string{{"Content-Type", "text/event-stream"},
			{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}} {
			if got := resp.Header.Get(h[0]); got != h[1] {
				t.Errorf("%s: got %q, want %q", h[0], got, h[1])
			}
		}
		const first, second = ":hi\nretry: 2000\nid: 1\ndata: a\n\n", "id: 2\ndata: b\n\n"
		buf := make([]byte, len(first))
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != first {
			t.Errorf("got %q, %v, want %q", buf, err, first)
		}
		close(read)
		if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != second {
			t.Errorf("got %q, %v, want %q", rest, err, second)
		}
	})
}

// NewWriter does not replace what the handler has set.
func TestWriterKeepsHeader(t *testing.T) {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	w.Header().Set("Cache-Control", "no-store")
	w.Header()["X-Accel-Buffering"] = nil
	out, err := sse.NewWriter(w, r)
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	want := http.Header{"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-store"},
		"X-Accel-Buffering": nil}
	if diff := cmp.Diff(want, w.Header()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestWriterWithoutFlush(t *testing.T) {
	rec := httptest.NewRecorder()
	w := struct{ http.ResponseWriter }{rec}
	_, err := sse.NewWriter(w, httptest.NewRequest("GET", "/", nil))
	if !errors.Is(err, http.ErrNotSupported) || len(rec.Header()) != 0 {
		t.Errorf("got %v and header %v, want %v and none", err, rec.Header(), http.ErrNotSupported)
	}
}

func TestWriterReportsDisconnect(t *testing.T) {
	onEveryServer(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server) {
		srv := newServer(t, writerHandler(t, func(out *sse.Writer, r *http.Request) {
			out.Send(writerEvents[0])
			<-r.Context().Done()
			if err := out.Send(writerEvents[1]); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
		}))
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(resp.Body, make([]byte, len(firstEventWire)))
		resp.Body.Close()
	})
}

// A handler that ignores its context gets an error from Send.
func TestWriterSendFailsAfterDisconnect(t *testing.T) {
	onEveryServer(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server) {
		srv := newServer(t, writerHandler(t, func(out *sse.Writer, r *http.Request) {
			for out.Send(writerEvents[0]) == nil {
			}
		}))
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(resp.Body, make([]byte, len(firstEventWire)))
		resp.Body.Close()
		srv.Close() // waits for the handler
	})
}

func TestWriterKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, writerHandler(t, func(out *sse.Writer, r *http.Request) {
			out.KeepAlive(15 * time.Second)
			time.Sleep(20 * time.Second) // a comment at 15
			out.Send(writerEvents[0])    // at 20
			time.Sleep(40 * time.Second) // at 35, 50
			out.KeepAlive(3 * time.Second)
			time.Sleep(5 * time.Second) // at 60, because it is overdue, and at 63
			out.KeepAlive(0)
			time.Sleep(time.Hour)
		}))
		start := time.Now()
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var got []string
		buf := make([]byte, 100)
		for {
			n, err := resp.Body.Read(buf)
			got = append(got, fmt.Sprintf("%v %q %v", time.Since(start), buf[:n], err))
			if err != nil {
				break
			}
		}
		want := []string{
			`15s ":\n" <nil>`, `20s "id: 1\ndata: a\n\n" <nil>`, `35s ":\n" <nil>`, `50s ":\n" <nil>`,
			`1m0s ":\n" <nil>`, `1m3s ":\n" <nil>`, `1h1m5s "" EOF`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reads (-want +got):\n%s", diff)
		}
	})
}

// The timeouts of the server do not end a stream. A client that does not read ends it.
func TestWriterReplacesServerTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ssetest.Listen()
		stuck := make(chan error, 1)
		server := &http.Server{
			ReadTimeout: time.Second, WriteTimeout: time.Second,
			Handler: writerHandler(t, func(out *sse.Writer, r *http.Request) {
				out.KeepAlive(15 * time.Second)
				select {
				case <-r.Context().Done():
					t.Errorf("context done: %v", context.Cause(r.Context()))
				case <-time.After(24 * time.Hour):
				}
				if err := out.Send(writerEvents[0]); err != nil {
					t.Error(err)
				}
				start := time.Now()
				big := sse.Event{Data: strings.Repeat("x", 1<<20)}
				err := out.Send(big)
				if waited := time.Since(start); waited != time.Minute {
					t.Errorf("gave up after %v, want 1m", waited)
				}
				stuck <- err
			}),
		}
		go server.Serve(l)
		defer server.Close()
		client := &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}
		resp, err := client.Get("http://sse.test")
		if err != nil {
			t.Fatal(err)
		}
		r := sse.NewReader(resp.Body)
		if !r.Next() || r.Event() != writerEvents[0] {
			t.Errorf("got %v, %v, want %v", r.Event(), r.Err(), writerEvents[0])
		}
		if err := <-stuck; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
		}
		resp.Body.Close()
	})
}

func TestWriterIsSafeForConcurrentUse(t *testing.T) {
	onEveryServer(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server) {
		const goroutines, each = 8, 100
		srv := newServer(t, writerHandler(t, func(out *sse.Writer, r *http.Request) {
			out.KeepAlive(time.Microsecond)
			var wg sync.WaitGroup
			for i := range goroutines {
				wg.Go(func() {
					for j := range each {
						if err := out.Send(sse.Event{ID: fmt.Sprint(i, " ", j),
							Data: strings.Repeat("x", j)}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
		}))
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		next := make([]int, goroutines)
		r := sse.NewReader(resp.Body)
		for r.Next() {
			var i, j int
			fmt.Sscan(r.Event().ID, &i, &j)
			if len(r.Event().Data) != j || next[i] != j {
				t.Fatalf("event %v is out of order or damaged, want number %d", r.Event(), next[i])
			}
			next[i]++
		}
		for i, n := range next {
			if n != each {
				t.Errorf("goroutine %d: got %d events, want %d", i, n, each)
			}
		}
		if r.Err() != nil {
			t.Error(r.Err())
		}
	})
}

// The only finding about the output of a Writer is that the stream ends.
func TestWriterPassesCheck(t *testing.T) {
	onEveryServer(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server) {
		srv := newServer(t, writerHandler(t, func(out *sse.Writer, r *http.Request) {
			out.Retry(time.Second)
			out.Comment("one\ntwo")
			for _, ev := range writerEvents {
				out.Send(ev)
			}
		}))
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		r := ssetest.Check(t.Context(), resp, 0)
		if len(r.Findings) != 1 || r.Findings[0].Rule != "stream-ended" || r.Events != 3 {
			t.Errorf("got %+v", r)
		}
	})
}

// HTTP/2 ends a stream at its write deadline even if nothing is written.
func TestWriterRemovesDeadline(t *testing.T) {
	d := &deadlines{ResponseRecorder: httptest.NewRecorder(), write: time.Unix(1, 0)}
	w, err := sse.NewWriter(d, httptest.NewRequest("GET", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	if !d.write.IsZero() {
		t.Errorf("after NewWriter: write deadline %v, want none", d.write)
	}
	if err := w.Send(sse.Event{Data: "x"}); err != nil {
		t.Fatal(err)
	}
	if !d.write.IsZero() {
		t.Errorf("after Send: write deadline %v, want none", d.write)
	}
}

// BenchmarkWriter measures how many events handlers send in memory, with one Writer for
// each client, and the memory that a client needs on the server while no event is sent.
// That includes the goroutines and buffers of net/http and the connection in memory.
func BenchmarkWriter(b *testing.B) {
	for _, clients := range []int{1, 1000} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			benchmarkWriter(b, clients)
		})
	}
}

func benchmarkWriter(b *testing.B, clients int) {
	b.ReportAllocs()
	event := sse.Event{ID: "1234567", Type: "message", Data: strings.Repeat("x", 100)}
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(clients)
	done.Add(clients)
	var left atomic.Int64
	left.Store(int64(b.N))
	l := ssetest.Listen()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer done.Done()
		out, err := sse.NewWriter(w, r)
		ready.Done()
		if err != nil {
			b.Error(err)
			return
		}
		defer out.Close()
		<-start
		for left.Add(-1) >= 0 {
			if err := out.Send(event); err != nil {
				b.Error(err)
				return
			}
		}
	})}
	go server.Serve(l)
	defer server.Close()

	before := memoryInUse()
	for range clients {
		conn, err := l.DialContext(b.Context(), "", "")
		if err != nil {
			b.Fatal(err)
		}
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: sse.test\r\n\r\n")
		go func() {
			for buf := make([]byte, 1<<10); ; {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
		}()
	}
	ready.Wait()
	memory := float64(memoryInUse()-before) / float64(clients)
	b.ResetTimer()
	close(start)
	done.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(memory, "B/client")
}
