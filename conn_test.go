package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

func TestStreamRequestHeader(t *testing.T) {
	standard := http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-cache"}}
	withID := http.Header{"Last-Event-Id": {"7"}}
	maps.Copy(withID, standard)
	for _, test := range []struct {
		name        string
		given, want http.Header
	}{
		{"no header", nil, standard},
		{"header of the caller", http.Header{"Accept": {"a/b", "c/d"}, "Cache-Control": nil, "X": {"y"}},
			http.Header{"Accept": {"a/b", "c/d"}, "Cache-Control": nil, "X": {"y"}}},
		{"last event ID", http.Header{"Last-Event-Id": {" 7\t", "8"}}, withID},
		{"last event ID in the spelling of the standard", http.Header{"Last-Event-ID": {"7"}}, withID},
		{"empty last event ID", http.Header{"Last-Event-Id": {""}}, standard},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []http.Header
			client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
				got = append(got, r.Header.Clone())
				return status(204, ""), nil
			})
			req := newRequest(t, "GET", "http://example.com/", nil)
			req.Header = test.given
			before := test.given.Clone()
			_, err := data(client.Stream(req))
			equal(t, "Err()", err, nil)
			equal(t, "header", got, []http.Header{test.want})
			equal(t, "header of the caller", req.Header, before)
		})
	}
}

func TestStreamReplaysBody(t *testing.T) {
	for _, test := range []struct{ method, key string }{
		{"GET", ""}, {"QUERY", ""}, {"REPORT", ""}, {"OPTIONS", ""},
		{"POST", "Idempotency-Key"}, {"PATCH", "X-Idempotency-Key"},
	} {
		t.Run(test.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bodies []string
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					b, err := io.ReadAll(r.Body)
					bodies = append(bodies, fmt.Sprint(r.Method, " ", string(b), " ", err))
					switch n {
					case 1:
						return stream("id:1\ndata:x\n\n", io.ErrUnexpectedEOF), nil
					case 2:
						return nil, errors.New("no network")
					}
					return status(204, ""), nil
				})
				req := newRequest(t, test.method, "http://example.com/", strings.NewReader("question"))
				if test.key != "" {
					req.Header.Set(test.key, "1")
				}
				_, err := data(client.Stream(req))
				equal(t, "Err()", err, nil)
				want := test.method + " question <nil>"
				equal(t, "requests", bodies, []string{want, want, want})
			})
		})
	}
}

func TestStreamReplayNeedsGetBody(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no")
	})
	b := newScript("question")
	s := request(t, client, "QUERY", b)
	if s.Next() || s.Err() == nil || !strings.Contains(s.Err().Error(), "GetBody") {
		t.Errorf("Err() = %v", s.Err())
	}
	select {
	case <-b.closed:
	default:
		t.Error("the body of the request was left open")
	}

	// A body that Prepare sets does not need GetBody.
	n := 0
	client = newClient(t, func(_ int, r *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(r.Body)
		equal(t, "body", string(b), "question 1")
		return status(204, ""), nil
	})
	client.Prepare = func(r *http.Request) error {
		n++
		r.Body = io.NopCloser(strings.NewReader(fmt.Sprint("question ", n)))
		return nil
	}
	if _, err := data(request(t, client, "QUERY", newScript("question"))); err != nil {
		t.Error(err)
	}
}

