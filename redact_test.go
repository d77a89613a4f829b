package sse

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v4"
)

// No error and no log record contains a secret from the URL, a header or the body of the request,
// whatever makes the stream fail.
func TestStreamHidesSecrets(t *testing.T) {
	const secret = "S3CRET"
	refusesWith := func(code int, body string, header ...string) responder {
		return func(*http.Request) (*http.Response, error) {
			return status(code, body, header...), nil
		}
	}
	redirect := func(location string) responder { return refuses(302, "Location", location) }
	for name, respond := range map[string]responder{
		"network failure":               fails(errors.New("no network")),
		"header timeout":                stall,
		"503":                           refusesWith(503, "busy"),
		"401":                           refusesWith(401, "no"),
		"wrong type":                    refusesWith(200, "hello", "Content-Type", "text/html"),
		"cut":                           sends("data:x"),
		"read error":                    sends("data:x\n\n", errors.New("reset")),
		"silence":                       sends("data:x\n\n", forever),
		"too large":                     sends("data:" + strings.Repeat("x", 100)),
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
				client := newClient(t, respond.always)
				client.HTTPClient.Timeout = time.Second
				client.IdleTimeout = time.Minute
				client.MaxEventSize = 10
				client.Backoff = func() backoff.BackOff {
					return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2)
				}
				client.Logger = textLogger(&log)
				client.OnRetry = func(err error, _ time.Duration) {
					fmt.Fprintf(&log, "OnRetry %v %+v %#v\n", err, err, err)
				}
				const url = "http://user:" + secret + "@example.com/path?token=" + secret + "#" + secret
				req := newRequest(t, "QUERY", url, strings.NewReader(secret))
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
					t.Errorf("the secret is in:\n%s", &log)
				}
				if !strings.Contains(log.String(), "sse: closed") {
					t.Errorf("there is no record of the end:\n%s", &log)
				}
			})
		})
	}
	for _, test := range []struct{ name, url string }{
		{"no scheme", "user:" + secret + "@example.com/?" + secret},
		{"unknown scheme", "foo://user:" + secret + "@example.com/?" + secret},
		{"no host", "http://user:" + secret + "@/?" + secret},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			client := &Client{Logger: textLogger(&log)}
			_, err := data(client.Stream(newRequest(t, "GET", test.url, nil)))
			fmt.Fprint(&log, err)
			if err == nil || strings.Contains(log.String(), secret) {
				t.Errorf("there is no error, or the secret is in:\n%s", &log)
			}
		})
	}
	for key, value := range map[string]string{
		"Authorization": secret + "\n", "Cookie": secret + "\x01",
	} {
		t.Run("invalid "+key, func(t *testing.T) {
			var log bytes.Buffer
			client := &Client{Logger: textLogger(&log)}
			req := newRequest(t, "GET", "http://127.0.0.1:1/", nil)
			req.Header[key] = []string{value}
			_, err := data(client.Stream(req))
			fmt.Fprint(&log, err)
			if err == nil || strings.Contains(log.String(), secret) {
				t.Errorf("there is no error, or the secret is in:\n%s", &log)
			}
		})
	}
	t.Run("Prepare", func(t *testing.T) {
		client := newClient(t, fails(errors.New("no")).always)
		client.Prepare = func(*http.Request) error {
			_, err := http.Get("foo://user:" + secret + "@example.com/?" + secret)
			return backoff.Permanent(err)
		}
		if _, err := data(get(t, client)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("Err() = %v", err)
		}
	})
}

