package http2server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/dialer"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// start returns a server with 10 events, and a client for it.
func start(t *testing.T, useTLS bool) (*Server, *http.Client) {
	log := new(eventlog.Log)
	log.Grow(10)
	s, err := Start(log, useTLS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	transport := s.Transport(new(dialer.Dialer))
	t.Cleanup(transport.CloseIdleConnections)
	return s, &http.Client{Transport: transport}
}

// events opens a stream and reads up to event last.
func events(t *testing.T, s *Server, client *http.Client, last int) *sse.Stream {
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	stream := (&sse.Client{HTTPClient: client, ReconnectionTime: -1}).Stream(req)
	t.Cleanup(func() { stream.Close() })
	read(t, stream, new(eventlog.Checker), last)
	return stream
}

// read reads from stream up to event last.
func read(t *testing.T, stream *sse.Stream, check *eventlog.Checker, last int) {
	for check.Last < last && stream.Next() {
		check.Add(stream.Event())
	}
	if check.Last != last || check.Lost+check.Repeated+check.Damaged > 0 {
		t.Fatalf("received %+v up to event %d; Err() = %v", check, last, stream.Err())
	}
}

func TestServerServesEventsAndResumes(t *testing.T) {
	for _, useTLS := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", useTLS), func(t *testing.T) {
			for name, fault := range map[string]func(*Server){
				"cut":   (*Server).Cut,
				"drain": (*Server).Drain,
			} {
				t.Run(name, func(t *testing.T) {
					s, client := start(t, useTLS)
					stream := events(t, s, client, 10)
					fault(s)
					s.Log.Grow(20)
					read(t, stream, &eventlog.Checker{Last: 10}, 20)
					stats := s.Stats()
					if stats.Connections != 2 || stats.Requests != 2 {
						t.Errorf("%+v, want 2 connections and 2 requests", stats)
					}
				})
			}
		})
	}
}

func TestServerObservesFlowControl(t *testing.T) {
	s, client := start(t, false)
	client.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{
		MaxReceiveBufferPerStream:     64 << 10,
		MaxReceiveBufferPerConnection: 64 << 10,
	}
	s.Log.Grow(20000)
	events(t, s, client, 20000)
	if n := s.Stats().Connections; n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestServerBehaviors(t *testing.T) {
	for _, test := range []struct {
		behavior Behavior
		status   int    // zero if Get returns an error
		err      string // in the error
	}{
		{Unavailable, 503, ""},
		{Empty, 200, ""},
		{Refuse, 0, "REFUSED_STREAM"},
		{Ignore, 0, "Timeout"},
	} {
		t.Run(fmt.Sprint(test.behavior), func(t *testing.T) {
			s, client := start(t, true)
			client.Timeout = 50 * time.Millisecond
			if test.behavior == Refuse {
				client.Timeout = 0
				// net/http repeats a refused request unless its body can be read only once.
				client.Transport = oneShot{client.Transport}
			}
			s.SetBehavior(test.behavior)
			resp, err := client.Get(s.URL())
			if err != nil {
				if test.status != 0 || !strings.Contains(err.Error(), test.err) {
					t.Fatal(err)
				}
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || len(body) > 0 || err != nil {
				t.Errorf("%v, body %q, %v", resp.Status, body, err)
			}
		})
	}
}

// A oneShot sends requests with a body that cannot be sent again.
type oneShot struct{ base http.RoundTripper }

func (o oneShot) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), 1
	return o.base.RoundTrip(r)
}

func TestServerSilence(t *testing.T) {
	s, client := start(t, false)
	stream := events(t, s, client, 10)
	s.Silence()
	s.Log.Grow(20)
	client.Timeout = 50 * time.Millisecond
	if resp, err := client.Get(s.URL()); err == nil {
		resp.Body.Close()
		t.Error("a silent server responded")
	}
	s.Resume()
	read(t, stream, &eventlog.Checker{Last: 10}, 20)
	if stats := s.Stats(); stats.Connections != 1 || stats.Open != 1 {
		t.Errorf("%+v, want 1 connection", stats)
	}
}