// There is no second request, whatever the response to a POST and however it ends.
func TestStreamPostIsNotRepeated(t *testing.T) {
	reset := errors.New("connection reset by peer")
	for _, test := range []struct {
		name    string
		respond responder
		want    error
		text    string // of an error if want is nil
	}{
		{name: "clean end", respond: sends("data:x\n\n")},
		{name: "no event", respond: sends()},
		{name: "204", respond: refuses(204)},
		{name: "within an event", want: io.ErrUnexpectedEOF,
			respond: sends("data:x\n\ndata:")},
		{name: "reset", want: reset,
			respond: sends("data:x\n\n", reset)},
		{name: "refused", want: reset, respond: fails(reset)},
		{name: "silence", want: ErrIdleTimeout,
			respond: sends("data:x\n\n", forever)},
		{name: "no header", want: errHeaderTimeout, respond: stall},
		{name: "503", text: "503 Service Unavailable: busy",
			respond: func(*http.Request) (*http.Response, error) {
				return status(503, "busy", "Retry-After", "1"), nil
			}},
		{name: "429", text: "429 Too Many Requests",
			respond: refuses(429, "Retry-After", "1")},
		{name: "401", text: "401 Unauthorized",
			respond: refuses(401)},
	} {
		for _, replay := range []string{"with GetBody", "without GetBody"} {
			t.Run(test.name+" "+replay, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
						if n > 1 {
							t.Errorf("request %d", n)
						}
						if b, err := io.ReadAll(r.Body); string(b) != "prompt" || err != nil {
							t.Errorf("body %q, %v", b, err)
						}
						return test.respond(r)
					})
					client.IdleTimeout = time.Minute
					client.HTTPClient.Timeout = time.Second
					client.OnRetry = func(err error, _ time.Duration) { t.Errorf("OnRetry(%v)", err) }
					var body io.Reader = strings.NewReader("prompt")
					if replay == "without GetBody" {
						body = struct{ io.Reader }{body}
					}
					_, err := data(request(t, client, "POST", body))
					switch {
					case test.text != "":
						if err == nil || !strings.Contains(err.Error(), test.text) {
							t.Errorf("Err() = %v, want %s", err, test.text)
						}
					case !errors.Is(err, test.want):
						t.Errorf("Err() = %v, want %v", err, test.want)
					}
				})
			})
		}
	}
}

// An attempt that fails before the POST is sent is repeated, and the body is still unread.
func TestStreamPostRepeatsPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			return stream("data:" + string(b) + "\n\n"), nil
		})
		n := 0
		client.Prepare = func(*http.Request) error {
			if n++; n < 3 {
				return errors.New("no token yet")
			}
			return nil
		}
		got, err := data(request(t, client, "POST", newScript("prompt")))
		equal(t, "data", got, []string{"prompt"})
		equal(t, "Err()", err, nil)
	})
}

func TestClientPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			token, id := r.Header.Get("Authorization"), r.Header.Get("Last-Event-ID")
			got = append(got, fmt.Sprint(r.URL, " ", token, " ", id))
			switch n {
			case 1:
				return stream("id:1\ndata:\n\n"), nil
			case 2:
				return status(503, ""), nil
			}
			return status(204, ""), nil
		})
		calls := 0
		client.Prepare = func(r *http.Request) error {
			calls++
			r.Header.Set("Authorization", fmt.Sprint("token ", calls))
			r.URL.RawQuery = fmt.Sprint("since=", r.Header.Get("Last-Event-ID"))
			if calls == 2 {
				return errors.New("no token")
			}
			return nil
		}
		var reasons []string
		client.OnRetry = func(err error, wait time.Duration) {
			reasons = append(reasons, fmt.Sprint(err, " ", wait))
		}
		_, err := data(get(t, client))
		equal(t, "Err()", err, nil)
		equal(t, "requests", got, []string{
			"http://example.com/?since= token 1 ",
			"http://example.com/?since=1 token 3 1",
			"http://example.com/?since=1 token 4 1",
		})
		equal(t, "OnRetry", reasons, []string{
			"EOF 2s", "no token 3s", "sse: 503 Service Unavailable 4s",
		})
	})
}

func TestClientPreparePermanentError(t *testing.T) {
	client := newClient(t, func(int, *http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no")
	})
	denied := errors.New("denied")
	client.Prepare = func(*http.Request) error { return backoff.Permanent(denied) }
	body := newScript("question")
	req := newRequest(t, "QUERY", "http://example.com/", strings.NewReader("question"))
	req.GetBody = func() (io.ReadCloser, error) { return body, nil }
	s := client.Stream(req)
	if s.Next() || s.Err() != denied {
		t.Errorf("Err() = %v, want %v", s.Err(), denied)
	}
	select {
	case <-body.closed:
	default:
		t.Error("the body of the attempt was left open")
	}
}

// Whether the request is replayed depends on the method that Prepare sets.
func TestClientPrepareChangesMethod(t *testing.T) {
	client := newClient(t, sends("data:\n\n").always)
	client.Prepare = func(r *http.Request) error {
		r.Method = "POST"
		return nil
	}
	got, err := data(get(t, client))
	equal(t, "data", got, []string{""})
	equal(t, "Err()", err, nil)
}

func TestStreamRetriesGetBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, refuses(204).always)
		var reasons []string
		client.OnRetry = func(err error, _ time.Duration) { reasons = append(reasons, err.Error()) }
		req := newRequest(t, "QUERY", "http://example.com/", strings.NewReader("question"))
		getBody, n := req.GetBody, 0
		req.GetBody = func() (io.ReadCloser, error) {
			if n++; n == 1 {
				return nil, errors.New("busy")
			}
			return getBody()
		}
		_, err := data(client.Stream(req))
		equal(t, "Err()", err, nil)
		equal(t, "OnRetry", reasons, []string{"busy"})
	})
}

func TestClientCheckResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1, 2:
				return status(418, "teapot", "Retry-After", "60"), nil
			case 3:
				return status(204, ""), nil
			}
			return nil, errors.New("no")
		})
		var checked []int
		client.CheckResponse = func(r *http.Response) error {
			checked = append(checked, r.StatusCode)
			if len(checked) == 2 {
				return nil
			}
			return errors.New("not yet")
		}
		var reasons []string
		client.OnRetry = func(err error, wait time.Duration) {
			reasons = append(reasons, fmt.Sprint(err, " ", wait))
		}
		_, err := data(get(t, client))
		equal(t, "Err()", err, nil)
		equal(t, "responses", checked, []int{418, 418})
		equal(t, "OnRetry", reasons, []string{"not yet 1m1s", "sse: 418 I'm a teapot: " +
			"the response contains no events, but other text: teapot (retry after 1m0s) 1m2s"})
	})
	denied := errors.New("denied")
	client := newClient(t, sends().always)
	client.CheckResponse = func(*http.Response) error { return backoff.Permanent(denied) }
	if _, err := data(get(t, client)); err != denied {
		t.Errorf("Err() = %v, want %v", err, denied)
	}
}

// A CheckResponse that reads is not held up longer than IdleTimeout, and may decode the body.
func TestClientCheckResponseReadsWithinIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				resp := status(503, "")
				resp.Body = newScript("words", forever)
				return resp, nil
			case 2:
				return stream("data:a\n\n", 59*time.Second, "data:b\n\n", forever), nil
			}
			return status(204, ""), nil
		})
		client.IdleTimeout = time.Minute
		client.CheckResponse = func(r *http.Response) error {
			if r.StatusCode == 503 {
				b, err := io.ReadAll(r.Body)
				return fmt.Errorf("%s: %w", b, err)
			}
			return DefaultCheckResponse(r)
		}
		var reasons []string
		client.OnRetry = func(err error, _ time.Duration) {
			reasons = append(reasons, fmt.Sprint(err, " ", time.Since(start)))
		}
		got, err := data(get(t, client))
		equal(t, "data", got, []string{"a", "b"})
		equal(t, "Err()", err, nil)
		idle := ErrIdleTimeout.Error()
		equal(t, "OnRetry", reasons, []string{idle + " 1m0s", idle + " 3m1s"})
	})
}

// An io.EOF of CheckResponse is an error, although a stream ends cleanly with it.
func TestClientCheckResponseReturnsEOF(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			client := newClient(t, refuses(500).always)
			client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
			client.CheckResponse = func(r *http.Response) error { return io.EOF }
			if _, err := data(request(t, client, method, nil)); err != io.EOF {
				t.Errorf("Err() = %v, want %v", err, io.EOF)
			}
		})
	}
}

// If CheckResponse panics and the caller continues, the response is not read.
func TestClientCheckResponsePanics(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		switch n {
		case 1:
			return status(404, "data:not accepted\n\n"), nil
		case 2:
			return stream("data:accepted\n\n"), nil
		}
		return status(204, ""), nil
	})
	client.CheckResponse = func(r *http.Response) error {
		if r.StatusCode == 404 {
			panic("404")
		}
		return nil
	}
	s := get(t, client)
	func() {
		defer func() { equal(t, "panic", recover(), any("404")) }()
		s.Next()
	}()
	if !s.Next() || string(s.Data()) != "accepted" {
		t.Errorf("event %v, Err() = %v", s.Event(), s.Err())
	}
	s.Close()
	s.Next()
}

