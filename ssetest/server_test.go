package ssetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

// bothWays runs f with a server on sockets, and with one in memory inside a bubble.
func bothWays(t *testing.T, f func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server)) {
	t.Run("sockets", func(t *testing.T) { t.Parallel(); f(t, NewServer) })
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { f(t, NewMemoryServer) })
	})
}

// threeWays adds HTTP/2.
func threeWays(t *testing.T, f func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server)) {
	bothWays(t, f)
	t.Run("http2", func(t *testing.T) { t.Parallel(); f(t, NewTLSServer) })
}

var abc = []sse.Event{{ID: "1", Type: "message", Data: "a"}, {ID: "2", Type: "message", Data: "b"}, {ID: "3", Type: "message", Data: "c"}}

const wireA = "id: 1\ndata: a\n\n"

// get makes a request and reads its answer to the end.
func get(t *testing.T, srv *Server, header ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/stream?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestConn(t *testing.T) {
	tests := []struct {
		name   string
		conn   Conn
		header []string // of the request
		status int      // 0: no answer
		want   string   // the body
		err    error    // from the body, or instead of an answer
	}{
		{"nothing", Conn{}, nil, 200, "", nil},
		{"events", Conn{Send(abc[:2]...)}, nil, 200, "id: 1\ndata: a\n\nid: 2\ndata: b\n\n", nil},
		{"raw", Conn{Raw("data: a\r"), Raw("\r")}, nil, 200, "data: a\r\r", nil},
		{"comment and retry", Conn{Comment("hi"), Retry(2 * time.Second)}, nil, 200, ":hi\nretry: 2000\n", nil},
		{"status", Conn{Status(503), Raw("busy")}, nil, 503, "busy", nil},
		{"no content", Conn{Status(204)}, nil, 204, "", nil},
		{"early hints", Conn{Status(103, "Link", "</a>"), Send(abc[0])}, nil, 200, wireA, nil},
		{"end in an event", Conn{After(9, End()), Send(abc[0])}, nil, 200, wireA[:9], nil},
		{"cut", Conn{Send(abc[0]), Cut()}, nil, 200, wireA, io.ErrUnexpectedEOF},
		{"cut in an event", Conn{After(9, Cut()), Send(abc...)}, nil, 200, wireA[:9], io.ErrUnexpectedEOF},
		{"cut at byte 0", Conn{After(0, Cut()), Send(abc...)}, nil, 200, "", io.ErrUnexpectedEOF},
		{"cut after the last byte", Conn{After(len(wireA), Cut()), Send(abc[0])}, nil, 200, wireA, io.ErrUnexpectedEOF},
		{"cut before the header", Conn{Cut()}, nil, 0, "", io.EOF},
		{"reset", Conn{Send(abc[0]), Reset()}, nil, 200, wireA, syscall.ECONNRESET},
		{"reset in an event", Conn{After(9, Reset()), Send(abc[0])}, nil, 200, wireA[:9], syscall.ECONNRESET},
		{"reset before the header", Conn{Reset()}, nil, 0, "", syscall.ECONNRESET},
		{"two afters", Conn{After(9, Cut()), After(3, Raw("xx")), Send(abc[0])}, nil, 200, "id:xx 1\nd", io.ErrUnexpectedEOF},
		{"short of its length", Conn{Status(200, "Content-Length", "100"), Send(abc[0])}, nil, 200, wireA, io.ErrUnexpectedEOF},
		{"chunks", Conn{Chunks(1), Send(abc[0])}, nil, 200, wireA, nil},
		{"gzip", Conn{Gzip(), Send(abc[0]), Comment("")}, nil, 200, wireA + ":\n", nil},
		{"gzip ends", Conn{Gzip(), Send(abc[0]), End()}, nil, 200, wireA, nil},
		{"gzip breaks off", Conn{Gzip(), Send(abc[0]), Cut()}, nil, 200, wireA, io.ErrUnexpectedEOF},
		{"gzip ends early", Conn{Gzip(), After(10, End()), Send(abc[0])}, nil, 200, "", io.ErrUnexpectedEOF},
		{"replay from the start", Conn{Replay(abc...)}, nil, 200, "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n", nil},
		{"replay", Conn{Replay(abc...)}, []string{"Last-Event-ID", "2"}, 200, "id: 3\ndata: c\n\n", nil},
		{"replay is done", Conn{Replay(abc...)}, []string{"Last-Event-ID", "3"}, 204, "", nil},
		{"replay goes on", Conn{Status(200), Replay(abc...)}, []string{"Last-Event-ID", "3"}, 200, "", nil},
		{"replay of an unknown id", Conn{Replay(abc[:1]...)}, []string{"Last-Event-ID", "x"}, 200, wireA, nil},
		{"replay of a shared id", Conn{Replay(sse.Event{ID: "1"}, sse.Event{ID: "1", Data: "x"})}, []string{"Last-Event-ID", "1"}, 200, "id: 1\ndata: x\n\n", nil},
		{"replay of an id with spaces", Conn{Replay(sse.Event{ID: " a "}, sse.Event{ID: "1", Data: "x"})}, []string{"Last-Event-ID", "a"}, 200, "id: 1\ndata: x\n\n", nil},
		{"want header", Conn{WantHeader("Last-Event-ID", "7"), WantNoHeader("X-A"), Status(204)}, []string{"Last-Event-ID", "7"}, 204, "", nil},
		{"do", Conn{Do(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) }), Cut()}, nil, 200, "/stream?q=1", io.ErrUnexpectedEOF},
		{"do flushes", Conn{Do(func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }), Cut()}, nil, 200, "", io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				resp, body, err := get(t, newServer(t, tt.conn), tt.header...)
				status := 0
				if resp != nil {
					status = resp.StatusCode
				}
				if status != tt.status || body != tt.want {
					t.Errorf("got %d %q, want %d %q", status, body, tt.status, tt.want)
				}
				http2 := resp != nil && resp.ProtoMajor == 2 || strings.HasSuffix(t.Name(), "http2")
				if http2 && tt.err != nil {
					if err == nil {
						t.Errorf("got no error, want one in place of %v", tt.err)
					}
				} else if !errors.Is(err, tt.err) {
					t.Errorf("got error %v, want %v", err, tt.err)
				}
			})
		})
	}
}

