package sse_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestTransportIdleTimeout(t *testing.T) {
	const s, silent = time.Second, 24 * time.Hour
	// respond returns a handler that sends a response in steps: a string is sent, and a
	// time.Duration is a pause.
	respond := func(contentType string, steps ...any) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.(http.Flusher).Flush()
			for _, step := range steps {
				switch step := step.(type) {
				case string:
					io.WriteString(w, step)
					w.(http.Flusher).Flush()
				case time.Duration:
					select {
					case <-time.After(step):
					case <-r.Context().Done():
						return
					}
				}
			}
		})
	}
	const events, ordinary = "text/event-stream", "application/x-ndjson"
	for _, test := range []struct {
		name    string
		handler http.Handler
		slow    time.Duration // the caller's, after each Read
		want    time.Duration
		err     error
	}{
		{"silence", respond(events, silent), 0, 10 * s, sse.ErrIdleTimeout},
		{
			"after an event", respond(events, 9*s, "data:\n\n", silent), 0, 19 * s,
			sse.ErrIdleTimeout,
		},
		{
			"within an event", respond(events, 9*s, "data:", silent), 0, 19 * s,
			sse.ErrIdleTimeout,
		},
		{
			"media type with parameters", respond("Text/Event-Stream; charset=utf-8", silent), 0,
			10 * s, sse.ErrIdleTimeout,
		},
		{
			"compressed", ssetest.Conn{ssetest.Gzip(), ssetest.Raw("data:\n\n"), ssetest.Stall()}, 0,
			10 * s, sse.ErrIdleTimeout,
		},
		{"heartbeats", respond(events, 9*s, ":\n", 9*s, ":\n", 9*s), 0, 27 * s, io.EOF},
		{"exactly in time", respond(events, 10*s-1, ":", 10*s-1), 0, 20*s - 2, io.EOF},
		{
			"a late heartbeat", respond(events, ":\n", 9*s, ":\n", 11*s, ":\n"), 0, 19 * s,
			sse.ErrIdleTimeout,
		},
		{
			"a slow reader", respond(events, "data:\n\n", 9*s, "data:\n\n"), time.Minute, 120 * s,
			io.EOF,
		},
		{
			"a slow reader, then silence", respond(events, "data:\n\n", silent), time.Minute, 70 * s,
			sse.ErrIdleTimeout,
		},
		{"another media type", respond(ordinary, silent, "{}\n"), 0, silent, io.EOF},
		{"no media type", respond("", silent, "{}\n"), 0, silent, io.EOF},
		{
			"slow headers", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(silent)
				respond(events).ServeHTTP(w, r)
			}), 0, silent, io.EOF,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				client := &http.Client{Transport: &sse.Transport{
					Base: ssetest.NewTransport(t, test.handler), IdleTimeout: 10 * s,
				}}
				resp, err := client.Get("http://example.com/")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				for err == nil {
					var n int
					n, err = resp.Body.Read(make([]byte, 512))
					if n > 0 {
						time.Sleep(test.slow)
					}
				}
				if !errors.Is(err, test.err) {
					t.Errorf("Read returned %v, want %v", err, test.err)
				}
				equal(t, "time", time.Since(start), test.want)
				if _, again := resp.Body.Read(make([]byte, 512)); !errors.Is(again, test.err) {
					t.Errorf("the next Read returned %v, want %v", again, test.err)
				}
				if err := resp.Body.Close(); err != nil {
					t.Errorf("Close returned %v", err)
				}
			})
		})
	}
}

