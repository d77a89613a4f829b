package sse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"
)

const forever time.Duration = math.MaxInt64 / 2

// A script is the body of a response, played step by step: a string is what one read brings, a
// time.Duration passes on the server before the next step, whether somebody reads or not, an error is
// returned. After the last step comes io.EOF.
type script struct {
	steps  []any
	now    time.Time // the server's
	closed chan struct{}
	close  func()
}

func newScript(steps ...any) *script {
	s := &script{steps: steps, now: time.Now(), closed: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	return s
}

func (s *script) Read(p []byte) (int, error) {
	for {
		select {
		case <-s.closed:
			return 0, http.ErrBodyReadAfterClose
		default:
		}
		if len(s.steps) == 0 {
			return 0, io.EOF
		}
		switch step := s.steps[0].(type) {
		case string:
			n := copy(p, step)
			if s.steps[0] = step[n:]; n == len(step) {
				s.steps = s.steps[1:]
			}
			return n, nil
		case time.Duration:
			s.steps = s.steps[1:]
			s.now = s.now.Add(step)
			timer := time.NewTimer(time.Until(s.now))
			select {
			case <-timer.C:
			case <-s.closed:
			}
			timer.Stop()
		case error:
			return 0, step
		}
	}
}

func (s *script) Close() error {
	s.close()
	return nil
}

// stream is a response that opens a stream; for the steps see script.
func stream(steps ...any) *http.Response {
	return &http.Response{
		StatusCode: 200, Status: "200 OK",
		Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body:   newScript(steps...),
	}
}

// status is any other response: header fields are pairs of key and value.
func status(code int, body string, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: code, Status: fmt.Sprint(code, " ", http.StatusText(code)),
		Header: http.Header{}, Body: newScript(body),
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Add(header[i], header[i+1])
	}
	return resp
}

// A transport answers requests without a network: the nth, from 1, as the function says. It
// counts the bodies that are open.
type transport struct {
	answer func(n int, r *http.Request) (*http.Response, error)
	n      atomic.Int32
	open   atomic.Int32
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := context.Cause(r.Context()); err != nil {
		return nil, err
	}
	resp, err := tr.answer(int(tr.n.Add(1)), r)
	if resp != nil {
		resp.Request, resp.ProtoMajor, resp.ProtoMinor = r, 1, 1
		tr.open.Add(1)
		resp.Body = &trackedBody{resp.Body, sync.OnceFunc(func() { tr.open.Add(-1) })}
	}
	return resp, err
}

type trackedBody struct {
	io.ReadCloser
	done func()
}

func (b *trackedBody) Close() error {
	b.done()
	return b.ReadCloser.Close()
}

// newClient returns a Client whose requests are answered by f, and whose waits are a second longer
// each time: reconnection time + 1 s, + 2 s. At the end of the test no body may be open.
func newClient(t *testing.T, f func(n int, r *http.Request) (*http.Response, error)) *Client {
	tr := &transport{answer: f}
	t.Cleanup(func() {
		if n := tr.open.Load(); n != 0 {
			t.Errorf("%d bodies left open", n)
		}
	})
	return &Client{
		HTTPClient: &http.Client{Transport: tr},
		Backoff:    func() backoff.BackOff { return new(growing) },
	}
}

// growing is a policy that gives 1s, 2s, 3s and so on.
type growing struct{ last time.Duration }

func (g *growing) Reset() { g.last = 0 }

func (g *growing) NextBackOff() time.Duration {
	g.last += time.Second
	return g.last
}

// stall waits for headers that never come.
func stall(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func get(t *testing.T, c *Client) *Stream {
	t.Helper()
	return c.Stream(newRequest(t, "GET", "http://example.com/", nil))
}

// data reads the stream to its end.
func data(s *Stream) (got []string, err error) {
	for s.Next() {
		got = append(got, string(s.Data()))
	}
	return got, s.Err()
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestStreamResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		bodies := []string{"id:1\ndata:a\n\nid:2\ndata:b", "data:c\n\nid:3\n\n", ":\n"}
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			ids = append(ids, r.Header.Get("Last-Event-ID"))
			if n > len(bodies) {
				return status(204, ""), nil
			}
			return stream(bodies[n-1]), nil
		})
		req := newRequest(t, "GET", "http://example.com/", nil)
		req.Header.Set("Last-Event-ID", "0")
		s := client.Stream(req)
		var got []Event
		for ev, err := range s.All() {
			if err != nil {
				t.Errorf("All: %v", err)
			}
			got = append(got, ev)
		}
		equal(t, "events", got, []Event{{"1", "message", "a"}, {"1", "message", "c"}})
		equal(t, "Last-Event-ID", ids, []string{"0", "1", "3", "3"})
		equal(t, "LastEventID()", s.LastEventID(), "3")
		equal(t, "Err()", s.Err(), nil)
	})
}

func TestGet(t *testing.T) {
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 1\ndata: x\n\n")
	}))
	defer srv.Close()
	got, err := data(Get(t.Context(), srv.URL))
	equal(t, "data", got, []string{"x"})
	equal(t, "Err()", err, nil)

	for _, bad := range []string{"http://user:secret@host\x7f/?token=secret", "http://user:secret%40host/", "http://h/%zz?secret", "secret://[::1"} {
		s := Get(t.Context(), bad)
		if s.Next() || s.Err() == nil || s.State() != StateClosed {
			t.Errorf("Get of an invalid URL: Err() = %v, State() = %v", s.Err(), s.State())
		}
		if strings.Contains(fmt.Sprint(s.Err()), "secret") {
			t.Errorf("Err() = %v", s.Err())
		}
		s.Reconnect()
		s.Close()
	}
}

