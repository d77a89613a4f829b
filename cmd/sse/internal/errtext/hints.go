package errtext

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// printHints writes what led to a refused response, and what to do about it. The text of subject is
// the request of the command line, such as "POST http://example.com/?key=****".
func printHints(w io.Writer, subject string, response *sse.ResponseError) {
	redirected := printRedirect(w, subject, response)
	switch {
	case response.StatusCode == http.StatusUnauthorized && redirected:
		fmt.Fprintln(w, "  (credentials are not sent to another host after a redirect)")
	case response.StatusCode == http.StatusUnauthorized:
		fmt.Fprintln(w, "  (-u USER:PASSWORD or -H 'Authorization: …' sends credentials)")
	case response.StatusCode == http.StatusOK && isEncoded(response.Header):
		fmt.Fprintln(w, "  (-H 'Accept-Encoding: identity' asks for a response that is not "+
			"compressed)")
	case response.StatusCode == http.StatusOK && isJSON(response.Header):
		fmt.Fprintln(w, "  (a language model streams if the body contains \"stream\": true, "+
			"Gemini if the URL contains alt=sse)")
	}
	if wait := response.RetryAfter(); wait > 0 && response.StatusCode != http.StatusOK {
		fmt.Fprintf(w, "  retry after: %s\n", units.Duration(wait))
	}
}

// printRedirect writes the request that was refused if a redirect led to it. It reports whether
// that request went to another host.
func printRedirect(w io.Writer, subject string, response *sse.ResponseError) (otherHost bool) {
	method, target, ok := strings.Cut(strings.TrimPrefix(subject, "check: "), " ")
	target, _, _ = strings.Cut(target, "?")
	isRedirected := method != response.Method || target != response.URL
	if !ok || response.URL == "" || !isRedirected {
		return false
	}
	if response.StatusCode != http.StatusOK { // otherwise the text of response names the redirect
		fmt.Fprintf(w, "  redirected to: %s %s\n", escape.Line(response.Method),
			escape.Line(response.URL))
	}
	if method != response.Method {
		fmt.Fprintf(w, "  (the redirect turned the %s into a %s without a body; "+
			"use the URL that it leads to)\n", escape.Line(method), escape.Line(response.Method))
	}
	from, err := url.Parse(target)
	to, toErr := url.Parse(response.URL)
	return err == nil && toErr == nil && from.Host != to.Host
}

// isEncoded reports whether the body of a response with the header h is compressed.
func isEncoded(h http.Header) bool {
	encoding := strings.ToLower(h.Get("Content-Encoding"))
	return encoding != "" && encoding != "identity" && encoding != "none"
}

// isJSON reports whether the body of a response with the header h is JSON.
func isJSON(h http.Header) bool {
	mediaType, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return mediaType == "application/json"
}
