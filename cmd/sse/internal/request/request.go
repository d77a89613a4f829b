package request

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
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
	if _, ok := req.Header["Authorization"]; o.User != nil && !ok {
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

// HTTPClient returns the client that sends the requests of o with transport.
func (o *Options) HTTPClient(transport http.RoundTripper) *http.Client {
	c := &http.Client{Transport: transport, Timeout: o.ConnectTimeout}
	if o.Jar != nil {
		c.Jar = o.Jar
	}
	return c
}

// Version returns the version of the command.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// ProxyURL returns the URL of the proxy that -x names, or nil if it names none.
func (o *Options) ProxyURL() (*url.URL, error) {
	if o.Proxy == nil || *o.Proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(addScheme(*o.Proxy))
	if err != nil || u.Host == "" {
		return nil, errors.New("-x: bad URL of a proxy")
	}
	return u, nil
}

// checkConnect returns an error if a proxy refused to connect to the host of the URL. The error of
// net/http would be "Bad Gateway", as if the server had sent it.
func checkConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy refused the connection: %s", resp.Status)
	}
	return nil
}

// Transport returns a transport with the proxy, the certificates and the protocols of o.
func (o *Options) Transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if o.Proxy != nil {
		u, err := o.ProxyURL()
		if err != nil {
			return nil, err
		}
		t.Proxy = http.ProxyURL(u)
	}
	t.OnProxyConnectResponse = checkConnect
	if o.UnixSocket != "" {
		t.Proxy = nil // a proxy would have to be told about the socket, which is not possible
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", o.UnixSocket)
		}
	}
	var err error
	if t.TLSClientConfig, err = o.tlsConfig(); err != nil {
		return nil, err
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
