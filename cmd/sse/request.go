package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
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
