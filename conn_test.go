package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

func TestStreamRequestHeader(t *testing.T) {
	for _, test := range []struct {
		name        string
		given, want http.Header
	}{
		{"none", nil, http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-cache"}}},
		{"kept", http.Header{"Accept": {"a/b", "c/d"}, "Cache-Control": nil, "X": {"y"}},
			http.Header{"Accept": {"a/b", "c/d"}, "Cache-Control": nil, "X": {"y"}}},
		{"last event ID", http.Header{"Last-Event-Id": {" 7\t", "8"}},
			http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-cache"}, "Last-Event-Id": {"7"}}},
		{"last event ID as the standard spells it", http.Header{"Last-Event-ID": {"7"}},
			http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-cache"}, "Last-Event-Id": {"7"}}},
		{"empty last event ID", http.Header{"Last-Event-Id": {""}},
			http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-cache"}}},
	} {
		var got []http.Header
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			got = append(got, r.Header.Clone())
			return status(204, ""), nil
		})
		req := newRequest(t, "GET", "http://example.com/", nil)
		req.Header = test.given
		before := test.given.Clone()
		if _, err := data(client.Stream(req)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		equal(t, test.name, got, []http.Header{test.want})
		equal(t, test.name+": the caller's header", req.Header, before)
	}
}

func TestStreamReplaysBody(t *testing.T) {
	for _, test := range []struct{ method, key string }{
		{"GET", ""}, {"QUERY", ""}, {"REPORT", ""}, {"OPTIONS", ""}, {"POST", "Idempotency-Key"}, {"PATCH", "X-Idempotency-Key"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var bodies []string
			client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
				b, err := io.ReadAll(r.Body)
				bodies = append(bodies, fmt.Sprint(r.Method, " ", string(b), " ", err))
				switch n {
				case 1:
					return stream("data:x\n\n"), nil
				case 2:
					return nil, errors.New("no network")
				}
				return status(204, ""), nil
			})
			req := newRequest(t, test.method, "http://example.com/", strings.NewReader("question"))
			if test.key != "" {
				req.Header.Set(test.key, "1")
			}
			if _, err := data(client.Stream(req)); err != nil {
				t.Errorf("%s: %v", test.method, err)
			}
			want := test.method + " question <nil>"
			equal(t, "requests", bodies, []string{want, want, want})
		})
	}
}

func TestStreamReplayNeedsGetBody(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no")
	})
	b := newScript("question")
	s := client.Stream(newRequest(t, "QUERY", "http://example.com/", b))
	if s.Next() || s.Err() == nil || !strings.Contains(s.Err().Error(), "GetBody") {
		t.Errorf("Err() = %v", s.Err())
	}
	select {
	case <-b.closed:
	default:
		t.Error("the request's body was left open")
	}

	// A body of Prepare's own needs none.
	n := 0
	client = newClient(t, func(_ int, r *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(r.Body)
		equal(t, "body", string(b), "answer 1")
		return status(204, ""), nil
	})
	client.Prepare = func(r *http.Request) error {
		n++
		r.Body = io.NopCloser(strings.NewReader(fmt.Sprint("answer ", n)))
		return nil
	}
	if _, err := data(client.Stream(newRequest(t, "QUERY", "http://example.com/", newScript("question")))); err != nil {
		t.Error(err)
	}
}