// If CheckResponse closes the body of a response that it accepts, the stream reports it.
func TestClientCheckResponseClosesBody(t *testing.T) {
	client := newClient(t, sends("data:\n\n").always)
	client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
	client.CheckResponse = func(r *http.Response) error { return r.Body.Close() }
	if _, err := data(get(t, client)); err != http.ErrBodyReadAfterClose {
		t.Errorf("Err() = %v, want %v", err, http.ErrBodyReadAfterClose)
	}
}

// After Close the client does not call OnOpen.
func TestStreamCloseInCheckResponse(t *testing.T) {
	client := newClient(t, sends("data:\n\n").always)
	s := new(Stream)
	client.CheckResponse = func(*http.Response) error { return s.Close() }
	client.OnOpen = func(*http.Response) { t.Error("OnOpen") }
	s = get(t, client)
	if s.Next() || s.Err() != nil {
		t.Errorf("Err() = %v", s.Err())
	}
}

func TestStreamHeaderTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				return stall(r)
			case 2:
				return stream("data:a\n\n", 24*time.Hour, "data:b\n\n"), nil
			}
			return status(204, ""), nil
		})
		client.HTTPClient.Timeout = 10 * time.Second
		client.OnRetry = func(err error, _ time.Duration) {
			if err == io.EOF {
				return
			}
			var timeout interface{ Timeout() bool }
			if !errors.As(err, &timeout) || !timeout.Timeout() || errors.Is(err, context.Canceled) {
				t.Errorf("OnRetry(%v)", err)
			}
			equal(t, "time", time.Since(start), 10*time.Second)
		}
		got, err := data(get(t, client))
		equal(t, "data", got, []string{"a", "b"})
		equal(t, "Err()", err, nil)
	})
}

func TestClientIdleTimeout(t *testing.T) {
	const s = time.Second
	drip := func(text string, gap time.Duration) (steps []any) {
		for _, c := range text {
			steps = append(steps, gap, string(c))
		}
		return steps
	}
	for _, test := range []struct {
		name    string
		respond responder
		slow    time.Duration // how long the caller handles each event
		want    time.Duration // until OnRetry
		err     error
	}{
		{"silence", sends(forever), 0, 10 * s, ErrIdleTimeout},
		{"no header", stall, 0, 10 * s, ErrIdleTimeout},
		{"a late header", func(*http.Request) (*http.Response, error) {
			time.Sleep(9 * s)
			return stream(9 * s), nil
		}, 0, 18 * s, io.EOF},
		{"an endless line", sends(drip("data:abcdef", 9*s)...), 0, 99 * s, io.ErrUnexpectedEOF},
		{"an endless comment", sends(append([]any{":"}, drip(strings.Repeat("x", 100), 9*s)...)...),
			0, 900 * s, io.EOF},
		{"empty lines", sends(drip("\n\n\r\r", 9*s)...), 0, 36 * s, io.EOF},
		{"a late heartbeat", sends(":\n", 9*s, ":\n", 11*s, ":\n"), 0, 19 * s, ErrIdleTimeout},
		{"after an event", sends(9*s, "data:\n\n", forever), 0, 19 * s, ErrIdleTimeout},
		{"within an event", sends(9*s, "data:", forever), 0, 19 * s, ErrIdleTimeout},
		{"exactly in time", sends(drip("\n\n\n", 10*s-1)...), 0, 30*s - 3, io.EOF},
		// The time that the caller needs for an event does not count, and no data is lost in it.
		{"a slow caller", sends("data:\n\n", 9*s, "data:\n\n", 9*s, "data:\n\n"),
			time.Minute, 180 * s, io.EOF},
		{"a slow caller of many events", sends("data:\n\ndata:\n\ndata:\n\n"),
			time.Minute, 180 * s, io.EOF},
		{"a slow caller, and silence", sends("data:\n\n", forever),
			time.Minute, 70 * s, ErrIdleTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				client := newClient(t, test.respond.always)
				client.IdleTimeout = 10 * s
				var st *Stream
				client.OnRetry = func(err error, _ time.Duration) {
					if !errors.Is(err, test.err) {
						t.Errorf("OnRetry(%v), want %v", err, test.err)
					}
					equal(t, "time", time.Since(start), test.want)
					st.Close()
				}
				st = get(t, client)
				for st.Next() {
					time.Sleep(test.slow)
				}
				equal(t, "Err()", st.Err(), nil)
			})
		})
	}
	var timeout interface{ Timeout() bool }
	if !errors.As(ErrIdleTimeout, &timeout) || !timeout.Timeout() {
		t.Error("ErrIdleTimeout.Timeout() = false, want true")
	}
}

