// Package output prints events in the formats for programs.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// A Format is the form in which events are printed.
type Format string

// The formats. The names of those for programs are the names of their flags.
const (
	FormatAuto  Format = "" // the view on a terminal, otherwise a line for each event
	FormatView  Format = "view"
	FormatJSON  Format = "json"
	FormatData  Format = "data"
	FormatField Format = "field"
	FormatText  Format = "text"
	FormatRaw   Format = "raw"
)

// A Printer writes events in a format for programs, each with a single call of Write.
type Printer struct {
	w      io.Writer
	safe   *escape.Writer // w, if it is a terminal
	append func(b []byte, ev sse.Event) []byte
	field  *field // of FormatField
	text   *Text  // of FormatText
	buf    []byte

	mu     sync.Mutex
	inLine bool // the running text of FormatField or FormatText has not ended its line
}

// NewPrinter returns a Printer that writes to w, which may be a terminal. For FormatField, SetPath
// must be called before events are printed, and for FormatText, SetText.
func NewPrinter(w io.Writer, f Format, isTerminal bool) *Printer {
	p := &Printer{w: w}
	if isTerminal && f != FormatJSON && f != FormatText { // these contain no control characters
		p.safe = escape.NewWriter(w)
		p.w = p.safe
	}
	switch f {
	case FormatJSON:
		p.append = appendJSON
	case FormatData:
		p.append = appendData
	case FormatRaw:
		p.append = func(b []byte, _ sse.Event) []byte { return b } // the caller uses Write
	default:
		p.append = appendLine
	}
	return p
}

// SetPath makes p print the part of the JSON data at path.
func (p *Printer) SetPath(path []string) {
	p.field = &field{path: path}
	p.append = p.field.append
}

// SetText makes p print the text of t.
func (p *Printer) SetText(t *Text) { p.text, p.append = t, t.append }

// Found reports whether an event had the field of SetPath.
func (p *Printer) Found() bool { return p.field != nil && p.field.found }

// BreakLine calls write if running text was printed that has not ended its line. After that, p
// considers the line ended.
func (p *Printer) BreakLine(write func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inLine {
		p.inLine = false
		write()
	}
}

// Event prints ev.
func (p *Printer) Event(ev sse.Event, _ time.Time, _ time.Duration) error {
	p.buf = p.append(p.buf[:0], ev)
	if len(p.buf) == 0 {
		return nil
	}
	p.mu.Lock()
	_, err := p.w.Write(p.buf)
	if p.field != nil || p.text != nil {
		p.inLine = p.buf[len(p.buf)-1] != '\n'
	}
	p.mu.Unlock()
	if cap(p.buf) > 1<<20 {
		p.buf = nil // do not keep the memory of a huge event
	}
	return err
}

// Write writes bytes of the stream.
func (p *Printer) Write(b []byte) (int, error) { return p.w.Write(b) }

// Close ends the last line of the output.
func (p *Printer) Close() error {
	p.BreakLine(func() { io.WriteString(p.w, "\n") })
	if p.safe == nil {
		return nil
	}
	return p.safe.Flush()
}

// appendLine appends the type, the ID and the data of ev, separated by tabs. A line break in the
// data becomes \n and a control character \x1b, so only appendJSON is reversible.
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

// appendJSON appends ev as a JSON object and a line feed. Control characters that JSON allows
// unescaped (DEL, C1, bidirectional overrides) are written as \u escapes, which programs read as
// the same string and terminals do not act on.
func appendJSON(b []byte, ev sse.Event) []byte {
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	start := len(b)
	enc.Encode(ev) // encoding three strings does not fail
	b = buf.Bytes()
	text := b[start : len(b)-1]
	if bytes.IndexFunc(text, escape.IsUnsafe) < 0 {
		return b
	}
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
	return append(append(b[:start], safe...), '\n')
}

// appendData appends the data of ev, which may have several lines, and a line feed.
func appendData(b []byte, ev sse.Event) []byte {
	return append(append(b, ev.Data...), '\n')
}
