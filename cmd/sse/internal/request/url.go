package request

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
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

// misspelledScheme matches the beginning of a URL that lacks the colon or a slash of "http://".
var misspelledScheme = regexp.MustCompile(`^(?i)(https?)(:/?([^/]|$)|//)`)

// checkBeginning returns an error if s begins with something that would be taken for a host, but is
// not meant as one. As in ParseURL, the text must not contain s.
func checkBeginning(s string) error {
	if m := misspelledScheme.FindStringSubmatch(s); m != nil {
		return fmt.Errorf("bad URL: want %s:// at its beginning", strings.ToLower(m[1]))
	}
	switch {
	case strings.HasPrefix(s, "unix:"):
		return errors.New("bad URL: --unix-socket PATH connects to a Unix socket; " +
			"the URL is then that of the request, such as http://localhost/events")
	case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "."):
		return errors.New("bad URL: it looks like a path, and there is no such file")
	}
	return nil
}

// ParseURL parses the URL of an event stream. The scheme http may be missing. As in a browser,
// spaces at both ends, as of a copied text, are ignored.
func ParseURL(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if err := checkBeginning(s); err != nil {
		return nil, err
	}
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
