package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse"
)

// A printer writes events in one of the forms for pipes: each event with
// one write, at once.
type printer struct {
	w    io.Writer
	form func(b []byte, ev sse.Event) []byte
	buf  []byte
}

func (p *printer) print(ev sse.Event) error {
	p.buf = p.form(p.buf[:0], ev)
	if len(p.buf) == 0 {
		return nil
	}
	_, err := p.w.Write(p.buf)
	if cap(p.buf) > 1<<20 {
		p.buf = nil // one huge event is not kept for the rest of the run
	}
	return err
}

// appendLine is the form for reading and grep: type, id and data with tabs
// between, an event a line. A line end in the data shows as \n, a control
// character as \x1b; --json is the form that can be undone.
func appendLine(b []byte, ev sse.Event) []byte {
	b = appendEscaped(b, ev.Type, "")
	b = append(b, '\t')
	if ev.ID == "" {
		b = append(b, '-')
	}
	b = appendEscaped(b, ev.ID, "")
	b = append(b, '\t')
	b = appendEscaped(b, ev.Data, "\t")
	return append(b, '\n')
}

// appendJSON is one object a line. Control characters that JSON allows
// as they are (DEL, C1, bidirectional overrides) are written as \u escapes:
// the same string to a program, and harmless on a terminal.
func appendJSON(b []byte, ev sse.Event) []byte {
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	start := len(b)
	enc.Encode(ev) // three strings: it can't fail
	b = buf.Bytes()
	if text := b[start : len(b)-1]; bytes.IndexFunc(text, unsafeRune) >= 0 {
		var safe []byte
		for _, r := range string(text) {
			if !unsafeRune(r) {
				safe = utf8.AppendRune(safe, r)
			} else if r < 0x10000 {
				safe = fmt.Appendf(safe, `\u%04x`, r)
			} else {
				r -= 0x10000
				safe = fmt.Appendf(safe, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			}
		}
		b = append(append(b[:start], safe...), '\n')
	}
	return b
}

// appendData is the data and a line end; the lines of data that has
// several stay lines.
func appendData(b []byte, ev sse.Event) []byte {
	return append(append(b, ev.Data...), '\n')
}

// A fieldForm prints one part of JSON data as it streams by, nothing between.
type fieldForm struct {
	path  []string
	found bool
	last  byte
	note  func(string) // told of errors that the stream itself says
	notes int
}

// mostNotes is how many of them are told.
const mostNotes = 3

func (f *fieldForm) form(b []byte, ev sse.Event) []byte {
	v, ok := lookup(ev.Data, f.path)
	if !ok {
		what, _ := lookup(ev.Data, []string{"error"})
		failed := what != "" && what != "false" && what != "0" || ev.Type == "error"
		if failed && f.notes < mostNotes {
			f.notes++
			f.note("the stream says: " + escape(ev.Data[:cutRune(ev.Data, 500)]))
		}
		return b
	}
	f.found = true
	b = append(b, v...)
	if v != "" {
		f.last = v[len(v)-1]
	}
	return b
}

// cutRune returns at most n, so that s[:n] cuts no character.
func cutRune(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for i := n; i > n-utf8.UTFMax && i > 0; i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return n
}

// splitPath cuts choices.0.delta.content at its dots; a dot that belongs to
// a name is written \.
func splitPath(s string) []string {
	path := strings.Split(strings.ReplaceAll(s, `\.`, "\x00"), ".")
	for i := range path {
		path[i] = strings.ReplaceAll(path[i], "\x00", ".")
	}
	return path
}

// lookup finds the value at path in data: a string as its text, anything
// else as its JSON. Null is nothing.
func lookup(data string, path []string) (string, bool) {
	v := json.RawMessage(data)
	for _, name := range path {
		switch first(v) {
		case '{':
			var m map[string]json.RawMessage
			if json.Unmarshal(v, &m) != nil {
				return "", false
			}
			v = m[name]
		case '[':
			var a []json.RawMessage
			i, err := strconv.Atoi(name)
			if err != nil || json.Unmarshal(v, &a) != nil || i < 0 || i >= len(a) {
				return "", false
			}
			v = a[i]
		default:
			return "", false
		}
	}
	switch first(v) {
	case 0, 'n':
		return "", false
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err == nil
	}
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return "", false
	}
	return b.String(), true
}

func first(v []byte) byte {
	v = bytes.TrimLeft(v, " \t\r\n")
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// unsafeRune reports whether r could act on a terminal, or turn the text
// around it, instead of being shown: all control characters (C0, DEL, C1),
// line and paragraph separators, and invisible format characters, but for the
// two joiners that scripts and emoji need.
func unsafeRune(r rune) bool {
	switch {
	case r < 0x20 || r == 0x7f:
		return true
	case r < 0x7f:
		return false
	case r == 0x200c || r == 0x200d:
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// appendEscaped appends s with its unsafe characters, but for those in
// keep, and its invalid bytes written as in Go: \n, \x1b, \u202e, \xff.
func appendEscaped(b []byte, s, keep string) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, `\x%02x`, s[i])
		case !unsafeRune(r) || strings.ContainsRune(keep, r):
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

// escape makes s safe to show on one line.
func escape(s string) string { return string(appendEscaped(nil, s, "")) }

// escapeText makes s safe to show, and keeps its lines and tabs.
func escapeText(s string) string { return string(appendEscaped(nil, s, "\n\t")) }

// A safeWriter stands between what a server sends and a terminal. It keeps
// lines and tabs, and a character that is cut in two by two writes whole.
type safeWriter struct {
	w    io.Writer
	tail []byte
}

func (s *safeWriter) Write(p []byte) (int, error) {
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
	s.tail = append([]byte(nil), b[end:]...)
	if _, err := s.w.Write(appendEscaped(nil, string(b[:end]), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes what a last write left unfinished.
func (s *safeWriter) flush() error {
	_, err := io.WriteString(s.w, escapeText(string(s.tail)))
	s.tail = nil
	return err
}
