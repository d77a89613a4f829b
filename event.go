package sse

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An Event is one event of a stream, as section 9.2.6 of the WHATWG HTML standard dispatches it. To
// resume later, store what [Stream.LastEventID] returns rather than ID: it is always fit for a
// header.
type Event struct {
	ID   string `json:"id"`   // the stream's last event ID when the event was dispatched, "" where there is none
	Type string `json:"type"` // "message" where the stream named none
	Data string `json:"data"` // the data lines, joined by "\n"
}

// The reasons why an event can't be written. The error that Append returns wraps one of them and
// names the field.
var (
	ErrLineEnd     = errors.New("has a line end that would forge a line")
	ErrNUL         = errors.New("has a NUL, so that it would be ignored")
	ErrInvalidUTF8 = errors.New("is not valid UTF-8")
)

// A FieldError says which field of an event can't be written, and why.
type FieldError struct {
	Field string // "id", "event" or "data", as on the wire
	Err   error  // ErrLineEnd, ErrNUL or ErrInvalidUTF8
}

func (e *FieldError) Error() string { return "sse: " + e.Field + " " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *FieldError) Unwrap() error { return e.Err }

// Append appends the event's wire form, blank line included, to b and returns the extended slice.
// An ID of "" writes no id line, so who reads it goes on with the last ID (the line "id" would reset that);
// a Type of "" or "message" writes no event line; Data is written a line for each of its lines.
//
// What can't be written so that it comes back equal is a *FieldError, and b is returned as it was:
// a CR or LF in ID or Type, a NUL in ID, a CR in Data, invalid UTF-8 in any of them.
func (e Event) Append(b []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return b, err
	}
	if e.ID != "" {
		b = appendField(b, "id: ", e.ID)
	}
	if e.Type != "" && e.Type != "message" {
		b = appendField(b, "event: ", e.Type)
	}
	for data := e.Data; ; {
		line, rest, more := strings.Cut(data, "\n")
		b = appendField(b, "data: ", line)
		if !more {
			return append(b, '\n'), nil
		}
		data = rest
	}
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, value...)
	return append(b, '\n')
}

func (e Event) check() error {
	for _, f := range [...]struct{ name, value, lineEnds string }{
		{"id", e.ID, "\r\n"}, {"event", e.Type, "\r\n"}, {"data", e.Data, "\r"},
	} {
		switch {
		case strings.ContainsAny(f.value, f.lineEnds):
			return &FieldError{f.name, ErrLineEnd}
		case f.name == "id" && strings.IndexByte(f.value, 0) >= 0:
			return &FieldError{f.name, ErrNUL}
		case !utf8.ValidString(f.value):
			return &FieldError{f.name, ErrInvalidUTF8}
		}
	}
	return nil
}

// WriteTo writes the event's wire form to w in one call of Write; nothing is written of an event
// that Append refuses.
func (e Event) WriteTo(w io.Writer) (int64, error) {
	b, err := e.Append(nil)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(b)
	return int64(n), err
}

// AppendComment appends a comment to b: a line that starts with a colon, for each line of text.
// Parsers skip it; a server sends one now and then so that nobody takes the connection for dead.
// Invalid UTF-8 is replaced by U+FFFD.
func AppendComment(b []byte, text string) []byte {
	b = append(b, ':')
	if !utf8.ValidString(text) {
		text = string(appendUTF8(nil, []byte(text)))
	}
	for {
		i := strings.IndexAny(text, "\r\n")
		if i < 0 {
			return append(append(b, text...), '\n')
		}
		b = append(append(b, text[:i]...), "\n:"...)
		text = strings.TrimPrefix(text[i:], "\r")
		text = strings.TrimPrefix(text, "\n")
	}
}

// AppendRetry appends a retry field to b: the time that a client shall wait before it connects
// again. It is rounded up to a millisecond; less than zero is zero.
func AppendRetry(b []byte, d time.Duration) []byte {
	ms := max(d, 0) / time.Millisecond
	if d > ms*time.Millisecond {
		ms++
	}
	b = append(b, "retry: "...)
	b = strconv.AppendInt(b, int64(ms), 10)
	return append(b, '\n')
}

// concat returns the concatenation of a and b. It builds a short string on the stack, which is
// faster than a strings.Builder.
func concat(a, b []byte) string {
	if short := [64]byte{}; len(a)+len(b) <= len(short) {
		return string(append(append(short[:0], a...), b...))
	}
	var s strings.Builder
	s.Grow(len(a) + len(b))
	s.Write(a)
	s.Write(b)
	return s.String()
}
