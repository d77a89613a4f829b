package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// request makes the request that the command line describes.
func (o *options) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if o.hasBody {
		body = bytes.NewReader(o.body) // NewRequest gives it a GetBody
	}
	req, err := http.NewRequestWithContext(ctx, o.method, o.url.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header = o.header.Clone()
	if o.host != "" {
		req.Host = o.host
	}
	if o.user != nil {
		password, _ := o.user.Password()
		req.SetBasicAuth(o.user.Username(), password)
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		req.Header.Set("User-Agent", "sse/"+version())
	}
	o.strip(req)
	return req, nil
}

// strip takes away what -H 'Name:' names. The client asks for it last, as
// it adds headers of its own.
func (o *options) strip(req *http.Request) {
	for _, name := range o.without {
		delete(req.Header, name)
		if name == "User-Agent" {
			req.Header[name] = []string{""} // net/http would add its own
		}
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// transport makes the way to the server.
func (o *options) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if o.proxy != nil {
		t.Proxy = nil
		if p := *o.proxy; p != "" {
			u, err := url.Parse(withScheme(p))
			if err != nil || u.Host == "" {
				return nil, errors.New("-x: bad URL of a proxy")
			}
			t.Proxy = http.ProxyURL(u)
		}
	}
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: o.insecure}
	if o.cacert != "" {
		pem, err := os.ReadFile(o.cacert)
		if err != nil {
			return nil, fmt.Errorf("--cacert %q: %w", o.cacert, reason(err))
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--cacert %q: no certificate in it", o.cacert)
		}
	}
	if o.http1 || o.http2 {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(o.http1)
		t.Protocols.SetHTTP2(o.http2)
		t.Protocols.SetUnencryptedHTTP2(o.http2)
	}
	t.DisableCompression = slices.Contains(o.without, "Accept-Encoding")
	return t, nil
}

// A tap is a transport that shows what passes: the headers to -v, the bytes
// of open streams to the counters, the watch and --raw.
type tap struct {
	base  *http.Transport
	v     io.Writer // -v; nil: silent
	stats *stats
	watch *watch
	raw   io.Writer       // nil: none
	fail  func(err error) // told when raw can't be written
	live  atomic.Bool     // the newest response is an open stream
}

func (t *tap) RoundTrip(req *http.Request) (*http.Response, error) {
	t.live.Store(false)
	var wrote <-chan struct{}
	if t.v != nil {
		trace, shown := traceTo(t.v, req)
		req, wrote = req.WithContext(httptrace.WithClientTrace(req.Context(), trace)), shown
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if t.v != nil {
		select { // HTTP/2 tells of the request when the answer may be here already
		case <-wrote:
		case <-time.After(time.Second):
		}
		io.WriteString(t.v, dump(resp))
	}
	if resp.StatusCode == http.StatusOK {
		resp.Body = &tapped{resp.Body, t}
	}
	return resp, nil
}

func (t *tap) CloseIdleConnections() { t.base.CloseIdleConnections() }

// saw takes note of bytes of an open stream.
func (t *tap) saw(p []byte) {
	t.stats.addBytes(len(p))
	t.watch.Write(p)
	if t.raw != nil {
		if _, err := t.raw.Write(p); err != nil {
			t.fail(err)
		}
	}
}

type tapped struct {
	io.ReadCloser
	t *tap
}

func (b *tapped) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && b.t.live.Load() {
		b.t.saw(p[:n])
	}
	return n, err
}

// traceTo writes a request's headers as they were sent, in curl's manner, and closes wrote.
func traceTo(w io.Writer, req *http.Request) (trace *httptrace.ClientTrace, wrote <-chan struct{}) {
	var mu sync.Mutex
	var b strings.Builder
	proto := "HTTP/1.1"
	done := make(chan struct{})
	once := sync.OnceFunc(func() { close(done) })
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			how := "connected to"
			if info.Reused {
				how = "using the connection to"
			}
			fmt.Fprintf(w, "* %s %s\n", how, info.Conn.RemoteAddr())
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				fmt.Fprintf(w, "* %s, %s\n", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
			}
		},
		WroteHeaderField: func(name string, values []string) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(name, ":") {
				proto = "HTTP/2"
				return
			}
			for _, v := range values {
				fmt.Fprintf(&b, "> %s: %s\n", escape(name), escape(mask(name, v))) // an id is the server's
			}
		},
		WroteHeaders: func() {
			mu.Lock()
			defer mu.Unlock()
			path := req.URL.EscapedPath()
			if path == "" {
				path = "/"
			}
			fmt.Fprintf(w, "> %s %s %s\n%s>\n", escape(req.Method), escape(path+maskQuery(req.URL)), proto, b.String())
			b.Reset()
			once() // a request may be written twice, where a connection turns out to be dead
		},
	}, done
}

// dump is a response's status and headers in curl's manner.
func dump(resp *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "< %s %s\n", resp.Proto, escape(resp.Status))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			fmt.Fprintf(&b, "< %s: %s\n", escape(name), escape(mask(name, v)))
		}
	}
	if resp.Uncompressed {
		b.WriteString("* the body is gzip, and read as what it holds\n")
	}
	b.WriteString("<\n")
	return b.String()
}

const masked = "****"

// mask hides the value of a header that carries a secret; of Authorization
// the scheme is left.
func mask(name, value string) string {
	name = strings.ToLower(name)
	if name == "location" || name == "content-location" || name == "referer" {
		if u, err := url.Parse(value); err == nil {
			return redact(u)
		}
		return masked
	}
	secret := strings.HasSuffix(name, "key") && !strings.HasSuffix(name, "idempotency-key")
	for _, word := range []string{"auth", "cookie", "token", "secret", "passw", "passphrase", "api-key", "apikey", "signature", "credential", "session", "csrf", "jwt", "dpop", "assertion"} {
		secret = secret || strings.Contains(name, word)
	}
	secret = secret || strings.HasSuffix(name, "-sign") || strings.HasSuffix(name, "-otp")
	if !secret || name == ":authority" || name == "www-authenticate" || name == "proxy-authenticate" {
		value = anyURL.ReplaceAllStringFunc(value, func(s string) string {
			if u, err := url.Parse(s); err == nil {
				return redact(u)
			}
			return masked
		})
		return queryValue.ReplaceAllString(value, "${1}"+masked)
	}
	if scheme, _, ok := strings.Cut(value, " "); ok && strings.HasSuffix(name, "authorization") && authScheme.MatchString(scheme) {
		return scheme + " " + masked
	}
	return masked
}

// A URL may be in any header, as in Link.
var (
	anyURL     = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s<>"']+`)
	queryValue = regexp.MustCompile(`([?&#][^=&?#\s<>"']*=)[^&#\s<>"']+`)
	authScheme = regexp.MustCompile(`(?i)^(basic|bearer|digest|dpop|negotiate|ntlm|token|apikey|key|hawk|hmac|aws4-hmac-sha256)$`)
)

// redact is a URL to show: without user info, and without the values of its
// query, which may be tokens.
func redact(u *url.URL) string {
	v := *u
	v.User, v.RawQuery, v.Fragment = nil, "", ""
	return escape(v.String()) + maskQuery(u)
}

func maskQuery(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	var parts []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, ok := strings.Cut(part, "=")
		if ok {
			name += "=" + masked
		} else {
			name = masked // it may all be a token
		}
		parts = append(parts, escape(name))
	}
	return "?" + strings.Join(parts, "&")
}
