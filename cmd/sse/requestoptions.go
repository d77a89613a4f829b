package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
)

// requestOptions describes a request in the terms of curl's flags.
type requestOptions struct {
	url            *url.URL
	method         string
	header         http.Header
	removed        []string // the headers that -H 'Name:' removes
	host           string   // if not empty, the Host header
	body           []byte
	hasBody        bool
	user           *url.Userinfo
	lastEventID    string
	insecure       bool
	proxy          *string // if nil, the environment decides; if empty, there is none
	caCert         string
	http1, http2   bool
	connectTimeout time.Duration
	verbose        bool
}

// setURL sets the URL and what depends on it and on the other options: the method, the content
// type, the credentials and the Last-Event-ID header.
func (o *requestOptions) setURL(u *url.URL) {
	o.url = u
	if u.User != nil {
		// As an option, the credentials are also sent after a redirect to the same host.
		if o.header.Get("Authorization") == "" {
			o.user = cmp.Or(o.user, u.User)
		}
		u.User = nil
	}
	if o.method == "" {
		o.method = http.MethodGet
		if o.hasBody {
			o.method = http.MethodPost
		}
	}
	if o.hasBody && o.header.Get("Content-Type") == "" {
		o.header.Set("Content-Type", "application/x-www-form-urlencoded")
		if isJSON(bytes.TrimSpace(o.body)) {
			o.header.Set("Content-Type", "application/json")
		}
	}
	if o.lastEventID != "" {
		o.header.Set("Last-Event-ID", o.lastEventID)
	}
}

// isJSON reports whether b is a JSON object or array.
func isJSON(b []byte) bool {
	return len(b) > 0 && (b[0] == '{' || b[0] == '[') && json.Valid(b)
}

// description returns the method and the URL, without secrets.
func (o *requestOptions) description() string { return o.method + " " + redact.URL(o.url) }
