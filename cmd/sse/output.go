package main

import (
	"io"
	"os"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// output decides what the output looks like. The function it returns ends
// the output, and the status line.
func (s *session) output(out *os.File) (stop func()) {
	o := s.o
	look := lookOf(out, o.color, s.std.getenv)
	s.diag = s.std.err
	s.finish = func() error { return nil }
	s.obs = &terse{w: s.std.err, quiet: o.silent}
	if o.form == "view" || o.form == "" && (look.terminal || o.color == "always") {
		v := &view{out: out, err: s.std.err, stats: s.stats, color: look.color, full: o.full, quiet: o.silent, terminal: look.terminal, width: look.width}
		v.bottom = look.cursor && !o.silent
		s.view, s.obs, s.emit = v, v, v.event
		if _, ok := terminalWidth(s.std.err); ok {
			s.diag = v
		}
		s.watch.retry = v.retry
		return v.run()
	}
	var w io.Writer = out
	safe := escape.NewWriter(out)
	if look.terminal && o.form != "json" {
		w = safe
	}
	p := &printer{w: w}
	switch o.form {
	case "json":
		p.form = appendJSON
	case "data":
		p.form = appendData
	case "field":
		s.field = &fieldForm{path: o.field, note: func(text string) {
			if s.field.last != '\n' && s.field.found && !o.silent {
				io.WriteString(s.std.err, "\n") // the text is not finished
			}
			s.obs.note(text)
		}}
		p.form = s.field.form
	case "raw":
		s.raw = w
		p.form = func(b []byte, _ sse.Event) []byte { return b }
	default:
		p.form = appendLine
	}
	s.emit = func(ev sse.Event, _ time.Time, _ time.Duration) error { return p.print(ev) }
	s.finish = func() error {
		if s.field != nil && s.field.found && s.field.last != '\n' {
			io.WriteString(w, "\n")
		}
		return safe.Flush()
	}
	return func() {}
}
