package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

const secret = "hidden-secret"

// sendToken responds to a request for a token.
func sendToken(token string) ssetest.Conn {
	basic := base64.StdEncoding.EncodeToString([]byte("flags:" + secret))
	return ssetest.Conn{
		ssetest.WantHeader("Authorization", "Basic "+basic),
		ssetest.Status(200, "Content-Type", "application/json"),
		ssetest.Raw(fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer"}`, token)),
	}
}

func wantToken(token string) ssetest.Step {
	return ssetest.WantHeader("Authorization", "Bearer "+token)
}

func put(flags string) ssetest.Step {
	return ssetest.Send(sse.Event{Type: "put", Data: `{"path":"/","data":` + flags + `}`})
}

func patch(key, value string) ssetest.Step {
	return ssetest.Send(sse.Event{
		Type: "patch", Data: fmt.Sprintf(`{"path":"/%s","data":%s}`, key, value),
	})
}

// A running is a client that follows a server.
type running struct {
	*client
	registry *prometheus.Registry
	cancel   context.CancelFunc
	ended    chan error
}

// follow starts a client, which ends with the test.
func follow(t *testing.T, c *http.Client, url string) *running {
	ctx, cancel := context.WithCancel(context.Background())
	registry := prometheus.NewRegistry()
	client, err := newClient(ctx, c, url, secret, registry)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{client, registry, cancel, make(chan error, 1)}
	go func() { r.ended <- client.follow(ctx) }()
	t.Cleanup(cancel)
	return r
}

// metrics returns the metrics as Prometheus reads them, without comments.
func (r *running) metrics() string {
	w := httptest.NewRecorder()
	handler := promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{})
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var metrics strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			metrics.WriteString(line)
		}
	}
	return metrics.String()
}

func (r *running) checkMetrics(t *testing.T, want string) {
	t.Helper()
	if got := r.metrics(); got != want {
		t.Errorf("got the metrics:\n%s\nwant:\n%s", got, want)
	}
}

func (r *running) checkGreeting(t *testing.T, want string) {
	t.Helper()
	w := httptest.NewRecorder()
	r.serveGreeting(w, httptest.NewRequest("GET", "/", nil))
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got the greeting %q, want %q", got, want)
	}
}

// health returns the response to a health check.
func (r *running) health(t *testing.T) (status int, body map[string]any) {
	w := httptest.NewRecorder()
	r.serveHealth(w, httptest.NewRequest("GET", "/healthz", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return w.Code, body
}

// The flags survive a cut, an outage and the end of a token.
func TestClientRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t,
			sendToken("t1"),
			ssetest.Conn{
				wantToken("t1"), put(`{"greeting":"Hi","shout":true}`), ssetest.Sleep(time.Second),
				patch("greeting", `"Welcome"`), ssetest.Sleep(time.Second),
				ssetest.Raw("event: delete\ndata: {"), ssetest.Cut(),
			},
			ssetest.Conn{wantToken("t1"), ssetest.Status(503, "Retry-After", "20")},
			ssetest.Conn{wantToken("t1"), ssetest.Status(401)},
			sendToken("t2"),
			ssetest.Conn{wantToken("t2"), put(`{"greeting":"Hello again"}`), ssetest.Stall()},
		)
		r := follow(t, srv.Client(), srv.URL)
		synctest.Wait()
		r.checkGreeting(t, "HI")
		time.Sleep(time.Second)
		synctest.Wait()
		r.checkGreeting(t, "WELCOME")
		time.Sleep(10 * time.Second) // the server is unavailable
		r.checkGreeting(t, "WELCOME")
		time.Sleep(time.Minute)
		r.checkGreeting(t, "Hello again")
		age := time.Since(r.stream.Stats().LastRead).Seconds()
		r.checkMetrics(t, fmt.Sprintf(`flags_connections_total 2
flags_events_total{type="patch"} 1
flags_events_total{type="put"} 2
flags_last_byte_age_seconds %v
flags_reconnects_total 3
`, age))
	})
}

// each lets h respond to all requests.
func each(h http.Handler) http.Handler {
	return ssetest.Each(func(int, *http.Request) http.Handler { return h })
}

// count returns the number of requests by path.
func count(requests []ssetest.Request) map[string]int {
	n := make(map[string]int)
	for _, r := range requests {
		n[r.URL.Path]++
	}
	return n
}

func TestClientRequestsTokenAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{secret: secret, lifetime: 10 * time.Minute}
		srv := ssetest.NewMemoryServer(t, each(fake.handler()))
		r := follow(t, srv.Client(), srv.URL)
		time.Sleep(time.Hour)
		synctest.Wait()
		// A token lasts ten minutes, and its replacement takes some seconds. Each replacement takes
		// two requests for the stream, because the first of them has the old token.
		want := map[string]int{"/token": 6, "/stream": 11}
		if got := count(srv.Requests()); !maps.Equal(got, want) {
			t.Errorf("got the requests %v, want %v", got, want)
		}
		if got := testutil.ToFloat64(r.events.WithLabelValues("put")); got < 6*10*60/4-6 {
			t.Errorf("got %v events of type put", got)
		}
		if got := testutil.ToFloat64(r.events.WithLabelValues("invalid")); got != 0 {
			t.Errorf("got %v invalid events", got)
		}
	})
}

