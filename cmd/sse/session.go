package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A source is where events come from: a Stream or a Reader.
type source interface {
	Next() bool
	Event() sse.Event
	LastEventID() string
	Err() error
}

// hintAfter is how long bytes may come without an event before that is said.
var hintAfter = 10 * time.Second

// A session is one run: a source, where its events go, and what is known.
type session struct {
	o      *options
	std    stdio
	stats  *stats
	watch  *watch
	obs    observer
	diag   io.Writer // standard error, past the view
	view   *view     // nil: the output is for programs
	emit   func(ev sse.Event, now time.Time, gap time.Duration) error
	finish func() error // ends the output
	raw    io.Writer    // --raw
	field  *fieldForm   // --field
	saver  *saver
	fail   context.CancelCauseFunc
	begin  func() // called when the stream is open

	seen      atomic.Int64 // events that came, shown or not
	explained atomic.Bool
}

// loop prints events until there are no more, or enough: errCount, errUntil.
// Another error means that the output can't be written.
func (s *session) loop(src source, tour *tour) error {
	o := s.o
	for shown := 0; src.Next(); {
		now, ev := time.Now(), src.Event()
		s.seen.Add(1)
		enough := o.until != nil && ev.Data == *o.until
		if !enough && (o.types == nil || o.types[ev.Type]) {
			if err := s.emit(ev, now, s.stats.event(now, ev.Type)); err != nil {
				return outputError{err}
			}
			if tour != nil {
				tour.event(ev)
			}
			shown++
		}
		if s.saver != nil {
			s.saver.save(src.LastEventID())
		}
		if enough {
			return errUntil
		}
		if shown == o.count && o.count > 0 {
			return errCount
		}
	}
	return nil
}

// explain says once why bytes, but no events, have come.
func (s *session) explain() {
	if s.seen.Load() > 0 {
		return
	}
	if why := s.watch.explain(); why != "" && !s.explained.Swap(true) {
		s.obs.note("no event so far: " + why)
	}
}

// conclude ends the output, says how the run ended, and returns the exit code.
func (s *session) conclude(err error, id string, stop func()) int {
	if s.saver != nil {
		if s.seen.Load() > 0 && !errors.As(err, new(outputError)) {
			s.saver.save(id) // a block with only an id may have come last
		}
		if serr := s.saver.close(); serr != nil {
			err = serr
		}
	}
	if !s.o.silent {
		s.explain()
	}
	stop()
	if ferr := s.finish(); ferr != nil && err == nil {
		err = outputError{ferr}
	}
	end, words, code := s.ending(err)
	if !s.o.silent {
		s.nothing()
	}
	if end == "error" {
		complain(s.std.err, err)
		words = cause(err)
	}
	switch {
	case s.o.summary == "json":
		s.stats.writeJSON(s.std.err, time.Now(), id, end, code)
	case s.o.summary == "text", s.o.summary == "" && s.view != nil && s.view.terminal && !s.o.silent:
		s.stats.writeText(s.std.err, time.Now(), id, words)
	}
	return code
}

// nothing says why nothing was printed although events came.
func (s *session) nothing() {
	seen := s.seen.Load()
	if seen == 0 {
		return
	}
	s.stats.mu.Lock()
	shown := s.stats.events
	s.stats.mu.Unlock()
	switch {
	case shown == 0 && s.o.types != nil:
		fmt.Fprintf(s.std.err, "sse: of %s none was of the types asked for\n", units.Plural(int(seen), "event"))
	case shown > 0 && s.field != nil && !s.field.found:
		fmt.Fprintf(s.std.err, "sse: no event had a field %s (of %s)\n", escape.Line(s.o.path), units.Plural(shown, "event"))
	}
}
