// Package request builds the request of a stream, and records what is sent and received.
package request

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
)

// Options describes a request in the terms of curl's flags.
type Options struct {
	URL            *url.URL // set by SetURL
	Method         string   // if empty, GET, or POST if there is a body
	Header         http.Header
	HasBody        bool
	User           *url.Userinfo
	Jar            *Jar // if not nil, it keeps the cookies that servers set
	LastEventID    string
	Proxy          *string // if nil, the environment decides; if empty, there is none
	UnixSocket     string  // if not empty, the Unix domain socket to connect to
	CACert         string  // if not empty, a file with the trusted certificate authorities
	Cert, Key      string  // if not empty, files with the client's certificate and its key
	Insecure       bool    // certificates are not verified
	HTTP1, HTTP2   bool    // if set, only this version is used
	ConnectTimeout time.Duration
	Verbose        bool
	NoFiles        bool // values that name a file, or standard input, are errors

	host    string   // if not empty, the Host header
	removed []string // the headers that -H 'Name:' removes
	body    []byte
}

// SetURL sets the URL and what depends on it and on the other options: the credentials and what
// SetDefaults sets.
func (o *Options) SetURL(u *url.URL) {
	o.URL = u
	if u.User != nil {
		// As an option, the credentials are also sent after a redirect to the same host.
		o.User = cmp.Or(o.User, u.User)
		u.User = nil
	}
	o.SetDefaults()
}

// SetDefaults sets what depends on the other options and was not set: the method, the content type
// and the Last-Event-ID header.
func (o *Options) SetDefaults() {
	if o.Method == "" {
		o.Method = http.MethodGet
		if o.HasBody {
			o.Method = http.MethodPost
		}
	}
	if o.HasBody && o.Header.Get("Content-Type") == "" {
		o.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if isJSON(bytes.TrimSpace(o.body)) {
			o.Header.Set("Content-Type", "application/json")
		}
	}
	if o.LastEventID != "" {
		o.Header.Set("Last-Event-ID", o.LastEventID)
	}
}

// isJSON reports whether b is a JSON object or array.
func isJSON(b []byte) bool {
	return len(b) > 0 && (b[0] == '{' || b[0] == '[') && json.Valid(b)
}

// Connection returns the options of o for other requests: how to connect, the cookies, and which
// headers are removed.
func (o *Options) Connection() Options {
	return Options{
		Header:         make(http.Header),
		Jar:            o.Jar,
		Proxy:          o.Proxy,
		UnixSocket:     o.UnixSocket,
		CACert:         o.CACert,
		Cert:           o.Cert,
		Key:            o.Key,
		Insecure:       o.Insecure,
		HTTP1:          o.HTTP1,
		HTTP2:          o.HTTP2,
		ConnectTimeout: o.ConnectTimeout,
		removed:        o.removed,
	}
}

// Host returns the Host header, or "" if it is that of the URL.
func (o *Options) Host() string { return o.host }

// Body returns the body of the request.
func (o *Options) Body() []byte { return o.body }

// RemovedHeaders returns the names of the headers that -H 'Name:' removes.
func (o *Options) RemovedHeaders() []string { return o.removed }

// Description returns the method and the URL, without secrets.
func (o *Options) Description() string { return o.Method + " " + redact.URL(o.URL) }
