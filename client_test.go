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
}

func TestGetInvalidURL(t *testing.T) {
	for _, url := range []string{
		"http://user:secret@host\x7f/?token=secret", "http://user:secret%40host/",
		"http://h/%zz?secret", "secret://[::1",
	} {
		s := Get(t.Context(), url)
		if s.Next() || s.Err() == nil || s.State() != StateClosed {
			t.Errorf("Get(%q): Err() = %v, State() = %v", url, s.Err(), s.State())
		}
		if strings.Contains(fmt.Sprint(s.Err()), "secret") {
			t.Errorf("Get(%q): the error contains a secret: %v", url, s.Err())
		}
		s.Reconnect()
		s.Close()
	}
}

// Many streams may share a Client and a request. Neither is modified.
func TestClientDoesNotModifyRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if r.Header.Get("Last-Event-ID") == "3" {
				return status(204, ""), nil
			}
			if n%7 == 0 {
				return status(503, "", "Set-Cookie", "a=b"), nil
			}
			id := 1 + strings.Count(r.Header.Get("Last-Event-ID"), "")%3 + 1
			return stream(fmt.Sprintf("id:%d\ndata:\n\n", id)), nil
		})
		client.HTTPClient.Timeout = time.Hour
		client.IdleTimeout = time.Hour
		client.Prepare = func(r *http.Request) error {
			r.Header.Set("X-Token", "1")
			r.URL.Path = "/other"
			r.Header["X-Shared"][0] = "changed"
			return nil
		}
		const url = "http://user:pass@example.com/path?q"
		req := newRequest(t, "QUERY", url, strings.NewReader("question"))
		req.Header.Set("X-Shared", "as it was")
		req.Header.Set("Last-Event-ID", "0")
		httpClient, before, header := *client.HTTPClient, *req, req.Header.Clone()
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
		equal(t, "URL", req.URL.String(), url)
		after := *req
		before.GetBody, after.GetBody = nil, nil
		if !reflect.DeepEqual(after, before) {
			t.Errorf("request is %+v, was %+v", after, before)
		}
	})
}