// After a timeout the client closes the idle connections before the next attempt. Until a
// response arrives, it also sets Request.Close.
func TestStreamTimeoutLeavesConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, server := net.Pipe()
		defer shared.Close()
		defer server.Close()
		var got []string
		tr := &idleCloser{RoundTripper: responder(func(r *http.Request) (*http.Response, error) {
			got = append(got, fmt.Sprintf("request Close=%t", r.Close))
			info := httptrace.GotConnInfo{Conn: shared, Reused: true}
			httptrace.ContextClientTrace(r.Context()).GotConn(info)
			switch len(got) {
			case 1, 10:
				return stream(forever), nil
			}
			return stall(r)
		})}
		tr.closeIdle = func() { got = append(got, "CloseIdleConnections") }
		var s *Stream
		client := &Client{
			HTTPClient:  &http.Client{Transport: tr, Timeout: 5 * time.Second},
			IdleTimeout: 10 * time.Second,
		}
		client.OnRetry = func(err error, _ time.Duration) {
			got = append(got, err.Error())
			if len(got) > 12 {
				s.Close()
			}
		}
		s = get(t, client)
		_, err := data(s)
		equal(t, "Err()", err, nil)
		idle, header := ErrIdleTimeout.Error(), errHeaderTimeout.Error()
		equal(t, "log", got, []string{
			"request Close=false", idle,
			"CloseIdleConnections", "request Close=false", header,
			"CloseIdleConnections", "request Close=true", header,
			"CloseIdleConnections", "request Close=true", idle,
			"CloseIdleConnections", "request Close=false", header,
		})
		if startAbandoning(shared) {
			abandoned.Delete(shared)
		} else {
			t.Error("the ended stream still claims the connection")
		}
	})
}

// If many streams share a dead connection, only one of them sets Request.Close: each such request
// gets a connection of its own.
func TestStreamsLeaveSharedConnectionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, server := net.Pipe()
		defer shared.Close()
		defer server.Close()
		var closing atomic.Int32
		client := newClient(t, func(_ int, r *http.Request) (*http.Response, error) {
			if r.Close {
				closing.Add(1)
			}
			info := httptrace.GotConnInfo{Conn: shared, Reused: true}
			httptrace.ContextClientTrace(r.Context()).GotConn(info)
			return stall(r)
		})
		client.IdleTimeout = 10 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 33*time.Second) // three attempts
		defer cancel()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				s := client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx))
				s.Next()
			})
		}
		wg.Wait()
		if n := closing.Load(); n != 1 {
			t.Errorf("%d requests had Close set, want 1", n)
		}
	})
}

// A RoundTrip that obtains one new connection after the other is ended. A redirect starts anew.
func TestStreamLimitsNewConnections(t *testing.T) {
	conn, server := net.Pipe()
	defer conn.Close()
	defer server.Close()
	for _, test := range []struct {
		name      string
		redirects int
		conns     int // new connections of each RoundTrip
		want      error
	}{
		{"two connections", 0, 2, nil},
		{"three connections", 0, 3, errTooManyConns},
		{"one connection for each of ten redirects", 9, 1, nil},
		{"two connections for each of ten redirects", 9, 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			traced := 0
			client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
				for range test.conns {
					info := httptrace.GotConnInfo{Conn: conn}
					httptrace.ContextClientTrace(r.Context()).GotConn(info)
				}
				if err := r.Context().Err(); err != nil {
					return nil, err
				}
				if n <= test.redirects {
					return status(307, "", "Location", "/"), nil
				}
				return status(204, ""), nil
			})
			client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(httptrace.GotConnInfo) { traced++ },
			})
			req := newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)
			if _, err := data(client.Stream(req)); err != test.want {
				t.Errorf("Err() = %v, want %v", err, test.want)
			}
			equal(t, "calls of the trace of the caller", traced, test.conns*(test.redirects+1))
		})
	}
}

