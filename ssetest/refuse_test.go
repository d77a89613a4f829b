package ssetest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"syscall"
	"testing"

	"github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/sockerr"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

func TestRefuse(t *testing.T) {
	ok := Conn{Send(abc[0])}
	tests := []struct {
		name   string
		script []http.Handler
		want   []bool // whether each request is refused
	}{
		{"first", []http.Handler{Refuse(), ok}, []bool{true, false}},
		{"last", []http.Handler{ok, Refuse()}, []bool{false, true}},
		{"several", []http.Handler{Refuse(), Refuse(), ok, Refuse(), ok, ok, Refuse()},
			[]bool{true, true, false, true, false, false, true}},
		{"after an error", []http.Handler{Conn{Status(503)}, Refuse(), ok},
			[]bool{false, true, false}},
		{"after another handler", []http.Handler{http.NotFoundHandler(), Refuse(), ok},
			[]bool{false, true, false}},
		{"before each", []http.Handler{Refuse(),
			Each(func(int, *http.Request) http.Handler { return ok })}, []bool{true, false, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				srv := newServer(t, tt.script...)
				var got []bool
				accepted := 0
				for range tt.want {
					_, _, err := get(t, srv)
					got = append(got, sockerr.Is(err, syscall.ECONNREFUSED))
					var op *net.OpError
					switch {
					case err == nil:
						accepted++
					case !errors.As(err, &op) || op.Op != "dial":
						t.Errorf("got %v, want an error of dialing", err)
					}
				}
				if !slices.Equal(got, tt.want) || len(srv.Requests()) != accepted {
					t.Errorf("got %v and %d requests, want %v and %d",
						got, len(srv.Requests()), tt.want, accepted)
				}
			})
		})
	}
}

// A stream resumes after the server was unavailable.
func TestRefuseAndResume(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv := newServer(t,
			Conn{Send(abc[0])}, Refuse(), Refuse(),
			Conn{WantHeader("Last-Event-ID", "1"), Send(abc[1])}, Conn{Status(204)},
		)
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		client := &sse.Client{
			HTTPClient:       srv.Client(),
			ReconnectionTime: -1,
			Backoff:          func() backoff.BackOff { return new(backoff.ZeroBackOff) },
		}
		base := client.HTTPClient.Transport
		client.HTTPClient.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			if sockerr.Is(err, syscall.ECONNREFUSED) {
				refused++
			}
			return resp, err
		})
		var got []sse.Event
		for ev, err := range client.Stream(req).All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ev)
		}
		if !slices.Equal(got, abc[:2]) || refused != 2 {
			t.Errorf("got %v and %d refused connections", got, refused)
		}
	})
}

func TestRefuseReports(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		tb := &fakeTB{TB: t}
		srv := newServer(tb, Refuse(), Conn{WantHeader("X-A", "1")}, Refuse(), Conn{})
		get(t, srv)
		get(t, srv)
		want := []string{
			`ssetest: connection 2: the request has no header X-A, want "1"`,
			`ssetest: connection 3 was not requested: Refuse()`,
			`ssetest: connection 4 was not requested: {}`,
		}
		if diff := cmp.Diff(want, tb.end()); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
		if _, _, err := get(t, srv); !sockerr.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after Close: got %v, want %v", err, syscall.ECONNREFUSED)
		}
	})
}

// A script may consist of Refuse alone. A client that dials uses the script, even if it sends no
// request.
func TestRefuseAlone(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		for _, tt := range []struct {
			script []http.Handler
			dials  int
			want   []string
		}{
			{[]http.Handler{Refuse()}, 1, nil},
			{[]http.Handler{Refuse(), Refuse()}, 1, []string{
				`ssetest: connection 2 was not requested: Refuse()`,
			}},
			{[]http.Handler{Refuse()}, 0, []string{
				`ssetest: no request was received; does the test use the client of Server.Client?`,
				`ssetest: connection 1 was not requested: Refuse()`,
			}},
		} {
			tb := &fakeTB{TB: t}
			srv := newServer(tb, tt.script...)
			for range tt.dials {
				get(t, srv)
			}
			if diff := cmp.Diff(tt.want, tb.end()); diff != "" {
				t.Errorf("%v after %d dials: reports (-want +got):\n%s", tt.script, tt.dials, diff)
			}
		}
	})
}

// Refuse cannot refuse a connection that is open: that of another client, and that of
// HTTP/2 after a response that was cut before its header.
func TestRefuseTooLate(t *testing.T) {
	const report = "Refuse came too late, because the connection was already open; " +
		"does the test use the client of Server.Client?"
	tb := &fakeTB{TB: t}
	srv := NewServer(tb, Refuse(), Conn{})
	if resp, err := http.Get(srv.URL); !errors.Is(err, io.EOF) {
		t.Errorf("another client: got %v, %v", resp, err)
	}
	get(t, srv)
	if got := tb.end(); !slices.Equal(got, []string{"ssetest: connection 1: " + report}) {
		t.Errorf("another client: got %q", got)
	}

	tb = &fakeTB{TB: t}
	srv = NewTLSServer(tb, Conn{Cut()}, Refuse(), Conn{})
	for range 2 {
		if resp, _, err := get(t, srv); err == nil {
			t.Errorf("HTTP/2: got %v", resp)
		}
	}
	get(t, srv)
	if got := tb.end(); !slices.Equal(got, []string{"ssetest: connection 2: " + report}) {
		t.Errorf("HTTP/2: got %q", got)
	}
}

func TestRefuseWithoutServer(t *testing.T) {
	client := &http.Client{Transport: NewTransport(t, Refuse())}
	if resp, err := client.Get("http://sse.test"); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, %v", resp, err)
	}
	if got := fmt.Sprint(Refuse()); got != "Refuse()" {
		t.Errorf("got %s", got)
	}
}
