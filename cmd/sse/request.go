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

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// newRequest returns the request that o describes. setURL must have been called.
func (o *requestOptions) newRequest(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if o.hasBody {
		body = bytes.NewReader(o.body) // so that NewRequest sets GetBody
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
	o.removeHeaders(req)
	return req, nil
}

// removeHeaders removes the headers that -H 'Name:' names. It must be called again after the Client
// has added its own headers.
func (o *requestOptions) removeHeaders(req *http.Request) {
	for _, name := range o.removed {
		delete(req.Header, name)
		if name == "User-Agent" {
			req.Header[name] = []string{""} // otherwise net/http adds one
		}
	}
}

// version returns the version of the command.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// transport returns a transport with the proxy, the certificates and the protocols of o.
func (o *requestOptions) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if o.proxy != nil {
		t.Proxy = nil
		if p := *o.proxy; p != "" {
			u, err := url.Parse(addScheme(p))
			if err != nil || u.Host == "" {
				return nil, errors.New("-x: bad URL of a proxy")
			}
			t.Proxy = http.ProxyURL(u)
		}
	}
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: o.insecure}
	if o.caCert != "" {
		pem, err := os.ReadFile(o.caCert)
		if err != nil {
			return nil, fmt.Errorf("--cacert %q: %w", o.caCert, errtext.Reason(err))
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--cacert %q: the file contains no certificate", o.caCert)
		}
	}
	if o.http1 || o.http2 {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(o.http1)
		t.Protocols.SetHTTP2(o.http2)
		t.Protocols.SetUnencryptedHTTP2(o.http2)
	}
	t.DisableCompression = slices.Contains(o.removed, "Accept-Encoding")
	return t, nil
}
