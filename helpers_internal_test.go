package sse

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
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

// An answer is what one request gets.
type answer func(*http.Request) (*http.Response, error)

func respond(code int, header ...string) answer {
	return func(*http.Request) (*http.Response, error) { return status(code, "", header...), nil }
}

func events(steps ...any) answer {
	return func(*http.Request) (*http.Response, error) { return stream(steps...), nil }
}

func failure(err error) answer {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type idleCloser struct {
	http.RoundTripper
	closed func()
}

func (c *idleCloser) CloseIdleConnections() { c.closed() }

type recorder []string

func (r *recorder) Reset() { *r = append(*r, "Reset") }

func (r *recorder) NextBackOff() time.Duration {
	*r = append(*r, "Next")
	return 0
}

// attempts counts the attempts of a stream that would be made ten times if its failure were not
// permanent.
func attempts(t *testing.T, client Client, url string) (int, error) {
	t.Helper()
	n := 0
	client.Prepare = func(*http.Request) error { n++; return nil }
	client.ReconnectionTime = -1
	client.Backoff = func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 9) }
	_, err := data(client.Stream(newRequest(t, "GET", url, nil)))
	return n, err
}