func TestRequestHeader(t *testing.T) {
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

func TestLastEventID(t *testing.T) {
	long := strings.Repeat("x", maxSentID)
	for _, test := range []struct {
		name, body string
		want       string // of the next request
	}{
		{"an event's", "id:1\ndata:\n\n", "1"},
		{"a block's that is no event", "id:1\n\n", "1"},
		{"not of an unfinished event", "id:1\ndata:x\n", "0"},
		{"not of an unfinished block", "id:1\n", "0"},
		{"empty", "id\ndata:\n\n", ""},
		{"outer blanks", "id: \t1 2 \t\ndata:\n\n", "1 2"},
		{"blanks only", "id: \t \ndata:\n\n", ""},
		{"UTF-8", "id:é\ndata:\n\n", "é"},
		{"not UTF-8", "id:\xff\ndata:\n\n", "\ufffd"},
		{"a tab within", "id:1\t2\ndata:\n\n", "1\t2"},
		{"U+0001", "id:1\x01\ndata:\n\n", "0"},
		{"U+0008", "id:1\x08\ndata:\n\n", "0"},
		{"U+000B", "id:1\x0b\ndata:\n\n", "0"},
		{"U+001F", "id:1\x1f\ndata:\n\n", "0"},
		{"U+007F", "id:1\x7f\ndata:\n\n", "0"},
		{"NUL", "id:1\x00\ndata:\n\n", "0"},
		{"the newest that can be sent", "id:1\ndata:\n\nid:2\x01\ndata:\n\n", "1"},
		{"one that can, after one that can't", "id:2\x01\ndata:\n\nid:3\ndata:\n\n", "3"},
		{"4 KiB", "id:" + long + "\ndata:\n\n", long},
		{"more than 4 KiB", "id:" + long + "x\ndata:\n\n", "0"},
		{"more than 4 KiB with outer blanks", "id:" + long + "  \ndata:\n\n", long},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					got = append(got, r.Header.Get("Last-Event-ID"))
					if _, ok := r.Header["Last-Event-Id"]; ok != (got[n-1] != "") {
						t.Errorf("request %d has an empty Last-Event-ID", n)
					}
					if n == 2 {
						return status(204, ""), nil
					}
					return stream(test.body), nil
				})
				req := newRequest(t, "GET", "http://example.com/", nil)
				req.Header.Set("Last-Event-ID", "0")
				s := client.Stream(req)
				if _, err := data(s); err != nil {
					t.Error(err)
				}
				equal(t, "Last-Event-ID", got, []string{"0", test.want})
				equal(t, "LastEventID()", s.LastEventID(), test.want)
			})
		})
	}
}

// An ID that can't be sent is still the event's, and the ID of the events after it.
func TestUnsendableIDShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 3 {
				return status(204, ""), nil
			}
			return stream([]any{"id:1\ndata:a\n\nid:\x01\ndata:b\n\n", "data:c\n\n"}[n-1]), nil
		})
		s := get(t, client)
		var got []Event
		var last []string
		for s.Next() {
			got = append(got, s.Event())
			last = append(last, s.LastEventID())
		}
		equal(t, "events", got, []Event{{"1", "message", "a"}, {"\x01", "message", "b"}, {"\x01", "message", "c"}})
		equal(t, "LastEventID()", last, []string{"1", "1", "1"})
	})
}

func TestLastEventIDThatCannotBeSent(t *testing.T) {
	for _, id := range []string{"a\nb", "\x01", strings.Repeat("x", maxSentID+1)} {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			t.Error("a request was sent")
			return nil, errors.New("no")
		})
		req := newRequest(t, "GET", "http://example.com/", nil)
		req.Header["Last-Event-Id"] = []string{id}
		var log bytes.Buffer
		client.Logger = textLogger(&log)
		s := client.Stream(req)
		if s.Err() != nil || s.State() != StateConnecting || log.Len() > 0 {
			t.Errorf("before the first Next: Err() = %v, State() = %v, log:\n%s", s.Err(), s.State(), &log)
		}
		if s.Next() || s.Err() == nil || !strings.Contains(s.Err().Error(), "Last-Event-ID") {
			t.Errorf("Last-Event-ID %.8q: Err() = %v", id, s.Err())
		}
	}
}

