package request

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// addScheme returns s with the scheme http if it has none, as in curl.
func addScheme(s string) string {
	if scheme, _, ok := strings.Cut(s, "://"); !ok || strings.ContainsAny(scheme, "/?#") {
		return "http://" + s
	}
	return s
}

// ParseURL parses the URL of an event stream. The scheme http may be missing.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(addScheme(s))
	if err != nil {
		// The text must not contain the URL, which may hold a password.
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		reason, _, _ := strings.Cut(err.Error(), ` "`)
		return nil, fmt.Errorf("bad URL: %s", escape.Line(reason))
	}
	switch u.Scheme {
	case "http", "https":
	case "ws", "wss":
		scheme := "http" + strings.TrimPrefix(u.Scheme, "ws")
		return nil, fmt.Errorf("%s:// is a WebSocket, not an event stream: "+
			"use a WebSocket client such as websocat, "+
			"or the %s:// URL of the service's event stream", u.Scheme, scheme)
	default:
		return nil, fmt.Errorf("bad URL: the scheme is %q, want http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("bad URL: no host")
	}
	return u, nil
}