// On sockets and in memory a client sees the same, to the header fields, the
// lengths and the types of errors.
func TestSameBothWays(t *testing.T) {
	body := strings.Repeat("x", 100)
	conns := []http.Handler{
		Conn{}, Conn{Send(abc...)}, Conn{Send(abc...), Cut()}, Conn{Send(abc...), Reset()}, Conn{Cut()}, Conn{Reset()},
		Conn{Status(204)}, Conn{Status(503, "Retry-After", "9"), Raw("busy")}, Conn{Status(304)}, Conn{Status(302)},
		Conn{Status(200, "Content-Length", "15"), Send(abc[0])}, Conn{Status(200, "Content-Length", "99"), Send(abc[0])},
		Conn{Gzip(), Send(abc...), Cut()}, Conn{Chunks(1), Send(abc...)},
		Conn{Status(200, "Trailer", "X-End"), Do(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-End", "fine") })},
		http.NotFoundHandler(), http.RedirectHandler("ftp://sse.test", http.StatusTemporaryRedirect),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat(body, 100)) }),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.NewResponseController(w).Flush() }),
	}
	see := func(srv *Server, method string) string {
		req, err := http.NewRequest(method, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			return types(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		resp.Header.Del("Date")
		return fmt.Sprint(resp.Proto, resp.Status, resp.Header, resp.Trailer, resp.ContentLength, resp.TransferEncoding,
			resp.Close, resp.Uncompressed, string(body), types(err))
	}
	for i, c := range conns {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			sockets, memory := see(NewServer(t, c), method), see(NewMemoryServer(t, c), method)
			if sockets != memory {
				t.Errorf("connection %d, %s:\n sockets %s\n memory  %s", i, method, sockets, memory)
			}
		}
	}
}

// types names the types of the errors that err wraps, and what the last one says.
func types(err error) string {
	var s []string
	for ; err != nil; err = errors.Unwrap(err) {
		s = append(s, fmt.Sprintf("%T", err))
		if errors.Unwrap(err) == nil {
			s = append(s, err.Error())
		}
	}
	return strings.Join(s, " ")
}

