package check

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/seed-0d85b69d/sse/internal/secret"
)

// checkRedirects checks the redirects that led to the response.
func (c *checker) checkRedirects(resp *http.Response) {
	var redirected []*http.Request // the requests that follow a redirect, the last one first
	for r := resp.Request; r != nil && r.Response != nil; r = r.Response.Request {
		redirected = append(redirected, r)
	}
	for _, to := range slices.Backward(redirected) {
		status, from := to.Response.StatusCode, to.Response.Request
		if from == nil {
			continue
		}
		c.addResponse("redirect", "The request was redirected with status %d from %s to %s. "+
			"Each reconnection repeats this, so use the last URL.",
			status, redactURL(from.URL), redactURL(to.URL))
		if before, after := method(from), method(to); before != after {
			c.addResponse("redirect-to-get", "The redirect with status %d from %s turned the %s into "+
				"a %s, so its body was lost. Redirect with status 307 or 308.",
				status, redactURL(from.URL), before, after)
		}
	}
}

func method(r *http.Request) string { return cmp.Or(r.Method, http.MethodGet) }

// redactURL returns the beginning of u without secrets.
func redactURL(u *url.URL) string {
	if u == nil {
		return "an unknown URL"
	}
	return clip(secret.RedactURL(u), 200)
}
