package sse

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A redirect is net/http's affair: it sends a POST on after 307 if it has a GetBody.
func TestRedirectReplaysPost(t *testing.T) {
	answer := func(n int, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/" {
			return status(307, "", "Location", "/there"), nil
		}
		b, _ := io.ReadAll(r.Body)
		return stream("data:" + string(b) + "\n\n"), nil
	}
	got, err := data(newClient(t, answer).Stream(newRequest(t, "POST", "http://example.com/", strings.NewReader("prompt"))))
	equal(t, "data", got, []string{"prompt"})
	equal(t, "Err()", err, nil)

	var failed *ResponseError
	_, err = data(newClient(t, answer).Stream(newRequest(t, "POST", "http://example.com/", newScript("prompt"))))
	if !errors.As(err, &failed) || failed.StatusCode != 307 {
		t.Errorf("without GetBody: Err() = %v", err)
	}
}

// A CheckRedirect that waits is ended like every attempt: the stream goes on.
func TestRedirectCheckTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1, 2:
				return status(302, "", "Location", "/b"), nil
			case 3:
				return stream("data:a\n\n"), nil
			}
			return status(204, ""), nil
		})
		var s *Stream
		client.HTTPClient.Timeout = time.Second
		n := 0
		client.HTTPClient.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if n++; n == 2 {
				s.Reconnect()
			}
			<-r.Context().Done()
			return r.Context().Err()
		}
		var reasons []string
		client.OnRetry = func(err error, _ time.Duration) { reasons = append(reasons, err.Error()) }
		s = get(t, client)
		got, err := data(s)
		equal(t, "data", got, []string{"a"})
		equal(t, "Err()", err, nil)
		equal(t, "OnRetry", reasons, []string{string(errHeaderTimeout), ErrReconnect.Error(), "EOF"})
	})
}

func TestRedirectStripsHeaders(t *testing.T) {
	type seen struct{ Authorization, APIKey, Referer, LastEventID, Accept string }
	apiKey := strings.ToLower("X-Api-Key") // in any spelling
	run := func(checkRedirect func(*http.Request, []*http.Request) error, from string, to ...string) map[string]seen {
		t.Helper()
		got := make(map[string]seen)
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			h := r.Header
			got[r.URL.String()] = seen{h.Get("Authorization"), strings.Join(h[apiKey], ""), h.Get("Referer"), h.Get("Last-Event-ID"), h.Get("Accept")}
			if n <= len(to) {
				return status(307, "", "Location", to[n-1]), nil
			}
			return status(204, ""), nil
		})
		client.HTTPClient.CheckRedirect = checkRedirect
		req := newRequest(t, "GET", from, nil)
		req.Header.Set("Authorization", "secret")
		req.Header[apiKey] = []string{"key"}
		req.Header.Set("Last-Event-ID", "7")
		if _, err := data(client.Stream(req)); err != nil {
			t.Error(err)
		}
		return got
	}
	const accept = "text/event-stream"
	equal(t, "another host", run(nil, "https://example.com/?token=secret", "/same", "https://sub.example.com/", "https://other.example/away?code=1", "https://other.example/there", "https://example.com/back"), map[string]seen{
		"https://example.com/?token=secret": {"secret", "key", "", "7", accept},
		"https://example.com/same":          {"secret", "key", "https://example.com/?token=secret", "7", accept},
		"https://sub.example.com/":          {"secret", "key", "https://example.com/", "7", accept},
		"https://other.example/away?code=1": {"", "", "https://sub.example.com/", "7", accept},
		"https://other.example/there":       {"", "", "https://other.example/away?code=1", "7", accept},
		"https://example.com/back":          {"", "", "https://other.example/", "7", accept}, // where the other host wants it
	})
	equal(t, "without TLS", run(nil, "https://example.com/", "http://example.com/plain", "https://example.com/back"), map[string]seen{
		"https://example.com/":     {"secret", "key", "", "7", accept},
		"http://example.com/plain": {"", "", "", "7", accept},
		"https://example.com/back": {"", "", "http://example.com/plain", "7", accept},
	})
	equal(t, "the same host", run(nil, "http://example.com:8080/", "http://example.com:9090/other", "https://example.com/tls"), map[string]seen{
		"http://example.com:8080/":      {"secret", "key", "", "7", accept},
		"http://example.com:9090/other": {"secret", "key", "http://example.com:8080/", "7", accept},
		"https://example.com/tls":       {"secret", "key", "http://example.com:9090/", "7", accept},
	})
	equal(t, "TLS on the way", run(nil, "http://example.com/", "https://example.com/", "http://sub.example.com/"), map[string]seen{
		"http://example.com/":     {"secret", "key", "", "7", accept},
		"https://example.com/":    {"secret", "key", "http://example.com/", "7", accept},
		"http://sub.example.com/": {"", "", "", "7", accept},
	})
	equal(t, "no subdomain", run(nil, "https://example.com/", "https://badexample.com/", "https://[fe80::1]/", "https://com/"), map[string]seen{
		"https://example.com/":    {"secret", "key", "", "7", accept},
		"https://badexample.com/": {"", "", "https://example.com/", "7", accept},
		"https://[fe80::1]/":      {"", "", "https://badexample.com/", "7", accept},
		"https://com/":            {"", "", "https://[fe80::1]/", "7", accept},
	})
	trust := func(r *http.Request, via []*http.Request) error {
		r.Header[apiKey] = via[0].Header[apiKey]
		return nil
	}
	equal(t, "a host that is trusted", run(trust, "https://example.com/", "https://other.example/"), map[string]seen{
		"https://example.com/":   {"secret", "key", "", "7", accept},
		"https://other.example/": {"", "key", "https://example.com/", "7", accept},
	})
}

// Nor does a Referer of the caller's, however it is spelled, or of a URL without a host.
func TestRedirectStripsReferer(t *testing.T) {
	for _, test := range []struct{ from, name, referer, to, want string }{
		{"https://a.example/", "Referer", "https://a.example/?s3cret", "https://a.example/2", "https://a.example/?s3cret"},
		{"https://a.example/", "Referer", "https://a.example/?s3cret", "https://b.example/", "https://a.example/"},
		{"https://a.example/", "referer", "https://a.example/?s3cret", "https://b.example/", "https://a.example/"},
		{"https://a.example/", "Referer", "https://a.example/%zz?s3cret", "https://b.example/", ""},
		{"https://a.example/", "Referer", "https://a.example/?s3cret", "http://a.example/", ""},
		{"http:a.example/?s3cret", "", "", "https://b.example/", ""},
	} {
		var got string
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return status(302, "", "Location", test.to), nil
			}
			got = strings.Join(r.Header["Referer"], "") + strings.Join(r.Header[strings.ToLower("Referer")], "")
			return status(204, ""), nil
		})
		req := newRequest(t, "GET", test.from, nil)
		if test.name == "" {
			req.URL.Host = "a.example"
		} else {
			req.Header[test.name] = []string{test.referer}
		}
		if _, err := data(client.Stream(req)); err != nil || test.name != "referer" && got != test.want || strings.Contains(got, "b.example") {
			t.Errorf("%+v: Referer = %q, Err() = %v", test, got, err)
		}
	}
}
