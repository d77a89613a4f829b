//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/dialer"
	"github.com/seed-0d85b69d/sse/internal/e2e/http2server"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// maxConnections is how many connections one stream may make in the first five seconds.
const maxConnections = 10

// net/http dials again at once when a connection ends with GOAWAY or before the request was sent:
// golang/go#52459. The Client must bound that, because nginx behaves so for "return 444".
func TestStreamBoundsConnectionsOfOneAttempt(t *testing.T) {
	for name, behavior := range map[string]http2server.Behavior{
		"GOAWAY": http2server.GoAway,
		"close":  http2server.Close,
	} {
		for _, useTLS := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", name, useTLS), func(t *testing.T) {
				t.Parallel()
				srv := startServer(t, logOf(1), useTLS)
				srv.SetBehavior(behavior)
				var retries retryLog
				client := &sse.Client{
					HTTPClient: newHTTPClient(t, srv.Transport(new(dialer.Dialer))),
					Backoff:    exactBackoff,
					OnRetry:    retries.add,
				}
				s := client.Stream(newRequest(t, t.Context(), srv.URL()))
				begin := time.Now()
				follow(t, s, nil)
				poll(5*time.Second, func() bool {
					return srv.Stats().Connections > 20*maxConnections
				})
				if n := srv.Stats().Connections; n > maxConnections {
					t.Errorf("%d connections within %v, want at most %d",
						n, time.Since(begin).Round(time.Millisecond), maxConnections)
				}
				checkRetries(t, &retries)
			})
		}
	}
}

// namesCause matches an error that says what the server did.
var namesCause = regexp.MustCompile("conn|GOAWAY|EOF")

// checkRetries verifies that at least two waits were announced, that they grow, and that their
// errors tell what happened.
func checkRetries(t *testing.T, retries *retryLog) {
	errs, waits := retries.get()
	if len(errs) < 2 {
		t.Fatalf("OnRetry was called %d times, want at least 2: %v", len(errs), errs)
	}
	for i, err := range errs {
		switch {
		case errors.Is(err, context.Canceled):
			t.Errorf("error %d is context.Canceled: %v", i, err)
		case !namesCause.MatchString(err.Error()):
			t.Errorf("error %d does not name the cause: %v", i, err)
		case i > 0 && waits[i] <= waits[i-1]:
			t.Errorf("wait %d is %v, want more than the %v before it", i, waits[i], waits[i-1])
		}
	}
}

// A POST is sent by one attempt only, so that its error is the result of the stream.
func TestStreamPostEndsAfterGoAway(t *testing.T) {
	srv := startServer(t, logOf(1), true)
	srv.SetBehavior(http2server.GoAway)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	srv.OnRequest = func(n int) {
		if n > 20*maxConnections {
			cancel()
		}
	}
	req, err := http.NewRequestWithContext(ctx, "POST", srv.URL(), strings.NewReader("question"))
	if err != nil {
		t.Fatal(err)
	}
	client := &sse.Client{HTTPClient: newHTTPClient(t, srv.Transport(new(dialer.Dialer)))}
	s := client.Stream(req)
	if s.Next() {
		t.Error("Next() = true")
	}
	if err := s.Err(); err == nil || ctx.Err() != nil || errors.Is(err, context.Canceled) {
		t.Errorf("Err() = %v, want the cause within 5 s", err)
	}
	if n := srv.Stats().Connections; n > maxConnections {
		t.Errorf("%d connections, want at most %d", n, maxConnections)
	}
}

func TestStreamKeepsClientTrace(t *testing.T) {
	srv := startServer(t, logOf(3), true)
	var got, wrote, first atomic.Int64
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { got.Add(1) },
		WroteHeaders:         func() { wrote.Add(1) },
		GotFirstResponseByte: func() { first.Add(1) },
	})
	client := &sse.Client{HTTPClient: newHTTPClient(t, srv.Transport(new(dialer.Dialer)))}
	s := client.Stream(newRequest(t, ctx, srv.URL()))
	defer s.Close()
	for n := 1; n <= 3; n++ {
		if !s.Next() || s.Event().ID != strconv.Itoa(n) {
			t.Fatalf("event %d is %v, Err() = %v", n, s.Event(), s.Err())
		}
	}
	if got.Load() != 1 || wrote.Load() != 1 || first.Load() != 1 {
		t.Errorf("GotConn, WroteHeaders, GotFirstResponseByte were called %d, %d, %d times, want 1",
			got.Load(), wrote.Load(), first.Load())
	}
}