// Closing a server breaks its streams off: they do not end cleanly.
func TestCloseServer(t *testing.T) {
	for _, step := range []Step{Stall(), Sleep(time.Hour), Wait(nil)} {
		threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
			srv := newServer(t, Conn{Send(abc[0]), step})
			srv.AllowUnused()
			resp, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadFull(resp.Body, make([]byte, len(wireA))); err != nil {
				t.Fatal(err)
			}
			srv.Close()
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("%v: the stream ended cleanly", step)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv := newServer(t,
			Conn{Send(abc[0])},
			Conn{Status(200, "Content-Type", "text/html", "X-A", "1", "X-A", "2")},
			Conn{Status(200, "Trailer", "X-End"), Send(abc[0]), Do(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-End", "fine") })},
			Conn{Gzip(), Send(abc[0])},
		)
		var got []string
		for range 4 {
			resp, _, err := get(t, srv)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(resp.Header["Content-Type"], resp.Header["Cache-Control"], resp.Header["X-A"], resp.Trailer, resp.Uncompressed))
		}
		want := []string{
			"[text/event-stream] [no-cache] [] map[] false",
			"[text/html] [] [1 2] map[] false",
			"[text/event-stream] [no-cache] [] map[X-End:[fine]] false",
			"[text/event-stream] [no-cache] [] map[] true",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	})
}

func TestRequests(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv := newServer(t, Conn{}, Conn{}, Conn{})
		before := time.Now()
		get(t, srv)
		get(t, srv, "Last-Event-ID", "7", "X-A", "b")
		resp, err := srv.Client().Post(srv.URL+"/post", "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()

		var got []string
		for _, r := range srv.Requests() {
			id, ok := r.LastEventID()
			got = append(got, fmt.Sprintf("%s %v %v %s %s %t", r.Method, r.URL, r.Header["X-A"], r.Body, id, ok))
			if r.Time.Before(before) || r.Time.After(time.Now()) {
				t.Errorf("request at %v, not between %v and now", r.Time, before)
			}
			if "http://"+r.Host != srv.URL && "https://"+r.Host != srv.URL {
				t.Errorf("got host %q, want that of %v", r.Host, srv.URL)
			}
		}
		want := []string{"GET /stream?q=1 []   false", "GET /stream?q=1 [b]  7 true", "POST /post [] body  false"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// A script reads its request before it answers, so that a POST body larger than
// what is kept is no obstacle.
func TestLargeBody(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		var n int64
		srv := newServer(t, Conn{Do(func(w http.ResponseWriter, r *http.Request) { n, _ = io.Copy(io.Discard, r.Body) })})
		resp, err := srv.Client().Post(srv.URL, "text/plain", strings.NewReader(strings.Repeat("x", 3<<20)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := len(srv.Requests()[0].Body); got != 1<<20 || n != 3<<20 {
			t.Errorf("kept %d bytes of the body, the handler saw %d; want %d and %d", got, n, 1<<20, 3<<20)
		}
	})
}

// The request's context ends the wait for the header and the read of the body,
// and so does http.Client's Timeout, with the errors of net/http.
func TestGiveUp(t *testing.T) {
	for _, body := range []bool{false, true} {
		t.Run(fmt.Sprintf("body=%t", body), func(t *testing.T) {
			threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				got := make(chan struct{})
				conn := Conn{Do(func(http.ResponseWriter, *http.Request) { got <- struct{}{} }), Stall()}
				if body {
					conn = append(Conn{Send(abc[0])}, conn...)
				}
				srv := newServer(t, conn, conn, conn)
				do := func(ctx context.Context, timeout time.Duration) error {
					req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
					client := srv.Client()
					client.Timeout = timeout
					resp, err := client.Do(req)
					if err != nil {
						return err
					}
					defer resp.Body.Close()
					_, err = io.ReadAll(resp.Body)
					return err
				}

				ctx, cancel := context.WithCancel(t.Context())
				go func() { <-got; cancel() }()
				if err := do(ctx, 0); !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
				}

				cause := errors.New("enough")
				ctx, cancelCause := context.WithCancelCause(t.Context())
				go func() { <-got; cancelCause(cause) }()
				if err := do(ctx, 0); !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled with a cause: got %v, want %v", err, cause)
				}

				go func() { <-got }()
				var timeout net.Error
				if err := do(t.Context(), time.Second); !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Errorf("Client.Timeout: got %v, want a timeout", err)
				}
			})
		})
	}
}