func TestBodyIsReplayed(t *testing.T) {
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

func TestSafeRequestNeedsGetBody(t *testing.T) {
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
func TestPostIsNeverRepeated(t *testing.T) {
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

// A redirect is net/http's affair: it sends a POST on after 307 if it has a GetBody.
func TestRedirectOfAPost(t *testing.T) {
	answer := func(n int, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/" {
			return status(307, "", "Location", "/there"), nil
		}
		b, _ := io.ReadAll(r.Body)
		return stream("data:" + string(b) + "\n\n"), nil
	}
	got, err := data(newClient(t, answer).Stream(newRequest(t, "POST", "http://example.com/", strings.NewReader("prompt"))))
	equal(t, "data", got, []string{"prompt"})
	equal(t, "Err()", err, nil)

	var failed *ResponseError
	_, err = data(newClient(t, answer).Stream(newRequest(t, "POST", "http://example.com/", newScript("prompt"))))
	if !errors.As(err, &failed) || failed.StatusCode != 307 {
		t.Errorf("without GetBody: Err() = %v", err)
	}
}

// What fails before a POST is sent may be tried again, and its only body is still there.
func TestPostIsPreparedAgain(t *testing.T) {
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

func TestPrepare(t *testing.T) {
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

func TestPrepareEndsTheStream(t *testing.T) {
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
func TestPrepareMakesAPost(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil })
	client.Prepare = func(r *http.Request) error {
		r.Method = "POST"
		return nil
	}
	got, err := data(get(t, client))
	equal(t, "data", got, []string{""})
	equal(t, "Err()", err, nil)
}

func TestGetBodyFails(t *testing.T) {
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

func TestCheckResponse(t *testing.T) {
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
func TestCheckResponseReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				resp := status(503, "")
				resp.Body = newScript("words", forever)
				return resp, nil
			case 2:
				return stream("DATA:A\n\n", 59*time.Second, "DATA:B\n\n", forever), nil
			}
			return status(204, ""), nil
		})
		client.IdleTimeout = time.Minute
		client.CheckResponse = func(r *http.Response) error {
			if r.StatusCode == 503 {
				b, err := io.ReadAll(r.Body)
				return fmt.Errorf("%s: %w", b, err)
			}
			r.Body = lower{r.Body}
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

// The error of a CheckResponse is one, also where a stream would end cleanly by it.
func TestCheckResponseReturnsEOF(t *testing.T) {
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
func TestCheckResponsePanics(t *testing.T) {
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
func TestCheckResponseCloses(t *testing.T) {
	client := newClient(t, func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil })
	client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
	client.CheckResponse = func(r *http.Response) error { return r.Body.Close() }
	if _, err := data(get(t, client)); err != http.ErrBodyReadAfterClose {
		t.Errorf("Err() = %v", err)
	}
}

// A decoder may read on a goroutine of its own. It is closed with its connection, also where it was refused.
func TestCheckResponseDecodes(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Minute, AutoIdle} {
		synctest.Test(t, func(t *testing.T) { // finds goroutines that stay
			client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
				if n == 3 {
					return status(503, "busy"), nil
				}
				return stream("data:a\n\n", time.Second, "data:b\n\n", time.Second, strings.Repeat("data:c\n\n", 1e4), forever), nil
			})
			client.IdleTimeout = idle
			client.CheckResponse = func(r *http.Response) error {
				src := r.Body
				pr, pw := io.Pipe()
				go func() {
					_, err := io.Copy(pw, src)
					pw.CloseWithError(err)
				}()
				r.Body = pr
				if r.StatusCode == 503 {
					return errors.New("busy")
				}
				return nil
			}
			s := get(t, client)
			n := 0
			for s.Next() {
				if n++; n%10 == 0 {
					s.Reconnect()
				}
				if n == 1000 {
					break
				}
			}
			s.Close()
			if s.Next() || s.Err() != nil || n != 1000 {
				t.Errorf("%d events, Err() = %v", n, s.Err())
			}
		})
	}
}

// A refusal is told, also where the rest of its body does not come.
func TestRefusalStalls(t *testing.T) {
	for _, test := range []struct {
		method string
		status int
	}{{"GET", 401}, {"POST", 401}, {"POST", 503}} {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, func(int, *http.Request) (*http.Response, error) {
				resp := status(test.status, "")
				resp.Body = newScript("no, because", forever)
				return resp, nil
			})
			client.IdleTimeout = time.Second
			_, err := data(client.Stream(newRequest(t, test.method, "http://example.com/", nil)))
			var refused *ResponseError
			if !errors.As(err, &refused) || refused.StatusCode != test.status || string(refused.Body) != "no, because" {
				t.Errorf("%v: Err() = %v", test, err)
			}
		})
	}
}

// After Close no hook says that the stream is open.
func TestCloseInCheckResponse(t *testing.T) {
	client := newClient(t, func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil })
	s := new(Stream)
	client.CheckResponse = func(*http.Response) error { return s.Close() }
	client.OnOpen = func(*http.Response) { t.Error("OnOpen") }
	s = get(t, client)
	if s.Next() || s.Err() != nil {
		t.Errorf("Err() = %v", s.Err())
	}
}

type lower struct{ io.ReadCloser }

func (l lower) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	copy(p, bytes.ToLower(p[:n]))
	return n, err
}

// What belongs to the caller is never changed, and may be shared by many streams.
func TestCallerIsUntouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if r.Header.Get("Last-Event-ID") == "3" {
				return status(204, ""), nil
			}
			if n%7 == 0 {
				return status(503, "", "Set-Cookie", "a=b"), nil
			}
			return stream(fmt.Sprintf("id:%d\ndata:\n\n", 1+strings.Count(r.Header.Get("Last-Event-ID"), "")%3+1)), nil
		})
		client.HTTPClient.Timeout = time.Hour
		client.IdleTimeout = time.Hour
		client.Prepare = func(r *http.Request) error {
			r.Header.Set("X-Token", "1")
			r.URL.Path = "/other"
			r.Header["X-Shared"][0] = "changed"
			return nil
		}
		req := newRequest(t, "QUERY", "http://user:pass@example.com/path?q", strings.NewReader("question"))
		req.Header.Set("X-Shared", "as it was")
		req.Header.Set("Last-Event-ID", "0")
		httpClient, request, header, u := *client.HTTPClient, *req, req.Header.Clone(), req.URL.String()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				s := client.Stream(req)
				for range 3 {
					s.Next()
				}
				s.Close()
				s.Next()
			})
		}
		wg.Wait()
		if !reflect.DeepEqual(*client.HTTPClient, httpClient) {
			t.Errorf("HTTPClient is %+v, was %+v", *client.HTTPClient, httpClient)
		}
		equal(t, "Header", req.Header, header)
		equal(t, "URL", req.URL.String(), u)
		after := *req
		request.GetBody, after.GetBody = nil, nil
		if !reflect.DeepEqual(after, request) {
			t.Errorf("request is %+v, was %+v", after, request)
		}
	})
}

func TestHTTPClientTimeout(t *testing.T) {
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

func TestEventTooLarge(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		return stream("data:12345\n\ndata:123456\n\n"), nil
	})
	client.MaxEventSize = 5
	got, err := data(get(t, client))
	equal(t, "data", got, []string{"12345"})
	if !errors.Is(err, ErrEventTooLarge) {
		t.Errorf("Err() = %v", err)
	}
	if n := client.HTTPClient.Transport.(*transport).n.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// The stream ends at once, at whatever point its context is cancelled; and so with Close, called by