// A server that accepts no token, or sends none, is asked at growing intervals.
func TestClientDoesNotFloodServer(t *testing.T) {
	for name, token := range map[string]ssetest.Conn{
		"no token is accepted": sendToken("t"),
		"no token is sent":     {ssetest.Status(503)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				mux.Handle("/token", token)
				mux.Handle("/stream", ssetest.Conn{ssetest.Status(401)})
				srv := ssetest.NewMemoryServer(t, each(mux))
				r := follow(t, srv.Client(), srv.URL)
				time.Sleep(time.Hour)
				synctest.Wait()
				requests := count(srv.Requests())
				// After the first few attempts, each wait is at least 31 seconds.
				if n := requests["/token"]; n < 30 || n > 10+3600/31 {
					t.Errorf("got %d requests for a token in an hour", n)
				}
				if requests["/stream"] > requests["/token"] {
					t.Errorf("got the requests %v", requests)
				}
				if status, _ := r.health(t); status != 503 {
					t.Errorf("got the health %d, want 503", status)
				}
			})
		})
	}
}

func TestClientEndsWithWrongSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{secret: "another secret"}
		srv := ssetest.NewMemoryServer(t, fake.handler())
		err := <-follow(t, srv.Client(), srv.URL).ended
		text := fmt.Sprint(err)
		if !strings.Contains(text, "401") || strings.Contains(text, secret) {
			t.Errorf("got the error %s", text)
		}
	})
}

func TestClientEndsWithStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t,
			sendToken("t"), ssetest.Conn{put("{}")}, ssetest.Conn{ssetest.Status(204)})
		err := <-follow(t, srv.Client(), srv.URL).ended
		if err == nil || !strings.Contains(err.Error(), "ended the stream") {
			t.Errorf("got the error %v", err)
		}
	})
}

// The secret and the token are for one host only.
func TestClientKeepsSecretsFromOtherHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noSecret := ssetest.WantNoHeader("Authorization")
		srv := ssetest.NewMemoryServer(t,
			http.RedirectHandler("http://other.test/token", http.StatusTemporaryRedirect),
			ssetest.Conn{noSecret, ssetest.Status(503)},
			sendToken("t"),
			http.RedirectHandler("http://other.test/stream", http.StatusTemporaryRedirect),
			ssetest.Conn{noSecret, put(`{"greeting":"Hi"}`), ssetest.Stall()},
		)
		r := follow(t, srv.Client(), srv.URL)
		time.Sleep(10 * time.Second)
		r.checkGreeting(t, "Hi")
		for i, r := range srv.Requests() {
			if text := r.URL.String() + string(r.Body); strings.Contains(text, secret) {
				t.Errorf("request %d contains the secret", i)
			}
		}
	})
}

func TestClientCountsInvalidEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, sendToken("t"), ssetest.Conn{
			put(`{"greeting":"Hi"}`),
			ssetest.Send(sse.Event{Type: "put", Data: "not JSON"}),
			ssetest.Send(sse.Event{Type: "chosen by the server", Data: "{}"}),
			patch("greeting", `"Welcome"`),
			ssetest.Stall(),
		})
		r := follow(t, srv.Client(), srv.URL)
		synctest.Wait()
		r.checkGreeting(t, "Welcome")
		r.checkMetrics(t, `flags_connections_total 1
flags_events_total{type="invalid"} 2
flags_events_total{type="patch"} 1
flags_events_total{type="put"} 1
flags_last_byte_age_seconds 0
flags_reconnects_total 0
`)
	})
}

// The health depends on the age of the last byte.
func TestClientHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		mux := http.NewServeMux()
		mux.Handle("/token", sendToken("t"))
		mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
			if down.Load() {
				ssetest.Conn{ssetest.Status(503)}.ServeHTTP(w, r)
				return
			}
			ssetest.Conn{
				ssetest.Comment("soon"), ssetest.Sleep(time.Second), put("{}"),
				ssetest.Sleep(30 * time.Second), ssetest.Cut(),
			}.ServeHTTP(w, r)
		})
		srv := ssetest.NewMemoryServer(t, each(mux))
		r := follow(t, srv.Client(), srv.URL)
		check := func(after time.Duration, wantStatus int, wantState string, wantError bool) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			status, body := r.health(t)
			lastError, gotError := body["last_error"]
			if status != wantStatus || body["ready"] != (wantStatus == 200) ||
				body["state"] != wantState || gotError != wantError {
				t.Errorf("got the health %d %v, want %d", status, body, wantStatus)
			}
			if gotError && lastError == "" {
				t.Error("the last error is empty")
			}
		}
		check(0, 503, "open", false) // without flags
		check(2*time.Second, 200, "open", false)
		down.Store(true)
		check(30*time.Second, 200, "connecting", true) // 31 s after the last byte
		check(28*time.Second, 200, "connecting", true)
		check(2*time.Second, 503, "connecting", true)
		down.Store(false)
		check(5*time.Minute, 200, "open", false)
	})
}

func TestClientEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, sendToken("t"), ssetest.Conn{put("{}"), ssetest.Stall()})
		r := follow(t, srv.Client(), srv.URL)
		synctest.Wait()
		r.cancel()
		if err := <-r.ended; err != nil {
			t.Errorf("got the error %v", err)
		}
		if state := r.stream.State(); state != sse.StateClosed {
			t.Errorf("the stream is %v", state)
		}
	})
}