// The trace of the caller also sees the connections of an attempt that fails.
func TestStreamKeepsClientTraceOfFailedAttempt(t *testing.T) {
	srv := startServer(t, logOf(1), true)
	srv.SetBehavior(http2server.GoAway)
	var got atomic.Int64
	ctx, cancel := context.WithCancel(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if !info.Reused {
				got.Add(1)
			}
		},
	}))
	srv.OnRequest = func(n int) {
		if n > 20*maxConnections {
			cancel()
		}
	}
	defer cancel()
	client := &sse.Client{
		HTTPClient: newHTTPClient(t, srv.Transport(new(dialer.Dialer))),
		OnRetry:    func(error, time.Duration) { cancel() },
	}
	if s := client.Stream(newRequest(t, ctx, srv.URL())); s.Next() {
		t.Error("Next() = true")
	}
	made := int64(srv.Stats().Connections)
	if n := got.Load(); n == 0 || n > maxConnections || n < made-1 {
		t.Errorf("GotConn was called with %d new connections of %d, want all, and at most %d",
			n, made, maxConnections)
	}
}

// Each redirect needs a connection of its own here, and does not count towards the next one.
func TestStreamFollowsTenRedirectsOnNewConnections(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", http2), func(t *testing.T) {
			var connections atomic.Int64
			handler := func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(r.URL.Path[1:])
				if n < 10 {
					w.Header().Set("Connection", "close") // GOAWAY in HTTP/2
					http.Redirect(w, r, "/"+strconv.Itoa(n+1), http.StatusTemporaryRedirect)
					return
				}
				w.Header().Set("Content-Type", "text/event-stream")
				sse.Event{ID: "1"}.WriteTo(w)
			}
			srv := httptest.NewUnstartedServer(http.HandlerFunc(handler))
			srv.EnableHTTP2 = http2
			srv.Config.ConnState = countNew(&connections)
			srv.StartTLS()
			defer srv.Close()
			var retries retryLog
			httpClient := srv.Client()
			httpClient.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
				if len(via) > 10 {
					return errors.New("more than ten redirects") // net/http allows nine
				}
				return nil
			}
			client := &sse.Client{HTTPClient: httpClient, OnRetry: retries.add}
			s := client.Stream(newRequest(t, t.Context(), srv.URL+"/0"))
			defer s.Close()
			if !s.Next() {
				t.Fatal(s.Err())
			}
			if errs, _ := retries.get(); len(errs) > 0 {
				t.Errorf("OnRetry was called: %v", errs)
			}
			if n := connections.Load(); n != 11 {
				t.Errorf("%d connections, want 11", n)
			}
		})
	}
}

// Within one attempt, net/http repeats a refused request after 1, 2, 4 and more seconds. The
// Client must not turn this into a storm when its own timeouts end the attempts. The time is
// virtual, so that the limits need not be scaled.
func TestStreamBoundsRefusedRequests(t *testing.T) {
	const most = 30
	synctest.Test(t, func(t *testing.T) {
		srv := &http2server.Server{Log: logOf(1)}
		srv.SetBehavior(http2server.Refuse)
		l := ssetest.Listen()
		srv.Serve(l)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		begin := time.Now()
		var storm time.Duration
		srv.OnRequest = func(n int) {
			if n == 20*most { // virtual time stands still in a storm
				storm = time.Since(begin)
				cancel()
			}
		}
		transport := new(dialer.Dialer).Transport(true)
		transport.DialContext = l.DialContext
		var retries retryLog
		client := &sse.Client{
			HTTPClient:  &http.Client{Transport: transport},
			IdleTimeout: time.Minute,
			OnRetry:     retries.add,
		}
		if s := client.Stream(newRequest(t, ctx, "http://sse.test")); s.Next() {
			t.Error("Next() = true")
		}
		stats := srv.Stats()
		if stats.Requests > most {
			errs, _ := retries.get()
			t.Errorf("%d requests on %d connections in 150 s, want at most %d requests; "+
				"storm at %v, retries: %v", stats.Requests, stats.Connections, most, storm, errs)
		}
		transport.CloseIdleConnections()
		srv.Close()
	})
}

func countNew(n *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
}
