//go:build unix

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/internal/e2e/child"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// The tests of this file suspend a process with 400 streams while bytes arrive for each of them,
// until its idle timeouts have passed. The bytes that wait prove that the connections are alive, so
// none of them may be cut. The idle timeout is scaled from 30 s to 2 s. The delays are not scaled.
const (
	suspendedStreams = 400
	suspendedTimeout = 2 * time.Second
)

// A suspendedClient is a client process and its server.
type suspendedClient struct {
	*child.Process
	log      *eventlog.Log
	requests atomic.Int64
	report   []string // what the process printed since the last call of cut
}

// startSuspendedClient starts both. The server waits for headers to be closed before it responds.
func startSuspendedClient(t *testing.T, http2 bool, headers <-chan struct{}) *suspendedClient {
	c := &suspendedClient{log: logOf(1)}
	handler := func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		select {
		case <-headers:
			c.log.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 2 * suspendedStreams}
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	var err error
	c.Process, err = child.Start(child.Config{Client: &child.Client{
		URL:         srv.URL,
		HTTP2:       http2,
		Streams:     suspendedStreams,
		IdleTimeout: suspendedTimeout,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

// waitEvent waits until all streams have received event n.
func (c *suspendedClient) waitEvent(t *testing.T, n int) {
	_, report, err := c.Expect("event "+strconv.Itoa(n), 20*time.Second)
	if c.report = append(c.report, report...); err != nil {
		t.Fatalf("%v; before: %q", err, report)
	}
}

// suspend suspends the process until late after the idle timeouts of timers that run now. It calls
// send when the process is suspended.
func (c *suspendedClient) suspend(t *testing.T, late time.Duration, send func()) {
	deadline := time.Now().Add(suspendedTimeout)
	if err := c.Suspend(); err != nil {
		t.Fatal(err)
	}
	send()
	<-time.After(time.Until(deadline.Add(late)))
	if err := c.Continue(); err != nil {
		t.Fatal(err)
	}
}

// checkCut verifies that there were no more than want requests.
func (c *suspendedClient) checkCut(t *testing.T, want int64) {
	if n := c.requests.Load(); n > want {
		first := c.report[:min(len(c.report), 1)]
		t.Errorf("%d of %d connections were cut: %q", n-want, suspendedStreams, first)
	}
	c.report = nil
}

func TestStreamSuspendedProcessKeepsConnections(t *testing.T) {
	headers := make(chan struct{})
	close(headers)
	for _, test := range []struct {
		http2 bool
		late  []time.Duration
	}{
		{false, []time.Duration{10 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond,
			suspendedTimeout}},
		{true, []time.Duration{40 * time.Millisecond, suspendedTimeout}},
	} {
		t.Run(fmt.Sprint("HTTP/2 ", test.http2), func(t *testing.T) {
			c := startSuspendedClient(t, test.http2, headers)
			c.waitEvent(t, 1)
			for _, late := range test.late {
				t.Run(late.String()+" late", func(t *testing.T) { testSuspend(t, c, late) })
			}
		})
	}
}

func testSuspend(t *testing.T, c *suspendedClient, late time.Duration) {
	requests := c.requests.Load()
	n := c.log.Len() + 1
	c.log.Grow(n) // the timers of all streams start anew
	c.waitEvent(t, n)
	c.suspend(t, late, func() { c.log.Grow(n + 1) })
	c.waitEvent(t, n+1)
	// A stream that was cut right after event n+1 needs another request for event n+2.
	c.log.Grow(n + 2)
	c.waitEvent(t, n+2)
	c.checkCut(t, requests)
}

// The response headers arrive while the process is suspended.
func TestStreamSuspendedProcessKeepsAttempts(t *testing.T) {
	for _, late := range []time.Duration{40 * time.Millisecond, suspendedTimeout} {
		t.Run(late.String()+" late", func(t *testing.T) {
			headers := make(chan struct{})
			c := startSuspendedClient(t, false, headers)
			if !poll(suspendedTimeout, func() bool {
				return c.requests.Load() == suspendedStreams
			}) {
				t.Fatalf("%d of %d requests", c.requests.Load(), suspendedStreams)
			}
			c.suspend(t, late, func() { close(headers) })
			c.waitEvent(t, 1)
			c.log.Grow(2)
			c.waitEvent(t, 2)
			c.checkCut(t, suspendedStreams)
		})
	}
}
