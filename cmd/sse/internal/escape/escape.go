// Package escape makes text from a server safe to print on a terminal.
package escape

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Truncate returns the longest prefix of s that has at most n bytes and ends between characters.
func Truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax && i > 0; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}

// IsUnsafe reports whether r could control a terminal or change how the text around it is shown.
// These are all control characters (C0, DEL, C1), line and paragraph separators, and invisible
// format characters, except the two joiners that scripts and emoji need.
func IsUnsafe(r rune) bool {
	switch {
	case r < 0x20 || r == 0x7f:
		return true
	case r < 0x7f:
		return false
	case r == 0x200c || r == 0x200d: // the joiners
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Append appends s to b. Unsafe characters that are not in keep, and invalid bytes, are written as
// in Go: \n, \x1b, \u202e, \xff.
func Append(b []byte, s, keep string) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, `\x%02x`, s[i])
		case !IsUnsafe(r) || strings.ContainsRune(keep, r):
			b = append(b, s[i:i+n]...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < 0x100:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
		i += n
	}
	return b
}

// AppendControl appends s to b. Control characters except line breaks and tabs are written as in
// Go. Unlike Append, it keeps invisible format characters, which belong to the text of many
// languages.
func AppendControl(b []byte, s string) []byte {
	start := 0
	for i, r := range s {
		isControl := unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
		if isControl {
			b = append(b, s[start:i]...)
			b = fmt.Appendf(b, `\x%02x`, r)
			start = i + utf8.RuneLen(r)
		}
	}
	return append(b, s[start:]...)
}

// Line returns s with all unsafe characters escaped, so that it can be shown on one line.
func Line(s string) string { return string(Append(nil, s, "")) }

// Text returns s with all unsafe characters escaped except line feeds and tabs.
func Text(s string) string { return string(Append(nil, s, "\n\t")) }

// A Writer escapes unsafe characters except line feeds and tabs. A character may be divided between
// two calls of Write.
type Writer struct {
	w    io.Writer
	tail []byte // an incomplete character
}

// NewWriter returns a Writer that writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes p, except an incomplete character at its end.
func (s *Writer) Write(p []byte) (int, error) {
	b := append(s.tail, p...)
	end := len(b)
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				end = len(b) - i
			}
			break
		}
	}
	s.tail = bytes.Clone(b[end:])
	if _, err := s.w.Write(Append(nil, string(b[:end]), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes the incomplete character at the end of the last Write.
func (s *Writer) Flush() error {
	_, err := io.WriteString(s.w, Text(string(s.tail)))
	s.tail = nil
	return err
}
