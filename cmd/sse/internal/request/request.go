package request

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

// NewRequest returns the request that o describes. SetURL must have been called.
func (o *Options) NewRequest(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if o.HasBody {
		body = bytes.NewReader(o.body) // so that NewRequest sets GetBody
	}
	req, err := http.NewRequestWithContext(ctx, o.Method, o.URL.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header = o.Header.Clone()
	if o.host != "" {
		req.Host = o.host
	}
	if o.User != nil {
		password, _ := o.User.Password()
		req.SetBasicAuth(o.User.Username(), password)
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		req.Header.Set("User-Agent", "sse/"+Version())
	}
	o.RemoveHeaders(req)
	return req, nil
}

// RemoveHeaders removes the headers that -H 'Name:' names. It must be called again after the Client
// has added its own headers.
func (o *Options) RemoveHeaders(req *http.Request) {
	for _, name := range o.removed {
		delete(req.Header, name)
		if name == "User-Agent" {
			req.Header[name] = []string{""} // otherwise net/http adds one
		}
	}
}

// Version returns the version of the command.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// Transport returns a transport with the proxy, the certificates and the protocols of o.
func (o *Options) Transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if o.Proxy != nil {
		t.Proxy = nil
		if p := *o.Proxy; p != "" {
			u, err := url.Parse(addScheme(p))
			if err != nil || u.Host == "" {
				return nil, errors.New("-x: bad URL of a proxy")
			}
			t.Proxy = http.ProxyURL(u)
		}
	}
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: o.Insecure}
	if o.CACert != "" {
		pem, err := os.ReadFile(o.CACert)
		if err != nil {
			return nil, fmt.Errorf("--cacert %q: %w", o.CACert, errtext.Reason(err))
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--cacert %q: the file contains no certificate", o.CACert)
		}
	}
	if o.HTTP1 || o.HTTP2 {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(o.HTTP1)
		t.Protocols.SetHTTP2(o.HTTP2)
		t.Protocols.SetUnencryptedHTTP2(o.HTTP2)
	}
	t.DisableCompression = slices.Contains(o.removed, "Accept-Encoding")
	return t, nil
}
