// Package redact removes secrets from URLs and header values.
package redact

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

const masked = "****"

// Header returns the value of the header name without secrets. If the whole value is a secret, only
// the scheme of an Authorization header is kept. In all other values, URLs are redacted.
func Header(name, value string) string {
	name = strings.ToLower(name)
	switch {
	case name == "location", name == "content-location", name == "referer":
		return redactURL(value)
	case isSecret(name):
		scheme, _, ok := strings.Cut(value, " ")
		if ok && strings.HasSuffix(name, "authorization") && authScheme.MatchString(scheme) {
			return scheme + " " + masked
		}
		return masked
	}
	value = anyURL.ReplaceAllStringFunc(value, redactURL)
	return queryValue.ReplaceAllString(value, "${1}"+masked)
}

// secretWords are parts of the names of headers whose value is a secret.
var secretWords = []string{
	"auth", "cookie", "token", "secret", "passw", "passphrase", "api-key", "apikey", "signature",
	"credential", "session", "csrf", "jwt", "dpop", "assertion",
}

// secretSuffixes are the last words of the names of headers whose value is a secret.
var secretSuffixes = []string{"sig", "sign", "otp", "pwd"}

// isSecret reports whether the value of the header name, which is in lower case, is a secret.
func isSecret(name string) bool {
	name = strings.ReplaceAll(name, "_", "-")
	switch name {
	case ":authority", "www-authenticate", "proxy-authenticate":
		return false
	}
	if strings.HasSuffix(name, "key") && !strings.HasSuffix(name, "idempotency-key") {
		return true
	}
	if slices.Contains(secretSuffixes, name[strings.LastIndexByte(name, '-')+1:]) {
		return true
	}
	return slices.ContainsFunc(secretWords, func(word string) bool {
		return strings.Contains(name, word)
	})
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
