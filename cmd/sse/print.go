package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
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
	b = escape.Append(b, ev.Type, "")
	b = append(b, '\t')
	if ev.ID == "" {
		b = append(b, '-')
	}
	b = escape.Append(b, ev.ID, "")
	b = append(b, '\t')
	b = escape.Append(b, ev.Data, "\t")
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
	if text := b[start : len(b)-1]; bytes.IndexFunc(text, escape.IsUnsafe) >= 0 {
		var safe []byte
		for _, r := range string(text) {
			if !escape.IsUnsafe(r) {
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