// Every byte is tested at every position of an eight-byte word, and after the last word.
func TestSendableID(t *testing.T) {
	const text = "0123456789abcdefghi"
	for c := range 256 {
		for at := range len(text) {
			id := []byte(text)
			id[at] = byte(c)
			want, ok := strings.Trim(string(id), " \t"), c >= 0x20 && c != 0x7f || c == '\t'
			if !ok {
				want = ""
			}
			if got, sent := sendableID(id); string(got) != want || sent != ok {
				t.Errorf("sendableID(%q) = %q, %v", id, got, sent)
			}
		}
	}
	for id, want := range map[string]string{
		"": "", " \t ": "", "\t a b\t": "a b", "\t\t12345678\t\t": "12345678",
	} {
		if got, ok := sendableID([]byte(id)); string(got) != want || !ok {
			t.Errorf("sendableID(%q) = %q, %v", id, got, ok)
		}
	}
}

func TestClientCheckResponseMustNotReplaceBody(t *testing.T) {
	const replaced = "sse: CheckResponse replaced the body: decode it in an http.RoundTripper instead"
	for _, test := range []struct {
		name string
		err  error // of CheckResponse
		want string
	}{
		{"accepted", nil, replaced},
		{"refused", backoff.Permanent(errors.New("denied")), "denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := newClient(t, sends("data:a\n\n").always)
			client.CheckResponse = func(r *http.Response) error {
				r.Body = io.NopCloser(r.Body)
				return test.err
			}
			got, err := data(get(t, client))
			equal(t, "data", got, nil)
			if fmt.Sprint(err) != test.want {
				t.Errorf("Err() = %v, want %s", err, test.want)
			}
		})
	}
}

// A POST with an Idempotency-Key is repeated after a failure if no event would arrive twice.
func TestStreamIdempotencyKey(t *testing.T) {
	cut := io.ErrUnexpectedEOF
	for _, test := range []struct {
		name     string
		first    responder
		repeated bool
		err      error
	}{
		{"a clean end", sends("id:1\ndata:a\n\n"), false, nil},
		{"a clean end without events", sends(), false, nil},
		{"a refusal", refuses(503), true, nil},
		{"a cut before the first event", sends("id:1\ndata:a\n", cut), true, nil},
		{"a cut after an event without an ID", sends("data:a\n\n", cut), false, cut},
		{"a cut after an event with an ID", sends("id:1\ndata:a\n\n", cut), true, nil},
		{"a cut after events, of which the last has no ID", sends("id:1\ndata:a\n\ndata:b\n\n", cut),
			false, cut},
		{"a cut after events, of which the last has an ID", sends("data:a\n\nid:1\ndata:b\n\n", cut),
			true, nil},
		{"a cut after the same ID again", sends("id:1\ndata:a\n\nid:1\ndata:b\n\n", cut), true, nil},
		{"a cut after a block that empties the ID", sends("id:1\ndata:a\n\nid:\n\n", cut), false, cut},
		{"a cut after an empty ID", sends("id:\ndata:a\n\n", cut), false, cut},
		{"a cut after an ID that cannot be sent", sends("id:\x01\ndata:a\n\n", cut), false, cut},
		{"a cut within the second event", sends("id:1\ndata:a\n\ndata:b", cut), true, nil},
		{"silence", sends("id:1\ndata:a\n\n", forever), true, nil},
		{"silence after an event without an ID", sends("data:a\n\n", forever), false, ErrIdleTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					if requests = n; n == 1 {
						return test.first(r)
					}
					return status(204, ""), nil
				})
				client.IdleTimeout = time.Minute
				req := newRequest(t, "POST", "http://example.com/", strings.NewReader("{}"))
				req.Header.Set("Idempotency-Key", "k")
				_, err := data(client.Stream(req))
				if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
					t.Errorf("Err() = %v, want %v", err, test.err)
				}
				if (requests == 2) != test.repeated {
					t.Errorf("%d requests", requests)
				}
			})
		})
	}
}

// Reconnect does not repeat a keyed request whose events would arrive twice.
func TestStreamReconnectWithIdempotencyKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return stream("data:a\n\n", time.Second, "id:1\ndata:b\n\n", time.Second, "data:c\n\n"), nil
			}
			return stream("data:d\n\n"), nil
		})
		req := newRequest(t, "POST", "http://example.com/", nil)
		req.Header.Set("Idempotency-Key", "k")
		s := client.Stream(req)
		var got []string
		for s.Next() {
			got = append(got, string(s.Data()))
			s.Reconnect()
		}
		equal(t, "data", got, []string{"a", "b", "d"})
		equal(t, "Err()", s.Err(), nil)
	})
}

