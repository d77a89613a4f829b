package sse

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v4"
)

// checkRedirect does what HTTPClient does, but tells another host no more than a browser tells it. A
// query and every header that is not known to be harmless may hold a token.
func (s *Stream) checkRedirect(r *http.Request, via []*http.Request) error {
	discreet(r, via)
	var err error
	if s.redirect != nil {
		err = s.redirect(r, via)
	} else if len(via) >= maxRedirects {
		err = errors.New("stopped after 10 redirects")
	}
	if err == nil || err == http.ErrUseLastResponse || r.Context().Err() != nil {
		return err
	}
	return backoff.Permanent(err)
}

// harmless are the headers that a redirect may take to any host: they say how to answer, not whom.
var harmless = map[string]bool{
	"Accept": true, "Accept-Charset": true, "Accept-Encoding": true, "Accept-Language": true,
	"Cache-Control": true, "Content-Encoding": true, "Content-Language": true, "Content-Type": true,
	"Idempotency-Key": true, "X-Idempotency-Key": true, "Last-Event-Id": true, "Pragma": true,
	"Referer": true, "User-Agent": true,
}

// discreet takes from r, to which a redirect leads, the headers that are not for the one it goes to.
func discreet(r *http.Request, via []*http.Request) {
	away, secure := false, false
	for _, u := range append(via[:len(via):len(via)], r) {
		secure = secure || u.URL.Scheme == "https"
		away = away || secure && u.URL.Scheme != "https" || !within(u.URL.Hostname(), via[0].URL.Hostname())
	}
	for name, values := range r.Header {
		switch key := http.CanonicalHeaderKey(name); {
		case away && !harmless[key]:
			delete(r.Header, name)
		case key == "Referer" && len(values) > 0:
			if ref := referer(values[0], r.URL); ref != "" {
				r.Header[name] = []string{ref}
			} else {
				delete(r.Header, name)
			}
		}
	}
}

// within reports whether host is parent or a subdomain of it, as net/http has it.
func within(host, parent string) bool {
	host, parent = fold(host), fold(parent)
	return host == parent || strings.HasSuffix(host, "."+parent) && !strings.ContainsAny(host, ":%")
}

// fold is host in lower case, if it is ASCII. Of other letters it is not known which are the same.
func fold(host string) string {
	if strings.IndexFunc(host, func(c rune) bool { return c >= utf8.RuneSelf }) >= 0 {
		return host
	}
	return strings.ToLower(host)
}

// referer is what a request for to may say of where it comes from: all to the same host, scheme and host
// to another, and nothing without TLS of what has it.
func referer(ref string, to *url.URL) string {
	u, err := url.Parse(ref)
	switch {
	case err != nil || u.Host == "" || u.Scheme == "https" && to.Scheme != "https":
		return ""
	case u.Host != to.Host:
		return u.Scheme + "://" + u.Host + "/"
	}
	return ref
}
