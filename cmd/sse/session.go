package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A session is the state of one run. The hooks of the client use it from other goroutines only
// through seen, explained, stats and lines.
type session struct {
	o         *options
	hooks     hooks
	cancel    context.CancelCauseFunc
	stats     *stats
	lines     *lineStats
	rec       *recorder
	saver     *saver // nil without --state
	beginFile func() // truncates the file of -o; called when the stream is open

	sink       sink
	view       *view    // the sink, if it is the terminal view
	printer    *printer // the sink, if it is not
	observer   observer
	onTerminal bool      // the sink is the view, on a terminal
	diag       io.Writer // standard error, above the status line if there is one

	lastErr   error        // the error that --no-reconnect made final
	seen      atomic.Int64 // the events that arrived, printed or not
	explained atomic.Bool
}

// Reasons to end a run.
var (
	errTimeUp   = &errtext.Stop{Name: "for", Text: "time is up (--for)"}
	errUntil    = &errtext.Stop{Name: "until", Text: "--until"}
	errInputEnd = &errtext.Stop{Name: "input", Text: "end of the input"}
)

// loop prints events until the source has no more, or until -n or --until ends the run. In that
// case it returns an *errtext.Stop. Any other error means that the output cannot be written.
func (s *session) loop(src source) error {
	o := s.o
	for printed := 0; src.Next(); {
		now, ev := time.Now(), src.Event()
		s.seen.Add(1)
		last := o.until != nil && ev.Data == *o.until
		if !last && (o.types == nil || o.types[ev.Type]) {
			if err := s.sink.event(ev, now, s.stats.event(now, ev.Type)); err != nil {
				return errtext.Output(err)
			}
			if s.hooks.onEvent != nil {
				s.hooks.onEvent(ev)
			}
			printed++
		}
		if s.saver != nil {
			s.saver.save(src.LastEventID())
		}
		if last {
			return errUntil
		}
		if printed == o.count && o.count > 0 {
			return &errtext.Stop{Name: "count", Text: units.Plural(o.count, "event") + " (-n)"}
		}
	}
	return nil
}

// recorded handles bytes of the open stream.
func (s *session) recorded(p []byte) {
	s.stats.addBytes(len(p))
	s.lines.Write(p)
	if s.o.format == formatRaw {
		if _, err := s.printer.Write(p); err != nil {
			s.cancel(errtext.Output(err))
		}
	}
}

// explain reports, at most once, why no event was dispatched although bytes arrived.
func (s *session) explain() {
	if s.seen.Load() > 0 {
		return
	}
	if why := s.lines.explain(); why != "" && !s.explained.Swap(true) {
		s.observer.note("no event so far: " + why)
	}
}

// finish ends the output, prints how the run ended, and returns the exit code. The run was ended by
// err, and id is the last event ID.
func (s *session) finish(err error, id string) int {
	o := s.o
	if s.saver != nil {
		if s.seen.Load() > 0 && !errors.As(err, new(*errtext.WriteError)) {
			s.saver.save(id) // the last block may have had only an ID
		}
		if saveErr := s.saver.close(); saveErr != nil {
			err = saveErr
		}
	}
	if !o.silent {
		s.explain()
	}
	if closeErr := s.sink.close(); closeErr != nil && err == nil {
		err = errtext.Output(closeErr)
	}
	status := errtext.ExitStatus(err)
	if !o.silent {
		s.explainOutput()
	}
	if status.Failed() {
		errtext.Print(o.stderr, s.subject(err), err)
	}
	switch {
	case o.summary == "json":
		s.stats.writeJSON(o.stderr, time.Now(), id, status)
	case o.summary == "text", o.summary == "" && s.onTerminal && !o.silent:
		s.stats.writeText(o.stderr, time.Now(), id, status)
	}
	return status.Code
}

// subject returns what err is about: the request, the input, or nothing.
func (s *session) subject(err error) string {
	switch {
	case errors.As(err, new(*errtext.WriteError)), err == errtext.ErrNoUntil:
		return ""
	case s.o.url == nil:
		return "standard input"
	}
	return s.o.description()
}

// explainOutput reports why nothing was printed although events arrived.
func (s *session) explainOutput() {
	seen := int(s.seen.Load())
	printed := s.stats.snapshot(time.Now()).events
	switch {
	case seen == 0:
	case printed == 0 && s.o.types != nil:
		fmt.Fprintf(s.o.stderr, "sse: no event had a type that --type lists (of %s)\n",
			units.Plural(seen, "event"))
	case printed > 0 && s.o.format == formatField && !s.printer.found():
		fmt.Fprintf(s.o.stderr, "sse: no event had a field %s (of %s)\n", escape.Line(s.o.field),
			units.Plural(printed, "event"))
	}
}
