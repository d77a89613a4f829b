package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// However a stream fails, no error and no record has what a URL, a header or a body of the request
// keeps secret.
func TestStreamHidesSecrets(t *testing.T) {
	const secret = "S3CRET"
	redirect := func(location string) func(int, *http.Request) (*http.Response, error) {
		return func(n int, r *http.Request) (*http.Response, error) {
			return status(302, "", "Location", location), nil
		}
	}
	for name, answer := range map[string]func(int, *http.Request) (*http.Response, error){
		"network failure": func(int, *http.Request) (*http.Response, error) { return nil, errors.New("no network") },
		"header timeout":  func(_ int, r *http.Request) (*http.Response, error) { return stall(r) },
		"503":             func(int, *http.Request) (*http.Response, error) { return status(503, "busy"), nil },
		"401":             func(int, *http.Request) (*http.Response, error) { return status(401, "no"), nil },
		"wrong type": func(int, *http.Request) (*http.Response, error) {
			return status(200, "hello", "Content-Type", "text/html"), nil
		},
		"cut": func(int, *http.Request) (*http.Response, error) { return stream("data:x"), nil },
		"read error": func(int, *http.Request) (*http.Response, error) {
			return stream("data:x\n\n", errors.New("reset")), nil
		},
		"silence": func(int, *http.Request) (*http.Response, error) { return stream("data:x\n\n", forever), nil },
		"too large": func(int, *http.Request) (*http.Response, error) {
			return stream("data:" + strings.Repeat("x", 100)), nil
		},
		"redirect loop":                 redirect("/?" + secret),
		"redirect with a password":      redirect("http://user:" + secret + "@example.com/"),
		"redirect to another host":      redirect("http://user:" + secret + "@other.example/?" + secret),
		"redirect to an unknown scheme": redirect("foo://user:" + secret + "@example.com/?" + secret),
		"redirect without Location":     redirect(""),
		"redirect to a bad escape":      redirect("http://example.com/%zz?" + secret),
		"redirect to a bad host":        redirect("http://user:" + secret + "@[::1/" + secret),
		"redirect to a bad port":        redirect("http://example.com:" + secret + "/"),
		"redirect to a control byte":    redirect("http://example.com/\x7f" + secret),
		"redirect of an opaque URL":     redirect("user:" + secret + "@example.com"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				client := newClient(t, answer)
				client.HTTPClient.Timeout = time.Second
				client.IdleTimeout = time.Minute
				client.MaxEventSize = 10
				client.Backoff = func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2) }
				client.Logger = textLogger(&log)
				client.OnRetry = func(err error, _ time.Duration) { fmt.Fprintf(&log, "OnRetry %v %+v %#v\n", err, err, err) }
				req := newRequest(t, "QUERY", "http://user:"+secret+"@example.com/path?token="+secret+"#"+secret, strings.NewReader(secret))
				req.Header.Set("Authorization", "Bearer "+secret)
				req.Header.Set("Cookie", "session="+secret)
				req.Header.Set("X-Api-Key", secret)
				s := client.Stream(req)
				deadline := time.AfterFunc(time.Hour, func() { s.Close() })
				defer deadline.Stop()
				_, err := data(s)
				fmt.Fprintf(&log, "Err() %v %+v\n", err, err)
				for ; err != nil; err = errors.Unwrap(err) {
					fmt.Fprintf(&log, "wraps %v\n", err)
				}
				if strings.Contains(log.String(), secret) {
					t.Errorf("it tells:\n%s", &log)
				}
				if !strings.Contains(log.String(), "sse: closed") {
					t.Errorf("no record of the end:\n%s", &log)
				}
			})
		})
	}
	for _, test := range []struct{ name, url string }{
		{"no scheme", "user:" + secret + "@example.com/?" + secret},
		{"unknown scheme", "foo://user:" + secret + "@example.com/?" + secret},
		{"no host", "http://user:" + secret + "@/?" + secret},
	} {
		var log bytes.Buffer
		client := &Client{Logger: textLogger(&log)}
		_, err := data(client.Stream(newRequest(t, "GET", test.url, nil)))
		fmt.Fprint(&log, err)
		if err == nil || strings.Contains(log.String(), secret) {
			t.Errorf("%s: %s", test.name, &log)
		}
	}
	for _, h := range []http.Header{{"Authorization": {secret + "\n"}}, {"Cookie": {secret + "\x01"}}} {
		var log bytes.Buffer
		client := &Client{Logger: textLogger(&log)}
		req := newRequest(t, "GET", "http://127.0.0.1:1/", nil)
		req.Header = h
		_, err := data(client.Stream(req))
		fmt.Fprint(&log, err)
		if err == nil || strings.Contains(log.String(), secret) {
			t.Errorf("%v: %s", slices.Collect(maps.Keys(h)), &log)
		}
	}
	t.Run("Prepare", func(t *testing.T) {
		client := newClient(t, func(int, *http.Request) (*http.Response, error) { return nil, errors.New("no") })
		client.Prepare = func(*http.Request) error {
			_, err := http.Get("foo://user:" + secret + "@example.com/?" + secret)
			return backoff.Permanent(err)
		}
		if _, err := data(get(t, client)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("Err() = %v", err)
		}
	})
}

// A header line that net/http can't read may hold a token.
func TestStreamErrHidesMalformedHeader(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://localhost/?secret\x7f\r\n\r\n")
		c.Close()
	}))
	defer srv.Close()
	client := &Client{Backoff: func() backoff.BackOff { return &backoff.StopBackOff{} }}
	_, err := data(client.Stream(newRequest(t, "GET", srv.URL, nil)))
	var proto textproto.ProtocolError
	if !errors.As(err, &proto) || strings.Contains(err.Error(), "secret") {
		t.Errorf("Err() = %v", err)
	}
}