// silentServer returns the transport of a server that sends one event and then nothing.
func silentServer(t testing.TB) *http.Transport {
	return ssetest.NewTransport(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data:\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
}

func TestTransportReadEndsAtOnce(t *testing.T) {
	enough := errors.New("enough")
	for name, test := range map[string]struct {
		timeout time.Duration // of the http.Client
		end     func(cancel context.CancelCauseFunc, body io.Closer)
		check   func(error) bool
	}{
		"Close": {
			end:   func(_ context.CancelCauseFunc, body io.Closer) { body.Close() },
			check: func(err error) bool { return errors.Is(err, http.ErrBodyReadAfterClose) },
		},
		"context": {
			end:   func(cancel context.CancelCauseFunc, _ io.Closer) { cancel(enough) },
			check: func(err error) bool { return errors.Is(err, enough) },
		},
		"timeout of the http.Client": {
			timeout: 3 * time.Second,
			check: func(err error) bool {
				var timeout interface{ Timeout() bool }
				return errors.As(err, &timeout) && timeout.Timeout()
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				req, err := http.NewRequestWithContext(ctx, "GET", "http://example.com/", nil)
				if err != nil {
					t.Fatal(err)
				}
				client := &http.Client{
					Transport: &sse.Transport{Base: silentServer(t), IdleTimeout: time.Minute},
					Timeout:   test.timeout,
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if test.end != nil {
					time.AfterFunc(3*time.Second, func() { test.end(cancel, resp.Body) })
				}
				b, err := io.ReadAll(resp.Body)
				equal(t, "body", string(b), "data:\n\n")
				equal(t, "time", time.Since(start), 3*time.Second)
				if errors.Is(err, sse.ErrIdleTimeout) || !test.check(err) {
					t.Errorf("Read returned %v", err)
				}
			})
		})
	}
}

// The Transport is used by other RoundTrippers, including another Transport.
func TestTransportBelowRoundTripper(t *testing.T) {
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"one that wraps the body": func(base http.RoundTripper) http.RoundTripper {
			return roundTripFunc(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				r.Header.Set("Authorization", "Bearer token")
				resp, err := base.RoundTrip(r)
				if err == nil {
					resp.Body = struct {
						io.Reader
						io.Closer
					}{bufio.NewReader(resp.Body), resp.Body}
				}
				return resp, err
			})
		},
		"a Transport with a longer timeout": func(base http.RoundTripper) http.RoundTripper {
			return &sse.Transport{Base: base, IdleTimeout: 20 * time.Second}
		},
		"a Transport with a shorter timeout": func(base http.RoundTripper) http.RoundTripper {
			base.(*sse.Transport).IdleTimeout = 20 * time.Second
			return &sse.Transport{Base: base, IdleTimeout: 10 * time.Second}
		},
		"a Transport with the same timeout": func(base http.RoundTripper) http.RoundTripper {
			return &sse.Transport{Base: base, IdleTimeout: 10 * time.Second}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				inner := &sse.Transport{Base: silentServer(t), IdleTimeout: 10 * time.Second}
				client := &http.Client{Transport: wrap(inner)}
				resp, err := client.Get("http://example.com/")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if _, err = io.ReadAll(resp.Body); !errors.Is(err, sse.ErrIdleTimeout) {
					t.Errorf("Read returned %v", err)
				}
				equal(t, "time", time.Since(start), 10*time.Second)
			})
		})
	}
}

// The shorter limit ends the connection, the Client reports it as ErrIdleTimeout and closes the
// idle connections before the next attempt.
func TestTransportBelowClient(t *testing.T) {
	for _, test := range []struct{ client, transport time.Duration }{
		{10 * time.Second, time.Minute},
		{time.Minute, 10 * time.Second},
		{10 * time.Second, 10 * time.Second},
		{0, 10 * time.Second},
		{10 * time.Second, 0},
	} {
		t.Run(fmt.Sprintf("%v over %v", test.client, test.transport), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				base := &idleCloser{RoundTripper: silentServer(t)}
				client := &sse.Client{
					HTTPClient: &http.Client{
						Transport: &sse.Transport{Base: base, IdleTimeout: test.transport},
					},
					IdleTimeout: test.client,
				}
				var retries int
				client.OnRetry = func(err error, _ time.Duration) {
					retries++
					if !errors.Is(err, sse.ErrIdleTimeout) || errors.Is(err, context.Canceled) {
						t.Errorf("OnRetry(%v)", err)
					}
					equal(t, "time", time.Since(start), 10*time.Second)
				}
				s := open(t, client, "GET", "http://example.com/", nil)
				defer s.Close()
				for range 2 {
					if !s.Next() {
						t.Errorf("the stream ended: %v", s.Err())
					}
				}
				equal(t, "retries", retries, 1)
				equal(t, "calls of CloseIdleConnections", base.closed, 1)
			})
		})
	}
}

