package main

import (
	"io"
	"os"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A sink is where the events of a run go.
type sink interface {
	// event prints ev, which arrived at the time now, gap after the event before it.
	event(ev sse.Event, now time.Time, gap time.Duration) error

	// close ends the output.
	close() error
}

// openOutput chooses between the view and the formats for programs.
func (s *session) openOutput(out *os.File) {
	o := s.o
	info := inspectTerminal(out, o.color, o.getenv)
	s.diag = o.stderr
	wantsView := o.format == formatAuto && (info.isTerminal || o.color == "always")
	if o.format == formatView || wantsView {
		v := newView(out, o.stderr, s.stats, info)
		v.full, v.quiet = o.full, o.silent
		s.view, s.observer, s.sink = v, v, v
		s.onTerminal = info.isTerminal
		if isTerminal(o.stderr) {
			s.diag = v
		}
		s.lines.onRetry = v.retry
		s.beginFile() // the view also prints before the stream is open
		v.start()
		return
	}
	s.observer = &plainObserver{w: o.stderr, silent: o.silent}
	s.printer = newPrinter(out, o.format, info.isTerminal)
	s.sink = s.printer
	if o.format == formatField {
		s.printer.setPath(o.path, s.streamError)
	}
}

// streamError reports an error that the stream sends as an event instead of the printed field.
func (s *session) streamError(text string) {
	if s.printer.inLine() && !s.o.silent {
		io.WriteString(s.o.stderr, "\n") // the printed text has not ended its line
	}
	s.observer.note(text)
}