func TestClientNoReconnect(t *testing.T) {
	noNetwork := errors.New("no network")
	for _, test := range []struct {
		name    string
		respond responder
		prepare error
		want    error
		text    string
	}{
		{name: "a clean end", respond: sends("data:a\n\n")},
		{name: "a 204", respond: refuses(204)},
		{name: "a cut", respond: sends("data:a\n\n", io.ErrUnexpectedEOF), want: io.ErrUnexpectedEOF},
		{name: "a cut within an event", respond: sends("data:a"), want: io.ErrUnexpectedEOF},
		{name: "silence", respond: sends("data:a\n\n", forever), want: ErrIdleTimeout},
		{name: "a refusal", respond: refuses(503), text: "sse: 503 Service Unavailable"},
		{name: "other text", respond: sends("oops"),
			text: "sse: 200 OK: the response contains no events, but other text: oops"},
		{name: "a network failure", respond: fails(noNetwork), want: noNetwork},
		{name: "EOF without a response", respond: fails(io.EOF), want: io.EOF},
		{name: "Prepare", prepare: noNetwork, want: noNetwork},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(test.name+", "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var s *Stream
					client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
						if n > 1 {
							t.Error("a second request")
						}
						s.Reconnect() // no effect
						return test.respond(r)
					})
					client.NoReconnect = true
					client.IdleTimeout = time.Minute
					client.Prepare = func(*http.Request) error { return test.prepare }
					client.OnRetry = func(error, time.Duration) { t.Error("OnRetry was called") }
					s = request(t, client, method, nil)
					_, err := data(s)
					if test.text != "" {
						equal(t, "Err()", fmt.Sprint(err), test.text)
					} else if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
						t.Errorf("Err() = %v, want %v", err, test.want)
					}
				})
			})
		}
	}
}

// Reconnect before an event without an ID arrives repeats a keyed request, and leaves the event to
// the next attempt. It never ends the stream.
func TestStreamReconnectBeforeKeyedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		requests := 0
		client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
			requests = n
			return stream(":drain\ndata:a\n\n"), nil
		})
		client.OnComment = func(string) {
			if requests == 1 {
				s.Reconnect()
			}
		}
		req := newRequest(t, "POST", "http://example.com/", nil)
		req.Header.Set("Idempotency-Key", "k")
		s = client.Stream(req)
		got, err := data(s)
		equal(t, "data", got, []string{"a"})
		equal(t, "Err()", err, nil)
		equal(t, "requests", requests, 2)
	})
}

// If Reconnect is called while a request is prepared that cannot be repeated, nothing is sent, and
// the next attempt sends the request.
func TestStreamReconnectWhilePreparingPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		requests := 0
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			requests = n
			return stream("data:a\n\n"), r.Context().Err()
		})
		req := newRequest(t, "POST", "http://example.com/", strings.NewReader("{}"))
		bodies := 0
		req.GetBody = func() (io.ReadCloser, error) {
			switch bodies++; bodies {
			case 1:
				return nil, errors.New("disk busy")
			case 2:
				s.Reconnect()
			}
			return io.NopCloser(strings.NewReader("{}")), nil
		}
		s = client.Stream(req)
		got, err := data(s)
		equal(t, "data", got, []string{"a"})
		equal(t, "Err()", err, nil)
		equal(t, "bodies and requests", []int{bodies, requests}, []int{3, 1})
	})
}

// A complete response to a request that is not repeated ends the stream, even if Reconnect is
// called while its last events are delivered.
func TestStreamReconnectAfterCompleteResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
			if n > 1 {
				t.Error("a second request")
			}
			resp := stream()
			resp.Body = io.NopCloser(iotest.DataErrReader(strings.NewReader("id:1\ndata:a\n\n")))
			return resp, nil
		})
		req := newRequest(t, "POST", "http://example.com/", nil)
		req.Header.Set("Idempotency-Key", "k")
		s := client.Stream(req)
		for s.Next() {
			s.Reconnect()
		}
		equal(t, "Err()", s.Err(), nil)
	})
}

