package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A roundTripper answers requests without a network, inside a bubble of synctest.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp, err := f(r)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

func stream(body string) *http.Response {
	return &http.Response{
		StatusCode: 200, Status: "200 OK",
		Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body:   io.NopCloser(strings.NewReader(body)),
	}
}

func status204() *http.Response {
	return &http.Response{StatusCode: 204, Status: "204 No Content", Header: http.Header{}, Body: http.NoBody}
}

func newRequest(t *testing.T, ctx context.Context, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func collect(s *Stream) (events []Event, err error) {
	for s.Next() {
		events = append(events, s.Event())
	}
	return events, s.Err()
}

func TestStreamResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := []string{"id:1\ndata:a\n\nid:2\ndata:b", "data:c\n\nid:3\n\n", ":\n"}
		var ids []string
		client := &Client{HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			ids = append(ids, strings.Join(r.Header["Last-Event-Id"], ","))
			if len(ids) > len(bodies) {
				return status204(), nil
			}
			return stream(bodies[len(ids)-1]), nil
		})}}
		req := newRequest(t, t.Context(), "GET", "http://example.com/", nil)
		req.Header.Set("Last-Event-ID", "0")
		s := client.Stream(req)
		got, err := collect(s)
		if err != nil {
			t.Errorf("Err() = %v, want nil", err)
		}
		if diff := cmp.Diff([]Event{{"1", "message", "a"}, {"1", "message", "c"}}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"0", "1", "3", "3"}, ids); diff != "" {
			t.Errorf("Last-Event-ID (-want +got):\n%s", diff)
		}
		if got := s.LastEventID(); got != "3" {
			t.Errorf("LastEventID() = %q, want 3", got)
		}
	})
}

func TestGet(t *testing.T) {
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 1\ndata: x\n\n")
	}))
	defer srv.Close()
	var got []string
	for ev, err := range Get(t.Context(), srv.URL).All() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ev.Data)
	}
	if diff := cmp.Diff([]string{"x"}, got); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

func TestCloseEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &Client{HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, errors.New("no network")
		})}}
		s := client.Stream(newRequest(t, t.Context(), "GET", "http://example.com/", nil))
		go func() {
			time.Sleep(time.Hour)
			s.Close()
		}()
		start := time.Now()
		if s.Next() {
			t.Error("Next() = true")
		}
		if s.Err() != nil {
			t.Errorf("Err() = %v, want nil", s.Err())
		}
		if d := time.Since(start); d != time.Hour {
			t.Errorf("Close took effect after %v, want 1h", d)
		}
	})
}
