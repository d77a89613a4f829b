package inspect

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// newOptions returns the options of a command line without flags. The only command that can be
// pasted is "curl URL".
func newOptions() *Options {
	return &Options{
		Request: &request.Options{Header: make(http.Header)},
		Memory:  DefaultMemory,
		Parse: func(words []string) (Form, []string, error) {
			if len(words) != 2 || words[0] != "curl" {
				return Form{}, nil, errors.New("this is not curl")
			}
			return Form{URL: words[1]}, []string{"a note"}, nil
		},
		Stdout: io.Discard,
		Stderr: io.Discard,
	}
}

// serve starts a server with the options o, and returns the address of its page.
func serve(t *testing.T, o *Options) (s *server, page string) {
	t.Helper()
	s, page, _ = serveGuarded(t, o)
	return s, page
}

// serveGuarded is like serve, and also returns the guard of the server.
func serveGuarded(t *testing.T, o *Options) (s *server, page string, g *guard) {
	t.Helper()
	s = newServer(t.Context(), o, Form{Headers: [][2]string{}})
	g = s.guard("127.0.0.1:0")
	h := httptest.NewServer(g)
	t.Cleanup(func() {
		s.close()
		h.CloseClientConnections()
		h.Close()
	})
	return s, h.URL + "/" + s.token + "/", g
}

// do sends a request and returns the response and its body.
func do(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Host = req.Header.Get("Host")
	resp, err := http.DefaultTransport.RoundTrip(req) // without following redirects
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// A received is a message as the page gets it.
type received struct {
	id   string
	kind string
	data map[string]any
}

// pending returns the messages after c that are in the history, and advances c.
func pending(t *testing.T, h *history, c *cursor) []received {
	t.Helper()
	var all []received
	for {
		ev, ok, _ := h.next(c)
		if !ok {
			return all
		}
		all = append(all, decode(t, ev))
	}
}

func decode(t *testing.T, ev sse.Event) received {
	t.Helper()
	m := received{id: ev.ID, kind: ev.Type}
	if err := json.Unmarshal([]byte(ev.Data), &m.data); err != nil {
		t.Fatalf("message %+v: %v", ev, err)
	}
	return m
}

// kinds returns the messages of these kinds.
func kinds(all []received, names ...string) []map[string]any {
	var some []map[string]any
	for _, m := range all {
		for _, name := range names {
			if m.kind == name {
				some = append(some, m.data)
			}
		}
	}
	return some
}

// follow runs a request for the URL /a?key=s3cret of a server in memory with this script until the
// stream ends, but at most for the given time, and returns all messages.
func follow(t *testing.T, f Form, d time.Duration, script ...http.Handler) (*run, []received) {
	t.Helper()
	var all []received
	var r *run
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, script...)
		u, err := url.Parse(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		f.URL = "http://me:s3cret@" + u.Host + "/a?key=s3cret"
		o, idle, err := f.request(&request.Options{})
		if err != nil {
			t.Fatal(err)
		}
		history := newHistory(1 << 30)
		r, err = startRun(t.Context(), 1, o, srv.Client().Transport, history, runOptions{
			reconnect: f.Reconnect, idleTimeout: idle, maxStore: 1 << 30,
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-r.done:
		case <-time.After(d):
			r.stop()
		}
		all = pending(t, history, new(cursor))
	})
	return r, all
}
