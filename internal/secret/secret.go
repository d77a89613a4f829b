// Package secret tells by the name of a header whether its value is a secret. The command hides
// such values, and recordings do not contain them.
package secret

import (
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

// IsHeader reports whether the value of the header name is a secret. A challenge, such as
// WWW-Authenticate, is not.
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