// A function that fetches a token often wraps the error of net/http, which contains the URL.
func TestStreamHidesSecretsOfWrappedErrors(t *testing.T) {
	const secret = "S3CRET"
	fetch := func() error {
		_, err := http.Get("foo://user:" + secret + "@example.com/?" + secret)
		return Permanent(fmt.Errorf("cannot fetch a token: %w", err))
	}
	ok := newClient(t, sends("data:a\n\n").always).HTTPClient
	for name, client := range map[string]*Client{
		"Prepare": {HTTPClient: ok, Prepare: func(*http.Request) error { return fetch() }},
		"CheckResponse": {HTTPClient: ok,
			CheckResponse: func(*http.Response) error { return fetch() }},
		"RoundTripper": {HTTPClient: newClient(t, fails(fetch()).always).HTTPClient},
		"CheckRedirect": {HTTPClient: &http.Client{
			Transport:     refuses(302, "Location", "/"),
			CheckRedirect: func(*http.Request, []*http.Request) error { return fetch() },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			client.Logger = textLogger(&log)
			_, err := data(get(t, client))
			const want = `cannot fetch a token: Get "foo://example.com/": unsupported protocol scheme`
			if err == nil || !strings.Contains(err.Error(), want) ||
				strings.Contains(log.String(), secret) {
				t.Errorf("Err() = %v, want %s; log:\n%s", err, want, &log)
			}
			if cause := (*url.Error)(nil); !errors.As(err, &cause) {
				t.Errorf("Err() = %v wraps no *url.Error", err)
			}
		})
	}
}

// The error of a header line that net/http cannot parse does not quote the line, which may contain
// a token.
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

// The errors of net/http quote servers and proxies. Their text is bounded and has no control
// characters.
func TestStreamErrIsSanitized(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	cert := &x509.Certificate{DNSNames: []string{"\x1b[2J" + long}}
	redirect := refuses(302, "Location", "http://other.example/"+long)
	for _, test := range []struct {
		name    string
		respond http.RoundTripper
		want    string // the beginning of the text
	}{
		{"status line of a proxy", rawProxy(t, "HTTP/1.1 407 \x1b[2J\x00no\r\n\r\n"),
			`Get "https://example.com/": [2Jno`},
		{"malformed status line", rawProxy(t, long+"\r\n\r\n"),
			`Get "https://example.com/": malformed HTTP response "aaa`},
		{"certificate", fails(x509.HostnameError{Certificate: cert, Host: "example.com"}),
			`Get "https://example.com/": x509: certificate is valid for [2Jaaa`},
		{"end of an HTTP/2 connection", sends(errors.New("GOAWAY \x1b[2J" + long)), "GOAWAY [2Jaaa"},
		{"redirect to a page", responder(func(r *http.Request) (*http.Response, error) {
			resp := status(404, "no")
			if r.Response == nil {
				resp, _ = redirect(r)
			}
			resp.Request = r
			return resp, nil
		}), "sse: 404 Not Found: GET https://example.com/ was redirected with 302 to " +
			"GET http://other.example/aaa"},
		{"redirect to no server", responder(func(r *http.Request) (*http.Response, error) {
			if r.Response == nil {
				return redirect(r)
			}
			return nil, errors.New("no network")
		}), `Get "http://other.example/aaa`},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := &Client{HTTPClient: &http.Client{Transport: test.respond}, NoReconnect: true}
			_, err := data(client.Get(t.Context(), "https://example.com/"))
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error()
			if !strings.HasPrefix(text, test.want) || len(text) > 4<<10 ||
				strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("Err() = %.200q of %d bytes, want %q", text, len(text), test.want)
			}
		})
	}
}

// rawProxy returns a transport with a proxy that sends response for each CONNECT request.
func rawProxy(t *testing.T, response string) *http.Transport {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(c, response)
		c.Close()
	}))
	t.Cleanup(proxy.Close)
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Transport{Proxy: http.ProxyURL(u)}
}

// An error whose text is replaced still says whether it is a timeout, and is still wrapped.
func TestStreamErrKeepsTimeout(t *testing.T) {
	cause := &timeoutError{text: "slow\nproxy", kind: io.ErrClosedPipe}
	client := newClient(t, fails(cause).always)
	client.NoReconnect = true
	_, err := data(get(t, client))
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Err() = %v", err)
	}
	if want := `Get "http://example.com/": slow proxy`; err.Error() != want {
		t.Errorf("Err() = %v, want %s", err, want)
	}
}
