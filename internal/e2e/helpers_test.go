//go:build unix

package e2e

import (
	"context"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/child"
	"github.com/seed-0d85b69d/sse/internal/e2e/dialer"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
	"github.com/seed-0d85b69d/sse/internal/e2e/faultproxy"
	"github.com/seed-0d85b69d/sse/internal/e2e/http2server"
)

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

// poll calls done every millisecond until it returns true, and reports whether it did within
// timeout.
func poll(timeout time.Duration, done func() bool) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			return done()
		}
	}
	return true
}

// logOf returns a log with n events.
func logOf(n int) *eventlog.Log {
	log := new(eventlog.Log)
	log.Grow(n)
	return log
}

// every calls f after each period, on a goroutine of its own, until the test ends.
func every(t *testing.T, period time.Duration, f func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
}

func startServer(t *testing.T, log *eventlog.Log, useTLS bool) *http2server.Server {
	s, err := http2server.Start(log, useTLS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func startProxy(t *testing.T, target string) *faultproxy.Proxy {
	p, err := faultproxy.Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// newHTTPClient returns a client with transport, whose idle connections are closed when the test
// ends.
func newHTTPClient(t *testing.T, transport *http.Transport) *http.Client {
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// newDialClient returns a client that speaks HTTP/1.1 or HTTP/2 without TLS, and its dialer.
func newDialClient(t *testing.T, http2 bool) (*http.Client, *dialer.Dialer) {
	d := new(dialer.Dialer)
	return newHTTPClient(t, d.Transport(http2)), d
}

func newRequest(t *testing.T, ctx context.Context, url string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// follow calls each, if non-nil, for every event of s on a goroutine of its own, until the test
// ends.
func follow(t *testing.T, s *sse.Stream, each func(sse.Event)) {
	var following sync.WaitGroup
	following.Go(func() {
		for s.Next() {
			if each != nil {
				each(s.Event())
			}
		}
	})
	t.Cleanup(following.Wait)
	t.Cleanup(func() { s.Close() })
}

// exactBackoff returns the default backoff without its random part, so that waits can be compared.
func exactBackoff() backoff.BackOff {
	b := sse.DefaultBackoff().(*backoff.ExponentialBackOff)
	b.RandomizationFactor = 0
	return b
}

// shortBackoff returns a backoff of 10 ms that does not grow.
func shortBackoff() backoff.BackOff { return backoff.NewConstantBackOff(10 * time.Millisecond) }

// A retryLog records the calls of OnRetry.
type retryLog struct {
	mu    sync.Mutex
	errs  []error
	waits []time.Duration
}

func (l *retryLog) add(err error, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
	l.waits = append(l.waits, wait)
}

func (l *retryLog) get() ([]error, []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.errs[:len(l.errs):len(l.errs)], l.waits[:len(l.waits):len(l.waits)]
}

func (l *retryLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.errs)
}
