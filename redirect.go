package sse

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v4"
)

const maxRedirects = 10 // as in net/http

// redirectPolicy returns the CheckRedirect function of a Stream whose HTTPClient has the function
// next. It strips headers first, so that next may set them again for a host that it trusts.
func redirectPolicy(
	next func(*http.Request, []*http.Request) error,
) func(*http.Request, []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		stripHeaders(r, via)
		var err error
		if next != nil {
			err = next(r, via)
		} else if len(via) >= maxRedirects {
			err = errors.New("stopped after 10 redirects")
		}
		if err == nil || err == http.ErrUseLastResponse || r.Context().Err() != nil {
			return err
		}
		return backoff.Permanent(err)
	}
}

// safeRedirectHeaders are the headers that may be sent to any host, because they do not contain
// credentials. Any other header may contain a token.
var safeRedirectHeaders = map[string]bool{
	"Accept": true, "Accept-Charset": true, "Accept-Encoding": true, "Accept-Language": true,
	"Cache-Control": true, "Content-Encoding": true, "Content-Language": true, "Content-Type": true,
	"Idempotency-Key": true, "X-Idempotency-Key": true, "Last-Event-Id": true, "Pragma": true,
	"Referer": true, "User-Agent": true,
}

// stripHeaders removes from r, which follows a redirect, the headers that must not be sent to its
// host.
func stripHeaders(r *http.Request, via []*http.Request) {
	trusted, secure := true, false
	for _, hop := range append(via[:len(via):len(via)], r) {
		secure = secure || hop.URL.Scheme == "https"
		downgraded := secure && hop.URL.Scheme != "https"
		if downgraded || !isDomainOrSubdomain(hop.URL.Hostname(), via[0].URL.Hostname()) {
			trusted = false // and not again if a later redirect leads back
		}
	}
	for name, values := range r.Header {
		switch key := http.CanonicalHeaderKey(name); {
		case !trusted && !safeRedirectHeaders[key]:
			delete(r.Header, name)
		case key == "Referer" && len(values) > 0:
			if ref := refererForURL(values[0], r.URL); ref != "" {
				r.Header[name] = []string{ref}
			} else {
				delete(r.Header, name)
			}
		}
	}
}

// isDomainOrSubdomain reports whether host is parent or a subdomain of it, as in net/http.
func isDomainOrSubdomain(host, parent string) bool {
	host, parent = asciiLower(host), asciiLower(parent)
	return host == parent ||
		strings.HasSuffix(host, "."+parent) && !strings.ContainsAny(host, ":%")
}

// asciiLower returns host in lower case if it is ASCII. It returns any other host unchanged,
// because it is not known which of its letters servers consider equal.
func asciiLower(host string) string {
	if strings.IndexFunc(host, func(c rune) bool { return c >= utf8.RuneSelf }) >= 0 {
		return host
	}
	return strings.ToLower(host)
}

// refererForURL returns the Referer header of a request for to that follows a request whose Referer
// was ref. It returns ref for the same host, scheme and host for another one, and "" for a request
// without TLS if ref has TLS.
func refererForURL(ref string, to *url.URL) string {
	u, err := url.Parse(ref)
	switch {
	case err != nil || u.Host == "" || u.Scheme == "https" && to.Scheme != "https":
		return ""
	case u.Host != to.Host:
		return u.Scheme + "://" + u.Host + "/"
	}
	return ref
}