// However an answer to a POST ends, there is no second request.
func TestStreamPostIsNotRepeated(t *testing.T) {
	reset := errors.New("connection reset by peer")
	for _, test := range []struct {
		name   string
		answer func(r *http.Request) (*http.Response, error)
		want   error
		text   string // where want is nil and there is an error
	}{
		{name: "clean end", answer: func(*http.Request) (*http.Response, error) { return stream("data:x\n\n"), nil }},
		{name: "no event", answer: func(*http.Request) (*http.Response, error) { return stream(), nil }},
		{name: "204", answer: func(*http.Request) (*http.Response, error) { return status(204, ""), nil }},
		{name: "within an event", want: io.ErrUnexpectedEOF,
			answer: func(*http.Request) (*http.Response, error) { return stream("data:x\n\ndata:"), nil }},
		{name: "reset", want: reset,
			answer: func(*http.Request) (*http.Response, error) { return stream("data:x\n\n", reset), nil }},
		{name: "refused", want: reset, answer: func(*http.Request) (*http.Response, error) { return nil, reset }},
		{name: "silence", want: ErrIdleTimeout,
			answer: func(*http.Request) (*http.Response, error) { return stream("data:x\n\n", forever), nil }},
		{name: "no header", want: errHeaderTimeout, answer: stall},
		{name: "503", text: "503 Service Unavailable: busy",
			answer: func(*http.Request) (*http.Response, error) { return status(503, "busy", "Retry-After", "1"), nil }},
		{name: "429", text: "429 Too Many Requests",
			answer: func(*http.Request) (*http.Response, error) { return status(429, "", "Retry-After", "1"), nil }},
		{name: "401", text: "401 Unauthorized",
			answer: func(*http.Request) (*http.Response, error) { return status(401, ""), nil }},
	} {
		for _, bodied := range []string{"with GetBody", "without"} {
			t.Run(test.name+" "+bodied, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
						if n > 1 {
							t.Errorf("request %d", n)
						}
						if b, err := io.ReadAll(r.Body); string(b) != "prompt" || err != nil {
							t.Errorf("body %q, %v", b, err)
						}
						return test.answer(r)
					})
					client.IdleTimeout = time.Minute
					client.HTTPClient.Timeout = time.Second
					client.OnRetry = func(err error, _ time.Duration) { t.Errorf("OnRetry(%v)", err) }
					var body io.Reader = strings.NewReader("prompt")
					if bodied == "without" {
						body = struct{ io.Reader }{body}
					}
					_, err := data(client.Stream(newRequest(t, "POST", "http://example.com/", body)))
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

// What fails before a POST is sent may be tried again, and its only body is still there.
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
		got, err := data(client.Stream(newRequest(t, "POST", "http://example.com/", newScript("prompt"))))
		equal(t, "data", got, []string{"prompt"})
		equal(t, "Err()", err, nil)
	})
}

func TestClientPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			got = append(got, fmt.Sprint(r.URL, " ", r.Header.Get("Authorization"), " ", r.Header.Get("Last-Event-ID")))
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
		client.OnRetry = func(err error, wait time.Duration) { reasons = append(reasons, fmt.Sprint(err, " ", wait)) }
		_, err := data(get(t, client))
		equal(t, "Err()", err, nil)
		equal(t, "requests", got, []string{
			"http://example.com/?since= token 1 ",
			"http://example.com/?since=1 token 3 1",
			"http://example.com/?since=1 token 4 1",
		})
		equal(t, "OnRetry", reasons, []string{"EOF 2s", "no token 3s", "sse: 503 Service Unavailable 4s"})
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

// Prepare may make another request of it: what counts is what is sent.
func TestClientPrepareChangesMethod(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil })
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
		client := newClient(t, func(int, *http.Request) (*http.Response, error) { return status(204, ""), nil })
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
		client.OnRetry = func(err error, wait time.Duration) { reasons = append(reasons, fmt.Sprint(err, " ", wait)) }
		_, err := data(get(t, client))
		equal(t, "Err()", err, nil)
		equal(t, "responses", checked, []int{418, 418})
		equal(t, "OnRetry", reasons, []string{"not yet 1m1s", "unexpected EOF 3s"}) // the body is no event
	})
	denied := errors.New("denied")
	client := newClient(t, func(int, *http.Request) (*http.Response, error) { return stream(), nil })
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
		client.OnRetry = func(err error, _ time.Duration) { reasons = append(reasons, fmt.Sprint(err, " ", time.Since(start))) }
		got, err := data(get(t, client))
		equal(t, "data", got, []string{"a", "b"})
		equal(t, "Err()", err, nil)
		idle := ErrIdleTimeout.Error()
		equal(t, "OnRetry", reasons, []string{idle + " 1m0s", idle + " 3m1s"})
	})
}

func TestClientCheckResponseMustNotReplaceBody(t *testing.T) {
	for name, check := range map[string]struct {
		err  error // of CheckResponse
		want string
	}{
		"accepted": {nil, "sse: CheckResponse replaced the body: decode it in an http.RoundTripper instead"},
		"refused":  {backoff.Permanent(errors.New("denied")), "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			resp := stream("data:a\n\n")
			client := newClient(t, func(int, *http.Request) (*http.Response, error) { return resp, nil })
			client.CheckResponse = func(r *http.Response) error {
				r.Body = io.NopCloser(r.Body)
				return check.err
			}
			got, err := data(get(t, client))
			equal(t, "data", got, nil)
			if err == nil || err.Error() != check.want {
				t.Errorf("Err() = %v, want %s", err, check.want)
			}
		})
	}
}