// another goroutine or by a hook.
func TestEnd(t *testing.T) {
	cause := errors.New("shutting down")
	type ender struct {
		stream *Stream
		cancel context.CancelCauseFunc
	}
	ends := map[string]struct {
		end  func(ender)
		want []error
	}{
		"Close":  {func(e ender) { e.stream.Close() }, nil},
		"cancel": {func(e ender) { e.cancel(nil) }, []error{context.Canceled}},
		"cause":  {func(e ender) { e.cancel(cause) }, []error{context.Canceled, cause}},
	}
	// The requests: a failure, a 503 with a body that comes late, a stream with an event and a comment.
	points := []string{
		"before the first Next", "in Prepare", "at the header", "in the first OnRetry", "in the wait", "in the error's body",
		"in CheckResponse", "in OnOpen", "in OnComment", "after an event", "in a read", "in OnRetry after a stream",
	}
	for name, how := range ends {
		for _, point := range points {
			t.Run(name+" "+point, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var e ender
					var ended time.Time
					end := func(here string) {
						if here == point {
							ended = time.Now()
							how.end(e)
							how.end(e)
						}
					}
					later := func(here string) {
						go func() {
							time.Sleep(time.Millisecond)
							end(here)
						}()
					}
					client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
						switch n {
						case 1:
							if point == "at the header" {
								later(point)
								return stall(r)
							}
							return nil, errors.New("no network")
						case 2:
							if point == "in the error's body" {
								later(point)
							}
							resp := status(503, "")
							resp.Body = newScript(time.Second, "later")
							return resp, nil
						case 3:
							return stream("id:1\ndata:a\n\n:comment\nid:2\ndata:b\n\n", time.Second), nil
						}
						t.Error("the stream did not end")
						return status(204, ""), nil
					})
					client.Prepare = func(*http.Request) error { end("in Prepare"); return nil }
					client.CheckResponse = func(r *http.Response) error {
						end("in CheckResponse")
						return DefaultCheckResponse(r)
					}
					client.OnOpen = func(*http.Response) { end("in OnOpen") }
					client.OnComment = func(string) { end("in OnComment") }
					client.OnRetry = func(err error, _ time.Duration) {
						if err == io.EOF {
							end("in OnRetry after a stream")
						} else {
							end("in the first OnRetry")
							if point == "in the wait" {
								later(point)
							}
						}
					}
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					s := client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx))
					e = ender{s, cancel}
					end("before the first Next")
					for s.Next() {
						end("after an event")
						if point == "in a read" && string(s.Data()) == "b" {
							later(point)
						}
						if point == "in OnComment" && name == "Close" && string(s.Data()) == "b" {
							t.Error("an event after Close")
						}
					}
					if d := time.Since(ended); d != 0 {
						t.Errorf("ended %v late", d)
					}
					if how.want == nil && s.Err() != nil {
						t.Errorf("Err() = %v, want nil", s.Err())
					}
					for _, want := range how.want {
						if !errors.Is(s.Err(), want) {
							t.Errorf("Err() = %v, want %v", s.Err(), want)
						}
					}
					if got := s.State(); got != StateClosed {
						t.Errorf("State() = %v", got)
					}
					if s.Event() != (Event{}) || s.Data() != nil || s.ID() != nil || s.Type() != "" {
						t.Errorf("after the end: event %v", s.Event())
					}
					if s.Next() {
						t.Error("Next() = true after false")
					}
					s.Reconnect()
					s.Close()
				})
			})
		}
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) { return stream("data:\n\n", forever), nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := data(client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("Err() = %v after %v", err, time.Since(start))
		}
	})
}

// A context that was over before is noticed before anything is sent.
func TestCancelledBefore(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no")
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx))
	if s.Next() || s.Err() != context.Canceled {
		t.Errorf("Err() = %v", s.Err())
	}
}

func TestAllClosesTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			return stream("data:a\n\ndata:b\n\n", forever), nil
		})
		client.Logger = textLogger(&log)
		s := get(t, client)
		for range s.All() {
			break
		}
		if s.State() != StateClosed || s.Err() != nil {
			t.Errorf("State() = %v, Err() = %v", s.State(), s.Err())
		}
		if n := client.HTTPClient.Transport.(*transport).open.Load(); n != 0 {
			t.Errorf("%d bodies left open", n)
		}
		if !strings.HasSuffix(log.String(), "msg=\"sse: closed\" url=http://example.com/ attempt=1 last_event_id=\"\"\n") {
			t.Errorf("log:\n%s", &log)
		}
		n := 0
		for range s.All() {
			n++
		}
		equal(t, "events of a closed stream", n, 0)

		client = newClient(t, func(n int, r *http.Request) (*http.Response, error) { return status(401, ""), nil })
		var errs []error
		for ev, err := range get(t, client).All() {
			equal(t, "event", ev, Event{})
			errs = append(errs, err)
		}
		if len(errs) != 1 || errs[0] == nil {
			t.Errorf("errors: %v", errs)
		}
	})
}

func TestState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		var got []string
		note := func(where string) { got = append(got, where+" "+s.State().String()) }
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			note("request")
			switch n {
			case 1:
				return stream(":\ndata:\n\n"), nil
			case 2:
				return status(503, ""), nil
			}
			return status(204, ""), nil
		})
		client.Prepare = func(*http.Request) error { note("Prepare"); return nil }
		client.CheckResponse = func(r *http.Response) error { note("CheckResponse"); return DefaultCheckResponse(r) }
		client.OnOpen = func(*http.Response) { note("OnOpen") }
		client.OnComment = func(string) { note("OnComment") }
		client.OnRetry = func(error, time.Duration) { note("OnRetry") }
		s = get(t, client)
		note("before")
		for s.Next() {
			note("event")
		}
		note("after")
		equal(t, "states", got, []string{
			"before connecting",
			"Prepare connecting", "request connecting", "CheckResponse connecting", "OnOpen open", "OnComment open", "event open",
			"OnRetry connecting",
			"Prepare connecting", "request connecting", "CheckResponse connecting",
			"OnRetry connecting",
			"Prepare connecting", "request connecting", "after closed",
		})
	})
}

func TestOnOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 3 {
				return status(204, ""), nil
			}
			resp := stream("data:\n\n")
			resp.Header.Set("N", fmt.Sprint(n))
			return resp, nil
		})
		var got []string
		client.OnOpen = func(r *http.Response) {
			b, err := io.ReadAll(r.Body)
			r.Body.Close()
			got = append(got, fmt.Sprint(r.Status, " ", r.Header.Get("N"), " ", string(b), err))
		}
		events, _ := data(get(t, client))
		equal(t, "OnOpen", got, []string{"200 OK 1 <nil>", "200 OK 2 <nil>"})
		equal(t, "data", events, []string{"", ""})
	})
}

func textLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// There is one record for each change of state, and these are all their attributes.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				return nil, errors.New("no network")
			case 2:
				return status(503, "try\x1b[31m later\n", "Retry-After", "60"), nil
			case 3:
				return stream("id:7\ndata:\n\n"), nil
			}
			return status(401, "{}"), nil
		})
		client.Logger = textLogger(&log)
		calls := 0
		client.Prepare = func(r *http.Request) error {
			if calls++; calls == 1 {
				return errors.New("no token")
			}
			r.URL.Path = "/path"
			return nil
		}
		_, err := data(client.Stream(newRequest(t, "GET", "http://user:pass@example.com/?q=secret#f", nil)))
		if err == nil {
			t.Error("Err() = nil")
		}
		const at, to = " url=http://example.com/", " url=http://example.com/path"
		equal(t, "log", strings.Split(log.String(), "\n"), []string{
			`level=WARN msg="sse: retrying"` + at + ` attempt=1 last_event_id="" wait=2s cause="no token"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=2 last_event_id=""`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=2 last_event_id="" wait=3s cause="Get \"http://example.com/path\": no network"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=3 last_event_id=""`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=3 last_event_id="" wait=1m3s status=503 cause="sse: 503 Service Unavailable: try[31m later (retry after 1m0s)"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=4 last_event_id=""`,
			`level=INFO msg="sse: open"` + to + ` attempt=4 last_event_id="" status=200`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=4 last_event_id=7 wait=2s cause=EOF`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=5 last_event_id=7`,
			`level=ERROR msg="sse: closed"` + to + ` attempt=5 last_event_id=7 status=401 cause="sse: 401 Unauthorized: {}"`,
			``,
		})
	})
}

// How it ends in the ordinary way is no error in the log.
func TestLogOfTheEnd(t *testing.T) {
	for name, want := range map[string]string{
		"close":    `level=INFO msg="sse: closed" url=http://example.com/ attempt=1 last_event_id=""`,
		"cancel":   `level=INFO msg="sse: closed" url=http://example.com/ attempt=1 last_event_id="" cause="context canceled"`,
		"deadline": `level=ERROR msg="sse: closed" url=http://example.com/ attempt=1 last_event_id="" cause="context deadline exceeded"`,
		"204":      `level=INFO msg="sse: closed" url=http://example.com/ attempt=1 last_event_id="" status=204`,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			var log bytes.Buffer
			client := newClient(t, func(int, *http.Request) (*http.Response, error) {
				if name == "204" {
					return status(204, ""), nil
				}
				return stream("data:\n\n", forever), nil
			})
			client.Logger = textLogger(&log)
			s := client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx))
			for s.Next() {
				switch name {
				case "close":
					s.Close()
				case "cancel":
					cancel()
				}
			}
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			equal(t, name, lines[len(lines)-1], want)
		})
	}
}

// A CheckRedirect that waits is ended like every attempt: the stream goes on.
func TestCheckRedirectIsTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1, 2:
				return status(302, "", "Location", "/b"), nil
			case 3:
				return stream("data:a\n\n"), nil
			}
			return status(204, ""), nil
		})
		var s *Stream
		client.HTTPClient.Timeout = time.Second
		n := 0
		client.HTTPClient.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if n++; n == 2 {
				s.Reconnect()
			}
			<-r.Context().Done()
			return r.Context().Err()
		}
		var reasons []string
		client.OnRetry = func(err error, _ time.Duration) { reasons = append(reasons, err.Error()) }
		s = get(t, client)
		got, err := data(s)
		equal(t, "data", got, []string{"a"})
		equal(t, "Err()", err, nil)
		equal(t, "OnRetry", reasons, []string{string(errHeaderTimeout), ErrReconnect.Error(), "EOF"})
	})
}

// A context that ends does not hide why there was no connection.
func TestContextTellsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			answer  func(n int, r *http.Request) (*http.Response, error)
			refused bool
			text    string
		}{
			{func(int, *http.Request) (*http.Response, error) { return status(503, "db is down"), nil }, true,
				"context deadline exceeded: enough (before that: sse: 503 Service Unavailable: db is down)"},
			{func(n int, _ *http.Request) (*http.Response, error) {
				if n == 1 {
					return status(503, "db is down"), nil
				}
				return stream("data:\n\n", forever), nil
			}, false, "context deadline exceeded: enough"},
			{func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil }, false,
				"context deadline exceeded: enough"},
			{func(int, *http.Request) (*http.Response, error) {
				resp := status(401, "")
				resp.Body = newScript("bad token", forever)
				return resp, nil
			}, true, "context deadline exceeded: enough (before that: sse: 401 Unauthorized: bad token)"},
			{func(int, *http.Request) (*http.Response, error) { return nil, io.EOF }, false,
				"context deadline exceeded: enough (before that: Get \"http://example.com/\": EOF)"},
		} {
			enough := errors.New("enough")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, enough)
			defer cancel()
			client := newClient(t, test.answer)
			_, err := data(client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)))
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, enough) || errors.Is(err, io.EOF) || errors.As(err, new(*ResponseError)) != test.refused || err.Error() != test.text {
				t.Errorf("Err() = %v, want %s", err, test.text)
			}
		}
	})
}