// An idleCloser counts the calls of CloseIdleConnections.
type idleCloser struct {
	http.RoundTripper
	closed int
}

func (c *idleCloser) CloseIdleConnections() { c.closed++ }

// The stream of a request that is not repeated ends with the timeout of the Transport.
func TestTransportEndsPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &sse.Transport{Base: silentServer(t), IdleTimeout: 10 * time.Second}
		client := &sse.Client{HTTPClient: &http.Client{Transport: tr}}
		s := open(t, client, "POST", "http://example.com/", strings.NewReader("prompt"))
		if !s.Next() || s.Next() {
			t.Error("want one event")
		}
		if !errors.Is(s.Err(), sse.ErrIdleTimeout) {
			t.Errorf("Err() = %v", s.Err())
		}
	})
}

func TestTransportCloseIdleConnections(t *testing.T) {
	base := &idleCloser{}
	client := &http.Client{Transport: &sse.Transport{Base: &sse.Transport{Base: base}}}
	client.CloseIdleConnections()
	equal(t, "calls of CloseIdleConnections", base.closed, 1)
	(&sse.Transport{Base: roundTripFunc(nil)}).CloseIdleConnections()
}

// The request is not modified, and the errors of Base are returned as they are.
func TestTransportRoundTripperContract(t *testing.T) {
	failed := errors.New("failed")
	for _, idle := range []time.Duration{0, time.Minute} {
		var sent *http.Request
		tr := &sse.Transport{
			Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				sent = r
				r.Body.Close()
				return nil, failed
			}),
			IdleTimeout: idle,
		}
		body := &closeRecorder{}
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://example.com/", body)
		if err != nil {
			t.Fatal(err)
		}
		before := *req
		if resp, err := tr.RoundTrip(req); resp != nil || err != failed {
			t.Errorf("RoundTrip returned %v, %v", resp, err)
		}
		if fmt.Sprintf("%p %#v", req.Context(), *req) != fmt.Sprintf("%p %#v", t.Context(), before) {
			t.Errorf("the request was modified")
		}
		if !body.closed || sent.Body != req.Body {
			t.Error("the body was replaced or left open")
		}
		if idle > 0 && sent.Context().Err() == nil {
			t.Error("the context was not released")
		}
		tr.Base = silentServer(t)
		resp, err := tr.RoundTrip(newGet(t))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Request.Context() != t.Context() {
			t.Error("the Request of the response is not that of the caller")
		}
		resp.Body.Close()
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("Read after Close returned %v", err)
		}
	}
}

type closeRecorder struct{ closed bool }

func (c *closeRecorder) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closeRecorder) Close() error             { c.closed = true; return nil }

func newGet(t testing.TB) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// After status 101 the body is a connection that can also be written to. It may be silent.
func TestTransportSwitchingProtocols(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := ssetest.NewTransport(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" +
				"Upgrade: echo\r\nContent-Type: text/event-stream\r\n\r\n")
			rw.Flush()
			for {
				line, err := rw.ReadString('\n')
				if err != nil {
					return
				}
				time.Sleep(time.Hour)
				rw.WriteString(line)
				rw.Flush()
			}
		}))
		req := newGet(t)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		client := &http.Client{Transport: &sse.Transport{Base: base, IdleTimeout: time.Second}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		rwc, ok := resp.Body.(io.ReadWriteCloser)
		if !ok {
			t.Fatalf("the body is a %T, which is not an io.ReadWriteCloser", resp.Body)
		}
		lines := bufio.NewReader(rwc)
		for _, want := range []string{"a\n", "b\n"} {
			io.WriteString(rwc, want)
			got, err := lines.ReadString('\n')
			if got != want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		}
	})
}

