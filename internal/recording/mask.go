package recording

import (
	"net/http"
	"net/url"
	"strings"
)

// mask replaces a value that may be secret.
const mask = "***"

// secretWords are parts of the names of header fields that may contain a secret or
// identify an account.
var secretWords = []string{
	"account", "assertion", "auth", "cookie", "credential", "csrf", "jwt", "key", "organization",
	"passphrase", "passw", "secret", "session", "signature", "token", "xsrf",
}

// maskHeader returns a copy of h in which values that may be secret are replaced.
func maskHeader(h http.Header) http.Header {
	masked := h.Clone()
	for name, values := range masked {
		for i, value := range values {
			masked[name][i] = maskValue(strings.ToLower(name), value)
		}
	}
	return masked
}

func maskValue(name, value string) string {
	if strings.HasSuffix(name, "-sig") {
		return mask
	}
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return mask
		}
	}
	switch name {
	case "location", "content-location":
		u, err := url.Parse(value)
		if err != nil {
			return mask
		}
		return redactURL(u)
	case "link", "refresh":
		if strings.ContainsAny(value, "?@") {
			return mask
		}
	default: // any value may be a URL with a token
		if strings.Contains(value, "://") && strings.ContainsAny(value, "?@") {
			return mask
		}
	}
	return value
}

// redactURL returns u without user information, query and fragment.
func redactURL(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return bare.String()
}