// A Conn in a server of another kind sees the client of a POST go, too.
func TestStallOfAPost(t *testing.T) {
	served := make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served) // it may panic
		served <- true
		Conn{Stall()}.ServeHTTP(w, r)
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", srv.URL, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-served
		cancel()
	}()
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Error("an answer came")
	}
	<-served // a test that fails hangs here
}

// Closing a body unblocks a read of it, and tells the server.
func TestCloseBody(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		gone := make(chan struct{})
		srv := newServer(t, Conn{Send(abc[0]), Do(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			close(gone)
		})})
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, len(wireA))
		if _, err := io.ReadFull(resp.Body, buf); err != nil {
			t.Fatal(err)
		}
		read := make(chan error)
		go func() {
			_, err := resp.Body.Read(buf)
			read <- err
		}()
		resp.Body.Close()
		if err := <-read; err == nil || err == io.EOF {
			t.Errorf("read in flight: got %v, want an error", err)
		}
		if n, err := resp.Body.Read(buf); n != 0 || err == nil || err == io.EOF {
			t.Errorf("read after Close: got %d, %v, want an error", n, err)
		}
		<-gone
	})
}

// What the server sends does not wait for a client that is busy elsewhere.
func TestSendsAhead(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		sent := make(chan struct{})
		srv := newServer(t, Conn{
			Raw(strings.Repeat(":\n", 16<<10)),
			Do(func(http.ResponseWriter, *http.Request) { close(sent) }),
		})
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		<-sent
		if body, err := io.ReadAll(resp.Body); len(body) != 32<<10 || err != nil {
			t.Errorf("got %d bytes, %v", len(body), err)
		}
	})
}

func TestRoundTripper(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv := newServer(t,
			http.RedirectHandler("/there", http.StatusFound),
			Conn{Status(200, "Set-Cookie", "a=b")},
			Conn{WantHeader("Cookie", "a=b"), Send(abc[0])},
		)
		client := srv.Client()
		jar, _ := cookiejar.New(nil)
		client.Jar = jar
		resp, err := client.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got, want := resp.Request.URL.Path, "/there"; got != want {
			t.Errorf("redirected to %q, want %q", got, want)
		}
		resp, err = client.Head(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || len(body) != 0 || err != nil {
			t.Errorf("HEAD: got %d %q %v", resp.StatusCode, body, err)
		}
		resp.Body.Close()

		// Refused before it is sent: the script has nothing for it.
		req, _ := http.NewRequest("POST", srv.URL, strings.NewReader("x"))
		closed := false
		req.Body = closer{req.Body, &closed}
		req.Header["Last-Event-Id"] = []string{"a\x01"}
		if _, err := client.Do(req); err == nil {
			t.Error("a header with a control character was sent")
		}
		if !closed {
			t.Error("the request's body was not closed")
		}
	})
}

type closer struct {
	io.Reader
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }

func TestWait(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		c := make(chan struct{})
		srv := newServer(t, Conn{Send(abc[0]), Wait(c), Send(abc[1])})
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		r := sse.NewReader(resp.Body)
		if !r.Next() || r.Event() != abc[0] {
			t.Errorf("got %v, want %v", r.Event(), abc[0])
		}
		close(c)
		if !r.Next() || r.Event() != abc[1] || r.Next() {
			t.Errorf("got %v, want %v and the end", r.Event(), abc[1])
		}
	})
}

// Time is virtual in a bubble: an hour passes at once, and exactly.
func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := NewMemoryServer(t, Conn{Sleep(time.Hour), Send(abc[0]), After(20, Sleep(time.Minute)), Send(abc[1])}, Conn{})
		start := time.Now()
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != time.Hour {
			t.Errorf("header after %v, want 1h", got)
		}
		r := sse.NewReader(resp.Body)
		for i, want := range []time.Duration{time.Hour, time.Hour + time.Minute} {
			if !r.Next() || r.Event() != abc[i] || time.Since(start) != want {
				t.Errorf("got %v after %v, want %v after %v", r.Event(), time.Since(start), abc[i], want)
			}
		}
		resp.Body.Close()
		get(t, srv)
		if got := srv.Requests()[1].Time.Sub(start); got != time.Hour+time.Minute {
			t.Errorf("second request after %v", got)
		}
	})
}

