//go:build unix

package e2e

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/internal/e2e/child"
)

// A process is suspended while events arrive, and resumes after its idle timeouts. The bytes that
// wait in the sockets prove that the connections are alive, so none of them may be cut. The idle
// timeout is scaled from 30 s to 2 s, the delays are not scaled.
func TestStreamSuspendedProcessKeepsConnections(t *testing.T) {
	const (
		streams     = 400
		idleTimeout = 2 * time.Second
	)
	log := logOf(1)
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		log.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	client, err := child.Start(child.Config{Client: &child.Client{
		URL: srv.URL, Streams: streams, IdleTimeout: idleTimeout,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Kill)
	// received waits until all streams have received event n, and returns what the child reported.
	received := func(n int) []string {
		_, report, err := client.Expect("event "+strconv.Itoa(n), 20*time.Second)
		if err != nil {
			t.Fatal(err, report)
		}
		return report
	}
	received(1)

	for _, late := range []time.Duration{
		10 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, idleTimeout,
	} {
		t.Run(late.String()+" after the deadline", func(t *testing.T) {
			// The timers of all streams start between the event and the report of it.
			before := requests.Load()
			n := log.Len() + 1
			log.Grow(n)
			received(n)
			deadline := time.Now().Add(idleTimeout)
			if err := client.Stop(); err != nil {
				t.Fatal(err)
			}
			log.Grow(n + 1)
			<-time.After(time.Until(deadline.Add(late)))
			if err := client.Continue(); err != nil {
				t.Fatal(err)
			}
			report := received(n + 1)
			log.Grow(n + 2) // needs another connection if the timeout and the last event coincided
			report = append(report, received(n+2)...)
			if cut := requests.Load() - before; cut > 0 {
				t.Errorf("%d of %d connections were cut: %q", cut, streams, report[:1])
			}
		})
	}
}