func TestReconnect(t *testing.T) {
	type at struct {
		When time.Duration
		What string
	}
	// The reconnection time is 1 s, and the policy adds 1 s, 2 s and so on: what comes at once was
	// hurried.
	for _, test := range []struct {
		name   string
		answer func(n int, r *http.Request) (*http.Response, error)
		hook   string        // where Reconnect is called each time it runs
		after  time.Duration // or when ten other goroutines call it
		until  time.Duration // when the stream is closed
		want   []at
	}{
		{
			name:   "an open connection",
			answer: func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n", forever), nil },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {30 * time.Second, "retry 0s"}, {30 * time.Second, "request"}},
		},
		{
			name:   "a connection without events",
			answer: func(int, *http.Request) (*http.Response, error) { return stream(forever), nil },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {30 * time.Second, "retry 0s"}, {30 * time.Second, "request"}},
		},
		{
			name:   "a wait",
			answer: func(int, *http.Request) (*http.Response, error) { return status(503, "", "Retry-After", "100"), nil },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {time.Millisecond, "retry 1m41s"}, {30 * time.Second, "request"}, {30*time.Second + time.Millisecond, "retry 1m42s"}},
		},
		{
			name:   "an attempt",
			answer: func(n int, r *http.Request) (*http.Response, error) { return stall(r) },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {30 * time.Second, "retry 0s"}, {30 * time.Second, "request"}},
		},
		{
			name: "each open connection at once: no storm",
			answer: func(int, *http.Request) (*http.Response, error) {
				return stream(forever), nil
			},
			hook: "OnOpen", until: 6 * time.Second,
			want: []at{{0, "request"}, {0, "retry 0s"}, {0, "request"}, {0, "retry 2s"},
				{2 * time.Second, "request"}, {2 * time.Second, "retry 0s"}, {2 * time.Second, "request"}, {2 * time.Second, "retry 3s"},
				{5 * time.Second, "request"}, {5 * time.Second, "retry 0s"}, {5 * time.Second, "request"}, {5 * time.Second, "retry 4s"}},
		},
		{
			name:   "each wait: no storm",
			answer: func(int, *http.Request) (*http.Response, error) { return nil, errors.New("no network") },
			hook:   "OnRetry", until: 6 * time.Second,
			want: []at{{0, "request"}, {0, "retry 2s"}, {0, "request"}, {0, "retry 3s"},
				{3 * time.Second, "request"}, {3 * time.Second, "retry 4s"}, {3 * time.Second, "request"}, {3 * time.Second, "retry 5s"}},
		},
		{
			name:   "in Prepare: not the first, and then every other",
			answer: func(int, *http.Request) (*http.Response, error) { return status(503, ""), nil },
			hook:   "Prepare", until: 6 * time.Second,
			want: []at{{0, "request"}, {0, "retry 2s"}, {2 * time.Second, "retry 0s"}, {2 * time.Second, "request"}, {2 * time.Second, "retry 3s"},
				{5 * time.Second, "retry 0s"}, {5 * time.Second, "request"}, {5 * time.Second, "retry 4s"}},
		},
		{
			name: "complete events that were read come first",
			answer: func(int, *http.Request) (*http.Response, error) {
				return stream(":\ndata:a\n\ndata:b\n\ndata:c", forever), nil
			},
			hook: "OnComment", until: time.Second,
			want: []at{{0, "request"}, {0, "event a"}, {0, "event b"}, {0, "retry 0s"},
				{0, "request"}, {0, "event a"}, {0, "event b"}, {0, "retry 0s"},
				{0, "request"}, {0, "event a"}, {0, "event b"}, {0, "retry 0s"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var got []at
				var s *Stream
				here := func(hook string) {
					if hook == test.hook {
						s.Reconnect()
						s.Reconnect()
					}
				}
				note := func(what ...any) {
					if got = append(got, at{time.Since(start), fmt.Sprint(what...)}); len(got) == len(test.want) && test.hook == "OnComment" {
						s.Close()
					}
				}
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					note("request")
					if test.hook == "" {
						time.Sleep(time.Millisecond) // all ten calls come before the answer
					}
					return test.answer(n, r)
				})
				client.Prepare = func(*http.Request) error { here("Prepare"); return nil }
				client.OnOpen = func(*http.Response) { here("OnOpen") }
				client.OnComment = func(string) { here("OnComment") }
				client.OnRetry = func(err error, wait time.Duration) {
					if wait == 0 && err != ErrReconnect {
						t.Errorf("OnRetry(%v, 0)", err)
					}
					note("retry ", wait)
					here("OnRetry")
				}
				s = get(t, client)
				s.Reconnect() // no effect before the first Next
				if test.after > 0 {
					for range 10 {
						time.AfterFunc(test.after, s.Reconnect)
					}
				}
				time.AfterFunc(test.until, func() { s.Close() })
				for s.Next() {
					if test.hook == "OnComment" {
						note("event ", string(s.Data()))
					}
				}
				if s.Err() != nil {
					t.Errorf("Err() = %v", s.Err())
				}
				equal(t, "timeline", got, test.want)
			})
		})
	}
}

// Reconnect ends no stream, where Backoff has stopped neither: then it adds nothing to the wait.
func TestReconnectWhereBackoffStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 4 {
				return status(204, ""), nil
			}
			return stream(forever), nil
		})
		client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
		client.OnOpen = func(*http.Response) { s.Reconnect() }
		var waits []time.Duration
		client.OnRetry = func(_ error, wait time.Duration) { waits = append(waits, wait) }
		s = get(t, client)
		_, err := data(s)
		equal(t, "Err()", err, nil)
		equal(t, "waits", waits, []time.Duration{0, time.Second, 0})
	})
}

// What the server asked for last stays known, on the next connection and after the end.
func TestStreamRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			return []*http.Response{stream("retry:5\n\n"), stream("data:\n\n"), status(204, "")}[n-1], nil
		})
		s := get(t, client)
		if d, ok := s.Retry(); d != 0 || ok {
			t.Errorf("before the first Next: %v, %t", d, ok)
		}
		for again := true; again; {
			again = s.Next()
			if d, ok := s.Retry(); d != 5*time.Millisecond || !ok {
				t.Errorf("Retry() = %v, %t", d, ok)
			}
		}
	})
}