// resume reads a stream as a client does: it connects again from the last id
// until the server says 204.
func resume(ctx context.Context, srv *Server, f func(sse.Event)) error {
	client, last := srv.Client(), ""
	for {
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
		if err != nil {
			return err
		}
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		resp, err := client.Do(req)
		if err != nil {
			continue
		}
		if resp.StatusCode == http.StatusNoContent {
			return resp.Body.Close()
		}
		for r := sse.NewReader(resp.Body); r.Next(); last = r.LastEventID() {
			f(r.Event())
		}
		resp.Body.Close()
	}
}

func replayServer(tb testing.TB, newServer func(testing.TB, ...http.Handler) *Server, conns int) (srv *Server, events []sse.Event) {
	for i := range 50 {
		events = append(events, sse.Event{ID: fmt.Sprint(i), Type: "message", Data: strings.Repeat("x", i)})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ways := []Step{Cut(), Reset(), End()}
	return newServer(tb, Each(func(n int, r *http.Request) http.Handler {
		if n >= conns {
			return Conn{Replay(events...)}
		}
		if n%7 == 3 {
			return Conn{Status(503)}
		}
		return Conn{After(rng.IntN(20), ways[n%3]), Replay(events...)}
	})), events
}

func TestReplay(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv, want := replayServer(t, newServer, 200)
		var got []sse.Event
		if err := resume(t.Context(), srv, func(ev sse.Event) { got = append(got, ev) }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkReplay(b *testing.B) {
	b.ReportAllocs()
	srv, _ := replayServer(b, NewMemoryServer, b.N)
	if err := resume(b.Context(), srv, func(sse.Event) {}); err != nil {
		b.Fatal(err)
	}
}

func TestNewTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := NewTransport(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Host)
		}))
		for _, host := range []string{"a.test", "b.test"} {
			resp, err := (&http.Client{Transport: tr}).Get("http://" + host)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); string(body) != host || err != nil {
				t.Errorf("got %q, %v, want %q", body, err, host)
			}
			resp.Body.Close()
		}
	})
}

// A Conn and an Each serve without a Server, too.
func TestHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: NewTransport(t, Each(func(n int, r *http.Request) http.Handler {
			return Conn{Send(abc[n])}
		}))}
		for i := range abc {
			resp, err := client.Get("http://sse.test")
			if err != nil {
				t.Fatal(err)
			}
			if r := sse.NewReader(resp.Body); !r.Next() || r.Event() != abc[i] {
				t.Errorf("got %v, want %v", r.Event(), abc[i])
			}
			resp.Body.Close()
		}
	})
}

// A fakeTB notes what a test would have said.
type fakeTB struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (tb *fakeTB) Helper()          {}
func (tb *fakeTB) Cleanup(f func()) { tb.cleanups = append(tb.cleanups, f) }
func (tb *fakeTB) Errorf(format string, args ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.errors = append(tb.errors, fmt.Sprintf(format, args...))
}

func (tb *fakeTB) end() []string {
	for _, f := range tb.cleanups {
		f()
	}
	return tb.errors
}

