package sse

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGet(t *testing.T) {
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 1\ndata: x\n\n")
	}))
	defer srv.Close()
	got, err := data(Get(t.Context(), srv.URL))
	equal(t, "data", got, []string{"x"})
	equal(t, "Err()", err, nil)

	for _, bad := range []string{"http://user:secret@host\x7f/?token=secret", "http://user:secret%40host/", "http://h/%zz?secret", "secret://[::1"} {
		s := Get(t.Context(), bad)
		if s.Next() || s.Err() == nil || s.State() != StateClosed {
			t.Errorf("Get of an invalid URL: Err() = %v, State() = %v", s.Err(), s.State())
		}
		if strings.Contains(fmt.Sprint(s.Err()), "secret") {
			t.Errorf("Err() = %v", s.Err())
		}
		s.Reconnect()
		s.Close()
	}
}

// What belongs to the caller is never changed, and may be shared by many streams.
func TestClientDoesNotModifyRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if r.Header.Get("Last-Event-ID") == "3" {
				return status(204, ""), nil
			}
			if n%7 == 0 {
				return status(503, "", "Set-Cookie", "a=b"), nil
			}
			return stream(fmt.Sprintf("id:%d\ndata:\n\n", 1+strings.Count(r.Header.Get("Last-Event-ID"), "")%3+1)), nil
		})
		client.HTTPClient.Timeout = time.Hour
		client.IdleTimeout = time.Hour
		client.Prepare = func(r *http.Request) error {
			r.Header.Set("X-Token", "1")
			r.URL.Path = "/other"
			r.Header["X-Shared"][0] = "changed"
			return nil
		}
		req := newRequest(t, "QUERY", "http://user:pass@example.com/path?q", strings.NewReader("question"))
		req.Header.Set("X-Shared", "as it was")
		req.Header.Set("Last-Event-ID", "0")
		httpClient, request, header, u := *client.HTTPClient, *req, req.Header.Clone(), req.URL.String()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				s := client.Stream(req)
				for range 3 {
					s.Next()
				}
				s.Close()
				s.Next()
			})
		}
		wg.Wait()
		if !reflect.DeepEqual(*client.HTTPClient, httpClient) {
			t.Errorf("HTTPClient is %+v, was %+v", *client.HTTPClient, httpClient)
		}
		equal(t, "Header", req.Header, header)
		equal(t, "URL", req.URL.String(), u)
		after := *req
		request.GetBody, after.GetBody = nil, nil
		if !reflect.DeepEqual(after, request) {
			t.Errorf("request is %+v, was %+v", after, request)
		}
	})
}
