package sse

import (
	"errors"
	"net/textproto"
	"net/url"
	"strings"
	"unicode"

	"github.com/cenkalti/backoff/v4"
)

// redact returns err without user info and query in the URL of a *url.Error.
func redact(err error) error {
	if p, ok := err.(*backoff.PermanentError); ok {
		return backoff.Permanent(redact(p.Err))
	}
	uerr, ok := err.(*url.Error)
	if !ok {
		return err
	}
	bare, inner := "", redact(uerr.Err)
	if u, err := url.Parse(uerr.URL); err == nil {
		bare = bareURL(u)
	} else if uerr.Op == "parse" {
		what, _, _ := strings.Cut(inner.Error(), `"`) // the text may quote a part of a password
		inner = errors.New(strings.TrimSpace(what))
	} else if strings.Contains(uerr.URL, "@") {
		inner = errors.New("invalid URL") // likewise
	}
	if inner != nil && strings.HasPrefix(inner.Error(), badLocation) {
		inner = errors.New(badLocation) // the text quotes the location
	}
	if header := textproto.ProtocolError(""); errors.As(inner, &header) {
		what, _, _ := strings.Cut(header.Error(), ":")
		inner = textproto.ProtocolError(what) // the text quotes the line, and that may be a location
	}
	return &url.Error{Op: uerr.Op, URL: bare, Err: inner}
}

// bareURL returns u without user info, query and fragment: it may be logged. What was written
// without "//" has no part that is known to be no user info.
func bareURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	bare := *u
	bare.User, bare.Opaque, bare.RawQuery, bare.ForceQuery, bare.Fragment, bare.RawFragment = nil, "", "", false, "", ""
	return bare.String()
}

// printable returns at most n bytes of b as one line without control characters.
func printable(b []byte, n int) string {
	b = appendUTF8(nil, b)
	more := len(b) > n
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		} else if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(b[:cutUTF8(b, n)]))
	s = strings.Join(strings.Fields(s), " ")
	if more {
		s += "…"
	}
	return s
}
