package main

import (
	"net/url"
	"regexp"
	"strings"
)

const masked = "****"

// mask hides the value of a header that carries a secret; of Authorization
// the scheme is left.
func mask(name, value string) string {
	name = strings.ToLower(name)
	if name == "location" || name == "content-location" || name == "referer" {
		if u, err := url.Parse(value); err == nil {
			return redact(u)
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
				return redact(u)
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

// redact is a URL to show: without user info, and without the values of its
// query, which may be tokens.
func redact(u *url.URL) string {
	v := *u
	v.User, v.RawQuery, v.Fragment = nil, "", ""
	return escape(v.String()) + maskQuery(u)
}

func maskQuery(u *url.URL) string {
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
		parts = append(parts, escape(name))
	}
	return "?" + strings.Join(parts, "&")
}