// The error of a CheckResponse is one, also where a stream would end cleanly by it.
func TestClientCheckResponseReturnsEOF(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		client := newClient(t, func(int, *http.Request) (*http.Response, error) { return status(500, ""), nil })
		client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
		client.CheckResponse = func(r *http.Response) error { return io.EOF }
		if _, err := data(client.Stream(newRequest(t, method, "http://example.com/", nil))); err != io.EOF {
			t.Errorf("%s: Err() = %v", method, err)
		}
	}
}

// What CheckResponse did not accept is not read, also where it panics and the caller goes on.
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

// A CheckResponse that closes the body of what it accepts gets no events, and is told why.
func TestClientCheckResponseClosesBody(t *testing.T) {
	client := newClient(t, func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil })
	client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
	client.CheckResponse = func(r *http.Response) error { return r.Body.Close() }
	if _, err := data(get(t, client)); err != http.ErrBodyReadAfterClose {
		t.Errorf("Err() = %v", err)
	}
}

// After Close no hook says that the stream is open.
func TestStreamCloseInCheckResponse(t *testing.T) {
	client := newClient(t, func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil })
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
		name   string
		answer answer
		slow   time.Duration // the caller's, for each event
		want   time.Duration // until OnRetry
		err    error
	}{
		{"silence", events(forever), 0, 10 * s, ErrIdleTimeout},
		{"no header", stall, 0, 10 * s, ErrIdleTimeout},
		{"a late header", func(*http.Request) (*http.Response, error) {
			time.Sleep(9 * s)
			return stream(9 * s), nil
		}, 0, 18 * s, io.EOF},
		{"bytes without line end", events(drip("data:abcdef", 9*s)...), 0, 99 * s, io.ErrUnexpectedEOF},
		{"a comment without end", events(append([]any{":"}, drip(strings.Repeat("x", 100), 9*s)...)...), 0, 900 * s, io.EOF},
		{"empty lines", events(drip("\n\n\r\r", 9*s)...), 0, 36 * s, io.EOF},
		{"a late heartbeat", events(":\n", 9*s, ":\n", 11*s, ":\n"), 0, 19 * s, ErrIdleTimeout},
		{"after an event", events(9*s, "data:\n\n", forever), 0, 19 * s, ErrIdleTimeout},
		{"within an event", events(9*s, "data:", forever), 0, 19 * s, ErrIdleTimeout},
		{"exactly in time", events(drip("\n\n\n", 10*s-1)...), 0, 30*s - 3, io.EOF},
		// While the caller is busy for a minute, time does not count; nor is what comes then lost.
		{"a slow caller", events("data:\n\n", 9*s, "data:\n\n", 9*s, "data:\n\n"), time.Minute, 180 * s, io.EOF},
		{"a slow caller of many events", events("data:\n\ndata:\n\ndata:\n\n"), time.Minute, 180 * s, io.EOF},
		{"a slow caller, and silence", events("data:\n\n", forever), time.Minute, 70 * s, ErrIdleTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) { return test.answer(r) })
				client.IdleTimeout = 10 * s
				var st *Stream
				client.OnRetry = func(err error, _ time.Duration) {
					if err != test.err {
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
		t.Error("ErrIdleTimeout.Timeout() is not true")
	}
}

// After a timeout the pool's idle connections are closed before the next attempt. While no
// response comes at all, the attempts say that their connection takes no other.
func TestStreamTimeoutClosesIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		tr := &idleCloser{RoundTripper: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			got = append(got, fmt.Sprintf("request Close=%t", r.Close))
			switch len(got) {
			case 1, 10:
				return stream(forever), nil
			}
			return stall(r)
		})}
		tr.closed = func() { got = append(got, "CloseIdleConnections") }
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
	})
}

// Every byte at every place of a word, and behind the last one.
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
	for id, want := range map[string]string{"": "", " \t ": "", "\t a b\t": "a b", "\t\t12345678\t\t": "12345678"} {
		if got, ok := sendableID([]byte(id)); string(got) != want || !ok {
			t.Errorf("sendableID(%q) = %q, %v", id, got, ok)
		}
	}
}
