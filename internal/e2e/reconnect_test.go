//go:build unix

package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// A caller that calls Reconnect again and again gets about one connection per second.
func TestStreamReconnectInLoopIsBounded(t *testing.T) {
	const (
		duration = 3 * time.Second
		most     = 5 // attempts: one at the start, one per second, and one for a late timer
	)
	for _, test := range []struct {
		name   string
		status int    // 200 if zero
		retry  string // a field before the event
		open   bool   // Reconnect is called by OnOpen
		event  bool   // after each event
		wait   bool   // by OnRetry
		always bool   // every millisecond
	}{
		{name: "each event", event: true},
		{name: "each event, retry 0", retry: "retry: 0\n", event: true},
		{name: "each event and OnRetry, retry 0", retry: "retry: 0\n", event: true, wait: true},
		{name: "OnOpen and OnRetry, retry 0", retry: "retry: 0\n", open: true, wait: true},
		{name: "OnRetry, 503", status: 503, wait: true},
		{name: "always, retry 0", retry: "retry: 0\n", always: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			handler := func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(cmp.Or(test.status, 200))
				fmt.Fprint(w, test.retry)
				eventlog.Event(1).WriteTo(w)
				http.NewResponseController(w).Flush()
				if test.status == 0 {
					<-r.Context().Done()
				}
			}
			srv := httptest.NewServer(http.HandlerFunc(handler))
			t.Cleanup(srv.Close)
			t.Cleanup(srv.CloseClientConnections)
			httpClient, d := newDialClient(t, false)
			client := &sse.Client{HTTPClient: httpClient}
			var s *sse.Stream
			if test.open {
				client.OnOpen = func(*http.Response) { s.Reconnect() }
			}
			if test.wait {
				client.OnRetry = func(error, time.Duration) { s.Reconnect() }
			}
			s = client.Stream(newRequest(t, t.Context(), srv.URL))
			follow(t, s, func(sse.Event) {
				if test.event {
					s.Reconnect()
				}
			})
			if test.always {
				every(t, time.Millisecond, s.Reconnect)
			}
			begin := time.Now()
			poll(duration, func() bool { return requests.Load() > 100*most })
			if n := requests.Load(); n > most {
				t.Errorf("%d requests on %d connections in %v, want at most %d",
					n, d.Made(), time.Since(begin).Round(time.Millisecond), most)
			}
			if requests.Load() < 2 {
				t.Error("Reconnect had no effect")
			}
		})
	}
}