func TestTransportOverSockets(t *testing.T) {
	for name, newServer := range protocols {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, ssetest.Conn{ssetest.Raw("data:\n\n"), ssetest.Stall()})
			client := srv.Client()
			client.Transport = &sse.Transport{
				Base: client.Transport, IdleTimeout: 100 * time.Millisecond,
			}
			resp, err := client.Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); !errors.Is(err, sse.ErrIdleTimeout) {
				t.Errorf("read %q, %v", b, err)
			}
		})
	}
}

// A countingContext counts the contexts and functions that are registered with it.
type countingContext struct {
	context.Context
	done       chan struct{}
	registered atomic.Int64
}

func (c *countingContext) Done() <-chan struct{} { return c.done }

// AfterFunc is called by package context for each child.
func (c *countingContext) AfterFunc(func()) (stop func() bool) {
	c.registered.Add(1)
	return func() bool { c.registered.Add(-1); return true }
}

func TestTransportReleasesContext(t *testing.T) {
	failed := errors.New("failed")
	header := func(contentType string) http.Header {
		return http.Header{"Content-Type": {contentType}}
	}
	events, ordinary := header("text/event-stream"), header("application/json")
	var resp http.Response
	var respErr error
	tr := &sse.Transport{
		Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &resp, respErr
		}),
		IdleTimeout: time.Minute,
	}
	ctx := &countingContext{Context: t.Context(), done: make(chan struct{})}
	req := newGet(t).WithContext(ctx)
	read := func(body io.ReadCloser) { body.Read(make([]byte, 1)) }
	closeBody := func(body io.ReadCloser) { body.Close() }
	ends := []struct {
		name   string
		status int
		header http.Header
		body   io.ReadCloser
		err    error
		end    func(io.ReadCloser)
	}{
		{"event stream read to its end", 200, events, &closeRecorder{}, nil, read},
		{"event stream with an error", 200, events, errorBody{failed}, nil, read},
		{"event stream closed", 200, events, errorBody{failed}, nil, closeBody},
		{"other body read to its end", 200, ordinary, &closeRecorder{}, nil, read},
		{"other body with an error", 200, ordinary, errorBody{failed}, nil, read},
		{"other body closed", 200, ordinary, errorBody{failed}, nil, closeBody},
		{"no body", 204, ordinary, http.NoBody, nil, nil},
		{"switching protocols", 101, events, errorBody{failed}, nil, nil},
		{"no response", 0, nil, nil, failed, nil},
	}
	goroutines := runtime.NumGoroutine()
	n := 1_000_000
	if testing.Short() {
		n /= 10
	}
	for i := range n {
		e := &ends[i%len(ends)]
		resp = http.Response{StatusCode: e.status, Header: e.header, Body: e.body}
		respErr = e.err
		got, err := tr.RoundTrip(req)
		if err != e.err {
			t.Fatalf("%s: %v", e.name, err)
		}
		if e.end != nil {
			if c := ctx.registered.Load(); c != 1 {
				t.Fatalf("%s: %d contexts while the body is open, want 1", e.name, c)
			}
			e.end(got.Body)
		}
		if c := ctx.registered.Load(); c != 0 {
			t.Fatalf("%s: %d contexts left", e.name, c)
		}
	}
	if g := runtime.NumGoroutine(); g > goroutines {
		t.Errorf("%d goroutines before, %d after", goroutines, g)
	}
}

type errorBody struct{ err error }

func (b errorBody) Read([]byte) (int, error) { return 0, b.err }
func (b errorBody) Close() error             { return nil }
