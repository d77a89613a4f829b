package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// withScheme returns the URL s as curl reads it: without a scheme, it is http.
func withScheme(s string) string {
	if scheme, _, ok := strings.Cut(s, "://"); !ok || strings.ContainsAny(scheme, "/?#") {
		return "http://" + s
	}
	return s
}

// parseURL accepts what curl accepts, of what can be an event stream.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(withScheme(s))
	if err != nil {
		// The reason without the URL, which may hold a password.
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		reason, _, _ := strings.Cut(err.Error(), ` "`)
		return nil, fmt.Errorf("bad URL: %s", escape.Line(reason))
	}
	switch u.Scheme {
	case "http", "https":
	case "ws", "wss":
		return nil, fmt.Errorf("%s:// is a WebSocket, not an event stream: use a WebSocket client such as websocat, or the service's http%s:// address of events",
			u.Scheme, strings.TrimPrefix(u.Scheme, "ws"))
	default:
		return nil, fmt.Errorf("bad URL: scheme %q is neither http nor https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("bad URL: no host")
	}
	return u, nil
}
