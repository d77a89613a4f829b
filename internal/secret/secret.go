// Package secret finds secrets in headers and URLs, which the command hides, and which reports and
// recordings do not contain.
package secret

import (
	"net/url"
	"slices"
	"strings"
)

// words are parts of the names of headers whose value is a secret.
var words = []string{
	"auth", "cookie", "token", "secret", "passw", "passphrase", "api-key", "apikey", "signature",
	"credential", "session", "csrf", "xsrf", "jwt", "dpop", "assertion",
}

// suffixes are the last words of the names of headers whose value is a secret.
var suffixes = []string{"sig", "sign", "otp", "pwd"}

// IsHeader reports whether the name of a header says that its value is a secret. A challenge, such
// as WWW-Authenticate, is not.
func IsHeader(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case ":authority", "www-authenticate", "proxy-authenticate":
		return false
	}
	if strings.HasSuffix(name, "key") && !strings.HasSuffix(name, "idempotency-key") {
		return true
	}
	if slices.Contains(suffixes, name[strings.LastIndexByte(name, '-')+1:]) {
		return true
	}
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
}

// RedactURL returns u without user information, query and fragment, which may be secrets.
func RedactURL(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return bare.String()
}