// A panic of a hook that the caller recovers from is a failed attempt: the next one waits, and a
// POST is not sent twice.
func TestStreamPanicIsFailedAttempt(t *testing.T) {
	for method, want := range map[string]int{"GET": 3, "POST": 1} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				requests := 0
				client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
					if requests = n; n == 3 {
						return status(204, ""), nil
					}
					return stream("data:a\n\n"), nil
				})
				client.CheckResponse = func(*http.Response) error { panic("CheckResponse") }
				s := request(t, client, method, nil)
				next := func() (ok bool) {
					defer func() { recover() }()
					return s.Next()
				}
				for range 5 {
					if next() {
						t.Error("an event was delivered")
					}
				}
				equal(t, "requests", requests, want)
				if method == "GET" {
					equal(t, "time", time.Since(start), 5*time.Second) // waits of 2 and 3 s
				} else if s.Err() != errPanicked {
					t.Errorf("Err() = %v, want %v", s.Err(), errPanicked)
				}
			})
		})
	}
}

// Requests that hooks send with the context of the attempt do not count as its connections.
func TestStreamConnectionsOfHooksDoNotCount(t *testing.T) {
	conn, server := net.Pipe()
	defer conn.Close()
	defer server.Close()
	obtain := func(r *http.Request) {
		for range 5 {
			httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{Conn: conn})
		}
	}
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		if n == 1 {
			return status(307, "", "Location", "/"), nil
		}
		resp := stream("data:a\n\n")
		resp.Request = r
		return resp, nil
	})
	client.NoReconnect = true
	client.HTTPClient.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		obtain(r)
		return nil
	}
	client.Prepare = func(r *http.Request) error { obtain(r); return nil }
	client.CheckResponse = func(r *http.Response) error { obtain(r.Request); return nil }
	client.OnOpen = func(r *http.Response) { obtain(r.Request) }
	got, err := data(get(t, client))
	equal(t, "data", got, []string{"a"})
	equal(t, "Err()", err, nil)
}

// With NoReconnect, a body without GetBody is sent once, also with an Idempotency-Key.
func TestClientNoReconnectSendsOneShotBody(t *testing.T) {
	client := newClient(t, sends("data:a\n\n").always)
	client.NoReconnect = true
	req := newRequest(t, "POST", "http://example.com/", io.NopCloser(strings.NewReader("{}")))
	req.Header.Set("Idempotency-Key", "k")
	got, err := data(client.Stream(req))
	equal(t, "data", got, []string{"a"})
	equal(t, "Err()", err, nil)
}

// Close releases everything, even if the caller does not call Next again: the claim to leave a
// connection, and the body of the request.
func TestStreamCloseReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, server := net.Pipe()
		defer shared.Close()
		defer server.Close()
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(r.Context())
			trace.GotConn(httptrace.GotConnInfo{Conn: shared, Reused: true})
			if n < 3 {
				return stall(r)
			}
			return stream("data:a\n\n", forever), nil
		})
		client.IdleTimeout = time.Second
		bodyClosed := false
		body := &trackedBody{
			io.NopCloser(strings.NewReader("{}")), func() { bodyClosed = true },
		}
		req := newRequest(t, "QUERY", "http://example.com/", nil)
		req.Body = body
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}")), nil }
		s := client.Stream(req)
		if !s.Next() {
			t.Fatal(s.Err())
		}
		if startAbandoning(shared) {
			t.Error("the third attempt did not claim the connection")
		}
		s.Close()
		equal(t, "the body of the request is closed", bodyClosed, true)
		if !startAbandoning(shared) {
			t.Error("the closed stream still claims the connection")
		}
		abandoned.Delete(shared)
		s.Next()
	})
}

// A compressed body of net/http that stalls does not block DefaultCheckResponse, which a caller may
// use without a Stream.
func TestDefaultCheckResponseStalledCompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalled := make(chan struct{})
		defer close(stalled)
		resp := status(503, "")
		resp.Body = struct {
			io.Reader
			io.Closer
		}{
			readFunc(func([]byte) (int, error) { <-stalled; return 0, io.EOF }),
			closeFunc(func() error { <-stalled; return nil }), // waits for Read, as in net/http
		}
		start := time.Now()
		err := DefaultCheckResponse(resp)
		var refused *ResponseError
		if !errors.As(err, &refused) || refused.StatusCode != 503 || time.Since(start) > 6*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
