package sse

import (
	"errors"
	"net/textproto"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v4"
)

// Limits of text that a server may have chosen, in bytes.
const (
	maxLogError   = 1 << 10 // of an error in a log record
	maxErrorURL   = 2 << 10 // of a URL
	maxErrorCause = 1 << 10 // of an error of net/http or of a decode function
)

// redactError returns err without the secrets that errors of net/http contain: the user information
// and the query of a URL, and header values that it quotes. net/http also quotes servers, proxies
// and certificates, so redactError calls sanitizeError.
func redactError(err error) error {
	if p, ok := err.(*backoff.PermanentError); ok {
		return backoff.Permanent(redactError(p.Err))
	}
	uerr, ok := err.(*url.Error)
	if !ok {
		return redactWrapped(err)
	}
	redacted, inner := "", redactError(uerr.Err)
	if u, err := url.Parse(uerr.URL); err == nil {
		redacted = redactURL(u)
	} else if uerr.Op == "parse" {
		// The text of a parse error may quote a part of a password.
		what, _, _ := strings.Cut(inner.Error(), `"`)
		inner = errors.New(strings.TrimSpace(what))
	} else if strings.Contains(uerr.URL, "@") {
		inner = errors.New("invalid URL")
	}
	if inner != nil && strings.HasPrefix(inner.Error(), badLocation) {
		inner = errors.New(badLocation) // the text quotes the location
	}
	if header := textproto.ProtocolError(""); errors.As(inner, &header) {
		// The text quotes the header line, which may be a location.
		what, _, _ := strings.Cut(header.Error(), ":")
		inner = textproto.ProtocolError(what)
	}
	if inner != nil {
		inner = sanitizeError(inner)
	}
	return &url.Error{Op: uerr.Op, URL: redacted, Err: inner}
}

// redactWrapped returns err, which may wrap a *url.Error, with a text that contains no secrets of
// that.
func redactWrapped(err error) error {
	var uerr *url.Error
	if !errors.As(err, &uerr) {
		return err
	}
	text := err.Error()
	if clean := strings.ReplaceAll(text, uerr.Error(), redactError(uerr).Error()); clean != text {
		return &textError{clean, err}
	}
	return err
}

// sanitizeError returns err with a text that is bounded and has no control characters.
func sanitizeError(err error) error {
	text := err.Error()
	if clean := sanitize([]byte(text), maxErrorCause); clean != text {
		return &textError{clean, err}
	}
	return err
}

// A textError is an error with another text.
type textError struct {
	text string
	err  error
}

func (e *textError) Error() string { return e.text }
func (e *textError) Unwrap() error { return e.err }

// Timeout reports whether e.err is a timeout. A url.Error asks only the error that it contains.
func (e *textError) Timeout() bool {
	t, ok := e.err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// redactURL returns u without user information, query and fragment, cut to 2 KiB. An opaque URL is
// dropped altogether, because any part of it may contain credentials.
func redactURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	bare := *u
	bare.User, bare.Opaque = nil, ""
	bare.RawQuery, bare.ForceQuery = "", false
	bare.Fragment, bare.RawFragment = "", ""
	s := bare.String()
	if len(s) > maxErrorURL {
		return s[:maxErrorURL] + "…"
	}
	return s
}

// sanitize returns the first n bytes of text that a server sent, as one line without control
// characters. It marks text that was cut.
func sanitize(b []byte, n int) string {
	b = appendUTF8(nil, b[:min(len(b), n+utf8.UTFMax)]) // decoding does not shorten b
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