// The stream of what can't be repeated goes on as if Reconnect had not been called.
func TestReconnectOfAPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			s.Reconnect()
			return stream("data:a\n\n", time.Minute, "data:b\n\n"), nil
		})
		client.OnOpen = func(*http.Response) { s.Reconnect() }
		s = client.Stream(newRequest(t, "POST", "http://example.com/", nil))
		time.AfterFunc(time.Second, s.Reconnect)
		got, err := data(s)
		equal(t, "data", got, []string{"a", "b"})
		equal(t, "Err()", err, nil)
	})
}

// Close, Reconnect and State may come from any goroutine at any time. The race detector looks on.
func TestConcurrentCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n % 4 {
			case 1:
				return nil, errors.New("no network")
			case 2:
				return status(503, "busy"), nil
			case 3:
				return stream("data:\n\n", time.Millisecond, "data:"), nil
			}
			return stream("data:\n\n:\ndata:\n\n", forever), nil
		})
		client.IdleTimeout = time.Minute
		client.OnComment = func(string) {}
		var wg sync.WaitGroup
		for range 20 {
			s := get(t, client)
			done := make(chan struct{})
			for i := range 4 {
				wg.Go(func() {
					for {
						select {
						case <-done:
							return
						case <-time.After(time.Duration(i+1) * 777 * time.Microsecond):
						}
						if i < 3 {
							s.Reconnect()
						}
						s.State()
					}
				})
			}
			wg.Go(func() {
				time.Sleep(time.Second)
				s.Close()
			})
			wg.Go(func() {
				defer close(done)
				if _, err := data(s); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestRedirectKeepsSecrets(t *testing.T) {
	type seen struct{ Authorization, APIKey, Referer, LastEventID, Accept string }
	apiKey := strings.ToLower("X-Api-Key") // in any spelling
	run := func(checkRedirect func(*http.Request, []*http.Request) error, from string, to ...string) map[string]seen {
		t.Helper()
		got := make(map[string]seen)
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			h := r.Header
			got[r.URL.String()] = seen{h.Get("Authorization"), strings.Join(h[apiKey], ""), h.Get("Referer"), h.Get("Last-Event-ID"), h.Get("Accept")}
			if n <= len(to) {
				return status(307, "", "Location", to[n-1]), nil
			}
			return status(204, ""), nil
		})
		client.HTTPClient.CheckRedirect = checkRedirect
		req := newRequest(t, "GET", from, nil)
		req.Header.Set("Authorization", "secret")
		req.Header[apiKey] = []string{"key"}
		req.Header.Set("Last-Event-ID", "7")
		if _, err := data(client.Stream(req)); err != nil {
			t.Error(err)
		}
		return got
	}
	const accept = "text/event-stream"
	equal(t, "another host", run(nil, "https://example.com/?token=secret", "/same", "https://sub.example.com/", "https://other.example/away?code=1", "https://other.example/there", "https://example.com/back"), map[string]seen{
		"https://example.com/?token=secret": {"secret", "key", "", "7", accept},
		"https://example.com/same":          {"secret", "key", "https://example.com/?token=secret", "7", accept},
		"https://sub.example.com/":          {"secret", "key", "https://example.com/", "7", accept},
		"https://other.example/away?code=1": {"", "", "https://sub.example.com/", "7", accept},
		"https://other.example/there":       {"", "", "https://other.example/away?code=1", "7", accept},
		"https://example.com/back":          {"", "", "https://other.example/", "7", accept}, // where the other host wants it
	})
	equal(t, "without TLS", run(nil, "https://example.com/", "http://example.com/plain", "https://example.com/back"), map[string]seen{
		"https://example.com/":     {"secret", "key", "", "7", accept},
		"http://example.com/plain": {"", "", "", "7", accept},
		"https://example.com/back": {"", "", "http://example.com/plain", "7", accept},
	})
	equal(t, "the same host", run(nil, "http://example.com:8080/", "http://example.com:9090/other", "https://example.com/tls"), map[string]seen{
		"http://example.com:8080/":      {"secret", "key", "", "7", accept},
		"http://example.com:9090/other": {"secret", "key", "http://example.com:8080/", "7", accept},
		"https://example.com/tls":       {"secret", "key", "http://example.com:9090/", "7", accept},
	})
	equal(t, "TLS on the way", run(nil, "http://example.com/", "https://example.com/", "http://sub.example.com/"), map[string]seen{
		"http://example.com/":     {"secret", "key", "", "7", accept},
		"https://example.com/":    {"secret", "key", "http://example.com/", "7", accept},
		"http://sub.example.com/": {"", "", "", "7", accept},
	})
	equal(t, "no subdomain", run(nil, "https://example.com/", "https://badexample.com/", "https://[fe80::1]/", "https://com/"), map[string]seen{
		"https://example.com/":    {"secret", "key", "", "7", accept},
		"https://badexample.com/": {"", "", "https://example.com/", "7", accept},
		"https://[fe80::1]/":      {"", "", "https://badexample.com/", "7", accept},
		"https://com/":            {"", "", "https://[fe80::1]/", "7", accept},
	})
	trust := func(r *http.Request, via []*http.Request) error {
		r.Header[apiKey] = via[0].Header[apiKey]
		return nil
	}
	equal(t, "a host that is trusted", run(trust, "https://example.com/", "https://other.example/"), map[string]seen{
		"https://example.com/":   {"secret", "key", "", "7", accept},
		"https://other.example/": {"", "key", "https://example.com/", "7", accept},
	})
}

// Nor does a Referer of the caller's, however it is spelled, or of a URL without a host.
func TestRedirectKeepsReferer(t *testing.T) {
	for _, test := range []struct{ from, name, referer, to, want string }{
		{"https://a.example/", "Referer", "https://a.example/?s3cret", "https://a.example/2", "https://a.example/?s3cret"},
		{"https://a.example/", "Referer", "https://a.example/?s3cret", "https://b.example/", "https://a.example/"},
		{"https://a.example/", "referer", "https://a.example/?s3cret", "https://b.example/", "https://a.example/"},
		{"https://a.example/", "Referer", "https://a.example/%zz?s3cret", "https://b.example/", ""},
		{"https://a.example/", "Referer", "https://a.example/?s3cret", "http://a.example/", ""},
		{"http:a.example/?s3cret", "", "", "https://b.example/", ""},
	} {
		var got string
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return status(302, "", "Location", test.to), nil
			}
			got = strings.Join(r.Header["Referer"], "") + strings.Join(r.Header[strings.ToLower("Referer")], "")
			return status(204, ""), nil
		})
		req := newRequest(t, "GET", test.from, nil)
		if test.name == "" {
			req.URL.Host = "a.example"
		} else {
			req.Header[test.name] = []string{test.referer}
		}
		if _, err := data(client.Stream(req)); err != nil || test.name != "referer" && got != test.want || strings.Contains(got, "b.example") {
			t.Errorf("%+v: Referer = %q, Err() = %v", test, got, err)
		}
	}
}

