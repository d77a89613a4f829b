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

// net/http repeats a POST after a 307 if the request has GetBody.
func TestRedirectReplaysPost(t *testing.T) {
	respond := func(n int, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/" {
			return status(307, "", "Location", "/there"), nil
		}
		b, _ := io.ReadAll(r.Body)
		return stream("data:" + string(b) + "\n\n"), nil
	}
	got, err := data(request(t, newClient(t, respond), "POST", strings.NewReader("prompt")))
	equal(t, "data", got, []string{"prompt"})
	equal(t, "Err()", err, nil)

	var failed *ResponseError
	_, err = data(request(t, newClient(t, respond), "POST", newScript("prompt")))
	if !errors.As(err, &failed) || failed.StatusCode != 307 {
		t.Errorf("without GetBody: Err() = %v", err)
	}
}

// A CheckRedirect that blocks is interrupted by a timeout or by Reconnect, and the stream
// continues.
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
		equal(t, "OnRetry", reasons, []string{
			errHeaderTimeout.Error(), ErrReconnect.Error(), "EOF",
		})
	})
}

func TestRedirectStripsHeaders(t *testing.T) {
	type header struct{ URL, Authorization, APIKey, Referer string }
	apiKey := strings.ToLower("X-Api-Key") // not in its canonical form
	trust := func(r *http.Request, via []*http.Request) error {
		r.Header[apiKey] = via[0].Header[apiKey]
		return nil
	}
	for _, test := range []struct {
		name          string
		checkRedirect func(*http.Request, []*http.Request) error
		from          string
		to            []string
		want          []header
	}{
		{
			name: "another host",
			from: "https://example.com/?token=secret",
			to: []string{
				"/same", "https://sub.example.com/", "https://other.example/away?code=1",
				"https://other.example/there", "https://example.com/back",
			},
			want: []header{
				{"https://example.com/?token=secret", "secret", "key", ""},
				{"https://example.com/same", "secret", "key", "https://example.com/?token=secret"},
				{"https://sub.example.com/", "secret", "key", "https://example.com/"},
				{"https://other.example/away?code=1", "", "", "https://sub.example.com/"},
				{"https://other.example/there", "", "", "https://other.example/away?code=1"},
				// The other host chose this URL.
				{"https://example.com/back", "", "", "https://other.example/"},
			},
		},
		{
			name: "without TLS",
			from: "https://example.com/",
			to:   []string{"http://example.com/plain", "https://example.com/back"},
			want: []header{
				{"https://example.com/", "secret", "key", ""},
				{"http://example.com/plain", "", "", ""},
				{"https://example.com/back", "", "", "http://example.com/plain"},
			},
		},
		{
			name: "the same host",
			from: "http://example.com:8080/",
			to:   []string{"http://example.com:9090/other", "https://example.com/tls"},
			want: []header{
				{"http://example.com:8080/", "secret", "key", ""},
				{"http://example.com:9090/other", "secret", "key", "http://example.com:8080/"},
				{"https://example.com/tls", "secret", "key", "http://example.com:9090/"},
			},
		},
		{
			name: "TLS and back",
			from: "http://example.com/",
			to:   []string{"https://example.com/", "http://sub.example.com/"},
			want: []header{
				{"http://example.com/", "secret", "key", ""},
				{"https://example.com/", "secret", "key", "http://example.com/"},
				{"http://sub.example.com/", "", "", ""},
			},
		},
		{
			name: "not a subdomain",
			from: "https://example.com/",
			to:   []string{"https://badexample.com/", "https://[fe80::1]/", "https://com/"},
			want: []header{
				{"https://example.com/", "secret", "key", ""},
				{"https://badexample.com/", "", "", "https://example.com/"},
				{"https://[fe80::1]/", "", "", "https://badexample.com/"},
				{"https://com/", "", "", "https://[fe80::1]/"},
			},
		},
		{
			name:          "a trusted host",
			checkRedirect: trust,
			from:          "https://example.com/",
			to:            []string{"https://other.example/"},
			want: []header{
				{"https://example.com/", "secret", "key", ""},
				{"https://other.example/", "", "key", "https://example.com/"},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []header
			client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
				h := r.Header
				got = append(got, header{
					r.URL.String(), h.Get("Authorization"), strings.Join(h[apiKey], ""), h.Get("Referer"),
				})
				equal(t, "Last-Event-ID", h.Get("Last-Event-ID"), "7")
				equal(t, "Accept", h.Get("Accept"), "text/event-stream")
				if n <= len(test.to) {
					return status(307, "", "Location", test.to[n-1]), nil
				}
				return status(204, ""), nil
			})
			client.HTTPClient.CheckRedirect = test.checkRedirect
			req := newRequest(t, "GET", test.from, nil)
			req.Header.Set("Authorization", "secret")
			req.Header[apiKey] = []string{"key"}
			req.Header.Set("Last-Event-ID", "7")
			_, err := data(client.Stream(req))
			equal(t, "Err()", err, nil)
			equal(t, "headers", got, test.want)
		})
	}
}

// A Referer of the caller is stripped in any spelling, as is that of a URL without a host.
func TestRedirectStripsReferer(t *testing.T) {
	const a, b = "https://a.example/", "https://b.example/"
	for _, test := range []struct{ name, from, key, referer, to, want string }{
		{"the same host", a, "Referer", a + "?s3cret", a + "2", a + "?s3cret"},
		{"another host", a, "Referer", a + "?s3cret", b, a},
		{"another spelling", a, "referer", a + "?s3cret", b, a},
		{"an invalid URL", a, "Referer", a + "%zz?s3cret", b, ""},
		{"without TLS", a, "Referer", a + "?s3cret", "http://a.example/", ""},
		{"an opaque URL", "http:a.example/?s3cret", "", "", b, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got string
			client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
				if n == 1 {
					return status(302, "", "Location", test.to), nil
				}
				got = strings.Join(r.Header["Referer"], "") +
					strings.Join(r.Header[strings.ToLower("Referer")], "")
				return status(204, ""), nil
			})
			req := newRequest(t, "GET", test.from, nil)
			if test.key == "" {
				req.URL.Host = "a.example"
			} else {
				req.Header[test.key] = []string{test.referer}
			}
			_, err := data(client.Stream(req))
			equal(t, "Err()", err, nil)
			if test.key != "referer" && got != test.want || strings.Contains(got, "b.example") {
				t.Errorf("Referer = %q, want %q", got, test.want)
			}
		})
	}
}
