// Package redact removes secrets from URLs and header values.
package redact

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

const masked = "****"

// Header hides the value of a header that carries a secret; of Authorization
// the scheme is left.
func Header(name, value string) string {
	name = strings.ToLower(name)
	if name == "location" || name == "content-location" || name == "referer" {
		if u, err := url.Parse(value); err == nil {
			return URL(u)
		}
		return masked
	}
	secret := strings.HasSuffix(name, "key") && !strings.HasSuffix(name, "idempotency-key")
	for _, word := range []string{"auth", "cookie", "token", "secret", "passw", "passphrase", "api-key", "apikey", "signature", "credential", "session", "csrf", "jwt", "dpop", "assertion"} {
		secret = secret || strings.Contains(name, word)
	}
	secret = secret || strings.HasSuffix(name, "-sign") || strings.HasSuffix(name, "-otp")
	if !secret || name == ":authority" || name == "www-authenticate" || name == "proxy-authenticate" {
		value = anyURL.ReplaceAllStringFunc(value, func(s string) string {
			if u, err := url.Parse(s); err == nil {
				return URL(u)
			}
			return masked
		})
		return queryValue.ReplaceAllString(value, "${1}"+masked)
	}
	if scheme, _, ok := strings.Cut(value, " "); ok && strings.HasSuffix(name, "authorization") && authScheme.MatchString(scheme) {
		return scheme + " " + masked
	}
	return masked
}

// A URL may be in any header, as in Link.
var (
	anyURL     = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s<>"']+`)
	queryValue = regexp.MustCompile(`([?&#][^=&?#\s<>"']*=)[^&#\s<>"']+`)
	authScheme = regexp.MustCompile(`(?i)^(basic|bearer|digest|dpop|negotiate|ntlm|token|apikey|key|hawk|hmac|aws4-hmac-sha256)$`)
)

// URL is a URL to show: without user info, and without the values of its
// query, which may be tokens.
func URL(u *url.URL) string {
	v := *u
	v.User, v.RawQuery, v.Fragment = nil, "", ""
	return escape.Line(v.String()) + Query(u)
}

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
			name = masked // it may all be a token
		}
		parts = append(parts, escape.Line(name))
	}
	return "?" + strings.Join(parts, "&")
}
