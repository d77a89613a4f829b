package ssetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-0d85b69d/sse/ssetest"
)

// A client sees the same on sockets and in memory, including the header, the lengths
// and the types of errors.
func TestServerIsTheSameOnSocketsAndInMemory(t *testing.T) {
	body := strings.Repeat("x", 100)
	conns := []http.Handler{
		Conn{}, Conn{Send(abc...)}, Conn{Send(abc...), Cut()}, Conn{Send(abc...), Reset()}, Conn{Cut()},
		Conn{Reset()},
		Conn{Status(204)}, Conn{Status(503, "Retry-After", "9"), Raw("busy")}, Conn{Status(304)},
		Conn{Status(302)},
		Conn{Status(200, "Content-Length", "15"), Send(abc[0])},
		Conn{Status(200, "Content-Length", "99"), Send(abc[0])},
		Conn{Gzip(), Send(abc...), Cut()}, Conn{Chunks(1), Send(abc...)},
		Conn{Status(200, "Trailer", "X-End"),
			Do(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-End", "fine") })},
		http.NotFoundHandler(), http.RedirectHandler("ftp://sse.test", http.StatusTemporaryRedirect),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }),
		http.HandlerFunc(func(w http.ResponseWriter,
			r *http.Request) {
			io.WriteString(w, strings.Repeat(body, 100))
		}),
		http.HandlerFunc(func(w http.ResponseWriter,
			r *http.Request) {
			http.NewResponseController(w).Flush()
		}),
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
		return fmt.Sprint(resp.Proto, resp.Status, resp.Header, resp.Trailer, resp.ContentLength,
			resp.TransferEncoding,
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

// Close interrupts the streams. They do not end cleanly.
func TestServerCloseInterruptsStreams(t *testing.T) {
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

func TestServerRequests(t *testing.T) {
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
			got = append(got, fmt.Sprintf("%s %v %v %s %s %t", r.Method, r.URL, r.Header["X-A"], r.Body, id,
				ok))
			if r.Time.Before(before) || r.Time.After(time.Now()) {
				t.Errorf("request at %v, not between %v and now", r.Time, before)
			}
			if "http://"+r.Host != srv.URL && "https://"+r.Host != srv.URL {
				t.Errorf("got host %q, want that of %v", r.Host, srv.URL)
			}
		}
		want := []string{"GET /stream?q=1 []   false", "GET /stream?q=1 [b]  7 true",
			"POST /post [] body  false"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// The handler can read the whole body of a request, of which only the start is kept.
func TestServerKeepsStartOfLargeBody(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		var n int64
		srv := newServer(t,
			Conn{Do(func(w http.ResponseWriter, r *http.Request) { n, _ = io.Copy(io.Discard, r.Body) })})
		resp, err := srv.Client().Post(srv.URL, "text/plain",
			strings.NewReader(strings.Repeat("x", 3<<20)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := len(srv.Requests()[0].Body); got != 1<<20 || n != 3<<20 {
			t.Errorf("kept %d bytes of the body, the handler saw %d; want %d and %d", got, n, 1<<20, 3<<20)
		}
	})
}

// The context of the request and the Timeout of http.Client interrupt the wait for
// the header and for the body, with the errors of net/http.
func TestServerClientGivesUp(t *testing.T) {
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

				cause := errors.New("cause")
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

// Closing a body interrupts a blocked Read, and the server notices it.
func TestServerNoticesClosedBody(t *testing.T) {
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

func TestServerClient(t *testing.T) {
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

		// net/http refuses this request, so the script needs no handler for it.
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

// The script can run in a server of the test. After Close the response is 503.
func TestServerIsAHandler(t *testing.T) {
	srv := NewServer(t, Conn{Send(abc[0])})
	other := httptest.NewServer(srv)
	defer other.Close()
	for _, want := range []int{200, 503} {
		resp, err := http.Get(other.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("got status %d, want %d", resp.StatusCode, want)
		}
		srv.Close()
	}
}

// A request whose body is shorter than its Content-Length is not a request.
func TestServerIgnoresIncompleteRequest(t *testing.T) {
	srv := NewServer(t, Conn{})
	c, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: sse.test\r\nContent-Length: 2\r\n\r\nx")
	c.(*net.TCPConn).CloseWrite()
	if response, _ := io.ReadAll(c); len(response) > 0 {
		t.Errorf("got %q", response)
	}
	get(t, srv)
	if got := len(srv.Requests()); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
}
