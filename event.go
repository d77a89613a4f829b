package sse

import (
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An Event is an event of a stream, as section 9.2.6 of the WHATWG HTML standard dispatches it.
//
// To resume a stream later, store the result of [Stream.LastEventID] rather than ID, because it can
// always be sent in a header.
type Event struct {
	// ID is the last event ID string when the event was dispatched: the value of the last id
	// field of the stream, in this event or an earlier one. It is empty if there was none.
	ID string `json:"id"`

	// Type is the type of the event. It is "message" if the stream did not specify one.
	Type string `json:"type"`

	// Data contains the values of the data fields, joined by "\n".
	Data string `json:"data"`
}

// A FieldError reports a field of an Event that cannot be written to a stream so that it is read
// back unchanged.
type FieldError struct {
	Field  string // the name of the field in the stream: "id", "event" or "data"
	reason string
}

// Error returns a text such as "sse: id contains a line break".
func (e *FieldError) Error() string { return "sse: " + e.Field + " " + e.reason }

// Append appends the event to b in the format of a stream, with the blank line that ends it, and
// returns the extended slice. If ID is empty, there is no id field, and the client keeps its last
// event ID. (An empty id field would reset it.) If Type is empty or "message", there is no event
// field. There is one data field for each line of Data.
//
// If the event cannot be written so that it is read back unchanged, Append returns b as it was and
// a [*FieldError]. This is the case if ID or Type contains a CR or LF, ID contains a NUL, Data
// contains a CR, or one of them is not valid UTF-8.
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

// appendField appends a line with a field to b. name includes the colon and the space after it.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, value...)
	return append(b, '\n')
}

// check returns a *FieldError if a field of e cannot be written.
func (e Event) check() error {
	switch {
	case strings.ContainsAny(e.ID, "\r\n"):
		return &FieldError{"id", "contains a line break"}
	case strings.IndexByte(e.ID, 0) >= 0:
		return &FieldError{"id", "contains U+0000"}
	case !utf8.ValidString(e.ID):
		return &FieldError{"id", "is not valid UTF-8"}
	case strings.ContainsAny(e.Type, "\r\n"):
		return &FieldError{"event", "contains a line break"}
	case !utf8.ValidString(e.Type):
		return &FieldError{"event", "is not valid UTF-8"}
	case strings.IndexByte(e.Data, '\r') >= 0:
		return &FieldError{"data", "contains a carriage return"}
	case !utf8.ValidString(e.Data):
		return &FieldError{"data", "is not valid UTF-8"}
	}
	return nil
}

// WriteTo writes the event to w with one call to Write, in the format described at Append. If
// Append returns an error, WriteTo returns it and writes nothing.
func (e Event) WriteTo(w io.Writer) (int64, error) {
	b, err := e.Append(nil)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(b)
	return int64(n), err
}

// AppendComment appends a comment to b and returns the extended slice. A comment is a line that
// starts with a colon. There is one for each line of text, in which invalid UTF-8 is replaced by
// U+FFFD. Clients ignore comments. A server sends one from time to time to show that the connection
// is alive.
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

// AppendRetry appends a retry field to b and returns the extended slice. The field tells the client
// to wait for d before it reconnects. d is rounded up to a whole number of milliseconds. If d is
// negative, zero is written.
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
