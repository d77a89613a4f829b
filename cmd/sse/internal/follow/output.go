package follow

import (
	"os"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/term"
)

// A sink is where the events of a run go.
type sink interface {
	// Event prints ev, which arrived at the time now, gap after the event before it.
	Event(ev sse.Event, now time.Time, gap time.Duration) error

	// Close ends the output.
	Close() error
}

// openOutput chooses between the view and the formats for programs.
func (s *session) openOutput(out *os.File) {
	o := s.o
	info := term.Inspect(out, o.Color, o.Getenv)
	s.diag = o.Stderr
	wantsView := o.Format == output.FormatAuto && (info.IsTerminal || o.Color == "always")
	if o.Format == output.FormatView || wantsView {
		v := term.NewView(out, o.Stderr, s.stats, info)
		v.Full, v.Quiet = o.Full, o.Silent
		s.view, s.observer, s.sink = v, v, v
		s.onTerminal = info.IsTerminal
		if term.IsTerminal(o.Stderr) {
			s.diag = v
		}
		s.lines.onRetry = v.Retry
		s.beginFile() // the view also prints before the stream is open
		v.Start()
		return
	}
	s.printer = output.NewPrinter(out, o.Format, info.IsTerminal)
	s.sink = s.printer
	if info.IsTerminal && term.IsTerminal(o.Stderr) {
		s.diag = lineWriter{o.Stderr, s.printer}
	}
	s.observer = &plainObserver{w: s.diag, silent: o.Silent}
	switch o.Format {
	case output.FormatField:
		s.printer.SetPath(o.Path)
	case output.FormatText:
		s.openText(info)
	}
}
