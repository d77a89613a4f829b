package recording

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-0d85b69d/sse/internal/secret"
)

// mask replaces a value that may be secret.
const mask = "***"

// personalWords are parts of the names of headers that may identify an account. They include those
// of any key and any challenge, because a recording is often kept in a repository.
var personalWords = []string{"account", "authenticate", "key", "organization"}

// maskHeader returns a copy of h in which values that may be secret are replaced.
func maskHeader(h http.Header) http.Header {
	masked := h.Clone()
	for name, values := range masked {
		for i, value := range values {
			masked[name][i] = maskValue(name, value)
		}
	}
	return masked
}

func maskValue(name, value string) string {
	if secret.IsHeader(name) {
		return mask
	}
	name = strings.ToLower(name)
	for _, word := range personalWords {
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
		return secret.RedactURL(u)
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
