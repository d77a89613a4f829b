// Package redact removes secrets from URLs and header values.
package redact

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/internal/secret"
)

const masked = "****"

// Header returns the value of the header name without secrets. If the whole value is a secret, only
// the scheme of an Authorization header is kept. In all other values, URLs are redacted.
func Header(name, value string) string {
	name = strings.ToLower(name)
	switch {
	case name == "location", name == "content-location", name == "referer":
		return redactURL(value)
	case secret.IsHeader(name):
		scheme, _, ok := strings.Cut(value, " ")
		if ok && strings.HasSuffix(name, "authorization") && authScheme.MatchString(scheme) {
			return scheme + " " + masked
		}
		return masked
	}
	value = anyURL.ReplaceAllStringFunc(value, redactURL)
	return queryValue.ReplaceAllString(value, "${1}"+masked)
}

var (
	anyURL     = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s<>"']+`)
	queryValue = regexp.MustCompile(`([?&#][^=&?#\s<>"']*=)[^&#\s<>"']+`)
	authScheme = regexp.MustCompile(`(?i)^(basic|bearer|digest|dpop|negotiate|ntlm|token|` +
		`apikey|key|hawk|hmac|aws4-hmac-sha256)$`)
)

// redactURL returns the URL s without secrets, or only asterisks if it is not a URL.
func redactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return masked
	}
	return URL(u)
}

// URL returns u without user information and fragment, and without the values of its query, which
// may be tokens.
func URL(u *url.URL) string {
	v := *u
	v.User, v.RawQuery, v.Fragment = nil, "", ""
	return escape.Line(v.String()) + Query(u)
}

// Query returns the query of u with a "?" before it and without its values, or "" if there is none.
func Query(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	var parts []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, ok := strings.Cut(part, "=")
		if ok {
			name += "=" + masked
		} else {
			name = masked // the whole part may be a token
		}
		parts = append(parts, escape.Line(name))
	}
	return "?" + strings.Join(parts, "&")
}
