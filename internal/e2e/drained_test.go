//go:build unix

package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
	"github.com/seed-0d85b69d/sse/internal/e2e/http2server"
)

// An old server refuses requests, or ends streams at once, and keeps its connections. DNS already
// points to its successor. After the second such response in a row, a Stream must make a new
// connection.
func TestStreamLeavesDrainedServer(t *testing.T) {
	const most = 2 // requests to the old server
	for name, behavior := range map[string]http2server.Behavior{
		"503":            http2server.Unavailable,
		"empty response": http2server.Empty,
	} {
		for protocol, start := range map[string]func(*testing.T, http2server.Behavior) backend{
			"HTTP/1.1": startHTTP1,
			"HTTP/2":   startHTTP2,
		} {
			t.Run(name+" "+protocol, func(t *testing.T) {
				old, successor := start(t, behavior), start(t, http2server.Serve)
				httpClient, d := newDialClient(t, protocol == "HTTP/2")
				var dials atomic.Int64
				httpClient.Transport.(*http.Transport).DialContext = d.To(func() string {
					if dials.Add(1) == 1 {
						return old.addr
					}
					return successor.addr
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				client := &sse.Client{
					HTTPClient:       httpClient,
					ReconnectionTime: -1,
					Backoff:          shortBackoff,
					OnRetry: func(error, time.Duration) {
						if old.requests() > 10*most {
							cancel()
						}
					},
				}
				s := client.Stream(newRequest(t, ctx, "http://sse.test"))
				defer s.Close()
				if !s.Next() || s.Event() != eventlog.Event(1) {
					t.Errorf("no event of the new server: %v", s.Err())
				}
				if n := old.requests(); n > most {
					t.Errorf("%d requests to the old server on %d connections, want at most %d",
						n, d.Made(), most)
				}
			})
		}
	}
}

// A backend is a server of one protocol without TLS.
type backend struct {
	addr     string
	requests func() int
}

func startHTTP2(t *testing.T, behavior http2server.Behavior) backend {
	s := startServer(t, logOf(1), false)
	s.SetBehavior(behavior)
	return backend{s.Addr(), func() int { return s.Stats().Requests }}
}

func startHTTP1(t *testing.T, behavior http2server.Behavior) backend {
	var requests atomic.Int64
	log := logOf(1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch behavior {
		case http2server.Unavailable:
			w.WriteHeader(http.StatusServiceUnavailable)
		case http2server.Empty:
			w.Header().Set("Content-Type", "text/event-stream")
		default:
			log.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return backend{s.Listener.Addr().String(), func() int { return int(requests.Load()) }}
}