// However a stream fails, no error and no record has what a URL, a header or a body of the request
// keeps secret.
func TestSecrets(t *testing.T) {
	const secret = "S3CRET"
	redirect := func(location string) func(int, *http.Request) (*http.Response, error) {
		return func(n int, r *http.Request) (*http.Response, error) {
			return status(302, "", "Location", location), nil
		}
	}
	for name, answer := range map[string]func(int, *http.Request) (*http.Response, error){
		"network failure": func(int, *http.Request) (*http.Response, error) { return nil, errors.New("no network") },
		"header timeout":  func(_ int, r *http.Request) (*http.Response, error) { return stall(r) },
		"503":             func(int, *http.Request) (*http.Response, error) { return status(503, "busy"), nil },
		"401":             func(int, *http.Request) (*http.Response, error) { return status(401, "no"), nil },
		"wrong type": func(int, *http.Request) (*http.Response, error) {
			return status(200, "hello", "Content-Type", "text/html"), nil
		},
		"cut": func(int, *http.Request) (*http.Response, error) { return stream("data:x"), nil },
		"read error": func(int, *http.Request) (*http.Response, error) {
			return stream("data:x\n\n", errors.New("reset")), nil
		},
		"silence": func(int, *http.Request) (*http.Response, error) { return stream("data:x\n\n", forever), nil },
		"too large": func(int, *http.Request) (*http.Response, error) {
			return stream("data:" + strings.Repeat("x", 100)), nil
		},
		"redirect loop":                 redirect("/?" + secret),
		"redirect with a password":      redirect("http://user:" + secret + "@example.com/"),
		"redirect to another host":      redirect("http://user:" + secret + "@other.example/?" + secret),
		"redirect to an unknown scheme": redirect("foo://user:" + secret + "@example.com/?" + secret),
		"redirect without Location":     redirect(""),
		"redirect to a bad escape":      redirect("http://example.com/%zz?" + secret),
		"redirect to a bad host":        redirect("http://user:" + secret + "@[::1/" + secret),
		"redirect to a bad port":        redirect("http://example.com:" + secret + "/"),
		"redirect to a control byte":    redirect("http://example.com/\x7f" + secret),
		"redirect of an opaque URL":     redirect("user:" + secret + "@example.com"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				client := newClient(t, answer)
				client.HTTPClient.Timeout = time.Second
				client.IdleTimeout = time.Minute
				client.MaxEventSize = 10
				client.Backoff = func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2) }
				client.Logger = textLogger(&log)
				client.OnRetry = func(err error, _ time.Duration) { fmt.Fprintf(&log, "OnRetry %v %+v %#v\n", err, err, err) }
				req := newRequest(t, "QUERY", "http://user:"+secret+"@example.com/path?token="+secret+"#"+secret, strings.NewReader(secret))
				req.Header.Set("Authorization", "Bearer "+secret)
				req.Header.Set("Cookie", "session="+secret)
				req.Header.Set("X-Api-Key", secret)
				s := client.Stream(req)
				deadline := time.AfterFunc(time.Hour, func() { s.Close() })
				defer deadline.Stop()
				_, err := data(s)
				fmt.Fprintf(&log, "Err() %v %+v\n", err, err)
				for ; err != nil; err = errors.Unwrap(err) {
					fmt.Fprintf(&log, "wraps %v\n", err)
				}
				if strings.Contains(log.String(), secret) {
					t.Errorf("it tells:\n%s", &log)
				}
				if !strings.Contains(log.String(), "sse: closed") {
					t.Errorf("no record of the end:\n%s", &log)
				}
			})
		})
	}
	for _, test := range []struct{ name, url string }{
		{"no scheme", "user:" + secret + "@example.com/?" + secret},
		{"unknown scheme", "foo://user:" + secret + "@example.com/?" + secret},
		{"no host", "http://user:" + secret + "@/?" + secret},
	} {
		var log bytes.Buffer
		client := &Client{Logger: textLogger(&log)}
		_, err := data(client.Stream(newRequest(t, "GET", test.url, nil)))
		fmt.Fprint(&log, err)
		if err == nil || strings.Contains(log.String(), secret) {
			t.Errorf("%s: %s", test.name, &log)
		}
	}
	for _, h := range []http.Header{{"Authorization": {secret + "\n"}}, {"Cookie": {secret + "\x01"}}} {
		var log bytes.Buffer
		client := &Client{Logger: textLogger(&log)}
		req := newRequest(t, "GET", "http://127.0.0.1:1/", nil)
		req.Header = h
		_, err := data(client.Stream(req))
		fmt.Fprint(&log, err)
		if err == nil || strings.Contains(log.String(), secret) {
			t.Errorf("%v: %s", slices.Collect(maps.Keys(h)), &log)
		}
	}
	t.Run("Prepare", func(t *testing.T) {
		client := newClient(t, func(int, *http.Request) (*http.Response, error) { return nil, errors.New("no") })
		client.Prepare = func(*http.Request) error {
			_, err := http.Get("foo://user:" + secret + "@example.com/?" + secret)
			return backoff.Permanent(err)
		}
		if _, err := data(get(t, client)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("Err() = %v", err)
		}
	})
}
