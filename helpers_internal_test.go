package sse

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"
)

// The helpers of the tests in package sse.

// forever is longer than any other time in a test.
const forever time.Duration = math.MaxInt64 / 2

// A script is the body of a response. It consists of steps: Read returns a string, or returns an
// error, or waits for a time.Duration. The server's time passes whether or not the client reads.
// After the last step Read returns io.EOF.
type script struct {
	steps  []any
	now    time.Time // of the server
	closed chan struct{}
	close  func()
}

func newScript(steps ...any) *script {
	s := &script{steps: slices.Clone(steps), now: time.Now(), closed: make(chan struct{})}
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

// stream returns a response that opens a stream. The steps are those of a script.
func stream(steps ...any) *http.Response {
	return &http.Response{
		StatusCode: 200, Status: "200 OK",
		Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body:   newScript(steps...),
	}
}

// status returns a response with any status. The header consists of pairs of key and value.
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

// A transport responds to requests without a network.
type transport struct {
	respond  func(n int, r *http.Request) (*http.Response, error) // n counts from 1
	requests atomic.Int32
	open     atomic.Int32 // bodies
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := context.Cause(r.Context()); err != nil {
		return nil, err
	}
	resp, err := tr.respond(int(tr.requests.Add(1)), r)
	if resp != nil {
		resp.Request, resp.ProtoMajor, resp.ProtoMinor = r, 1, 1
		tr.open.Add(1)
		resp.Body = &trackedBody{resp.Body, sync.OnceFunc(func() { tr.open.Add(-1) })}
	}
	return resp, err
}

// A trackedBody calls onClose when it is closed.
type trackedBody struct {
	io.ReadCloser
	onClose func()
}

func (b *trackedBody) Close() error {
	b.onClose()
	return b.ReadCloser.Close()
}

// newClient returns a Client whose nth request, from 1, gets the response that f returns. Its
// backoff adds 1 s to the first wait, 2 s to the second, and so on. The test fails if a body is
// open at its end.
func newClient(t *testing.T, f func(n int, r *http.Request) (*http.Response, error)) *Client {
	tr := &transport{respond: f}
	t.Cleanup(func() {
		if n := tr.open.Load(); n != 0 {
			t.Errorf("%d bodies left open", n)
		}
	})
	return &Client{
		HTTPClient: &http.Client{Transport: tr},
		Backoff:    func() backoff.BackOff { return new(linearBackoff) },
	}
}

// A linearBackoff returns 1 s, 2 s, 3 s and so on.
type linearBackoff struct{ last time.Duration }

func (b *linearBackoff) Reset() { b.last = 0 }

func (b *linearBackoff) NextBackOff() time.Duration {
	b.last += time.Second
	return b.last
}

// A recordingBackoff records the calls of its methods. It returns zero.
type recordingBackoff []string

func (b *recordingBackoff) Reset() { *b = append(*b, "Reset") }

func (b *recordingBackoff) NextBackOff() time.Duration {
	*b = append(*b, "NextBackOff")
	return 0
}

// stall sends no headers. It returns when the request is cancelled.
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

// get returns the stream of a GET request.
func get(t *testing.T, c *Client) *Stream {
	t.Helper()
	return request(t, c, "GET", nil)
}

// request returns the stream of a request for http://example.com/.
func request(t *testing.T, c *Client, method string, body io.Reader) *Stream {
	t.Helper()
	return c.Stream(newRequest(t, method, "http://example.com/", body))
}

// data reads s to its end. It returns the data of the events and the error of the stream.
func data(s *Stream) (got []string, err error) {
	for s.Next() {
		got = append(got, string(s.Data()))
	}
	return got, s.Err()
}

// equal reports a test error if got is not want.
func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// textLogger returns a logger that writes every record to w, without the time.
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

// A responder returns the response to one request. It implements http.RoundTripper.
type responder func(*http.Request) (*http.Response, error)

func (f responder) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// always returns the same response to every request of a client made by newClient.
func (f responder) always(_ int, r *http.Request) (*http.Response, error) { return f(r) }

// refuses returns a responder with a status other than that of a stream.
func refuses(code int, header ...string) responder {
	return func(*http.Request) (*http.Response, error) { return status(code, "", header...), nil }
}

// sends returns a responder that opens a stream. The steps are those of a script.
func sends(steps ...any) responder {
	return func(*http.Request) (*http.Response, error) { return stream(steps...), nil }
}

// fails returns a responder that returns err.
func fails(err error) responder {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// An idleCloser calls closeIdle when idle connections are to be closed.
type idleCloser struct {
	http.RoundTripper
	closeIdle func()
}

func (c *idleCloser) CloseIdleConnections() { c.closeIdle() }

// attempts returns how many attempts a stream makes and its error. If the failure is temporary,
// there are ten attempts.
func attempts(t *testing.T, client Client, url string) (int, error) {
	t.Helper()
	n := 0
	client.Prepare = func(*http.Request) error { n++; return nil }
	client.ReconnectionTime = -1
	client.Backoff = func() backoff.BackOff {
		return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 9)
	}
	_, err := data(client.Stream(newRequest(t, "GET", url, nil)))
	return n, err
}

type closeFunc func() error

func (f closeFunc) Close() error { return f() }