func TestReports(t *testing.T) {
	// leave reads the first event and goes.
	leave := func(t *testing.T, srv *Server) {
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if r := sse.NewReader(resp.Body); !r.Next() {
			t.Fatal("no event")
		}
		resp.Body.Close()
	}
	ask := func(t *testing.T, srv *Server) { get(t, srv) }
	tests := []struct {
		name   string
		script []http.Handler
		run    func(t *testing.T, srv *Server)
		want   []string
	}{
		{"used up", []http.Handler{Conn{Send(abc[0])}}, ask, nil},
		{"unused connection", []http.Handler{Conn{}, Conn{Send(abc...), Sleep(time.Hour)}, http.NotFoundHandler()}, ask, []string{
			`ssetest: connection 2 was not asked for: {Send(id "1", id "2", id "3"), Sleep(1h0m0s)}`,
			`ssetest: connection 3 was not asked for: http.HandlerFunc`,
		}},
		{"unused each", []http.Handler{Conn{}, Each(nil)}, ask, nil},
		{"unreached steps", []http.Handler{Conn{Send(abc[0]), Sleep(time.Hour), Raw("x"), Cut()}}, leave, []string{
			`ssetest: connection 1: the client left at Sleep(1h0m0s); not reached: {Raw("x"), Cut()}`,
		}},
		{"left in the last step", []http.Handler{Conn{Send(abc[0]), Wait(nil)}}, leave, []string{
			`ssetest: connection 1: the client left at Wait, before its end`,
		}},
		{"left in a stall", []http.Handler{Conn{Send(abc[0]), Stall()}}, leave, nil},
		{"an after that never came", []http.Handler{Conn{After(99, Cut()), Send(abc[0])}}, ask, []string{
			`ssetest: connection 1: not reached with 15 bytes sent: {After(99, Cut())}`,
		}},
		{"one request too many", []http.Handler{Conn{}}, func(t *testing.T, srv *Server) {
			get(t, srv)
			if resp, _, _ := get(t, srv, "Last-Event-ID", "7"); resp.StatusCode != 204 {
				t.Errorf("got status %d, want 204", resp.StatusCode)
			}
			get(t, srv)
		}, []string{
			`ssetest: request 2 (GET /stream?q=1, Last-Event-ID "7") is one more than the script has; answered 204`,
			`ssetest: request 3 (GET /stream?q=1) is one more than the script has; answered 204`,
		}},
		{"wrong header", []http.Handler{Conn{WantHeader("X-A", "1")}, Conn{WantNoHeader("X-A")}, Conn{WantHeader("X-A", "1")}}, func(t *testing.T, srv *Server) {
			get(t, srv)
			get(t, srv, "X-A", "1")
			get(t, srv, "X-A", "1", "X-A", "2")
		}, []string{
			`ssetest: connection 1: the request has no X-A, want "1"`,
			`ssetest: connection 2: the request has X-A ["1"], want none`,
			`ssetest: connection 3: the request has X-A ["1" "2"], want "1"`,
		}},
		{"an event that can't be sent", []http.Handler{Conn{Send(sse.Event{ID: "a\n"})}}, ask, []string{
			`ssetest: connection 1: can't send the event with id "a\n": sse: id contains a line break`,
		}},
		{"two headers", []http.Handler{Conn{Send(abc[0]), Status(500)}}, ask, []string{
			`ssetest: connection 1: Status(500): the header was already sent`,
		}},
		{"longer than its length", []http.Handler{Conn{Status(200, "Content-Length", "9"), Send(abc[0]), Cut()}}, ask, []string{
			`ssetest: connection 1: the body is longer than its Content-Length`,
		}},
		{"unused is allowed", []http.Handler{Conn{Send(abc[0]), Sleep(time.Hour)}, Conn{}}, func(t *testing.T, srv *Server) {
			srv.AllowUnused()
			leave(t, srv)
		}, nil},
		{"closed early", []http.Handler{Conn{}, Conn{}}, func(t *testing.T, srv *Server) {
			get(t, srv)
			srv.Close()
			if _, _, err := get(t, srv); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("after Close: got %v, want %v", err, syscall.ECONNREFUSED)
			}
		}, []string{`ssetest: connection 2 was not asked for: {}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				tb := &fakeTB{TB: t}
				srv := newServer(tb, tt.script...)
				tt.run(t, srv)
				if diff := cmp.Diff(tt.want, tb.end()); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestStepNames(t *testing.T) {
	steps := []Step{
		Status(204), Status(503, "Retry-After", "1"), Send(append(abc, abc...)...), Replay(abc[:1]...), Raw(strings.Repeat("x", 40)),
		Comment("hi"), Retry(time.Second), After(3, Reset()), Stall(), End(), Chunks(1), Gzip(), WantHeader("X-A", "1"), Do(nil),
	}
	var got []string
	for _, s := range steps {
		got = append(got, s.String())
	}
	want := []string{
		`Status(204)`, `Status(503, "Retry-After"…)`, `Send(id "1", id "2", id "3", … 6 in all)`, `Replay(id "1")`, `Raw("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"…)`,
		`Comment("hi")`, `Retry(1s)`, `After(3, Reset())`, `Stall()`, `End()`, `Chunks(1)`, `Gzip()`, `WantHeader("X-A", "1")`, `Do`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
