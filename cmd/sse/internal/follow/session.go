package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/state"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/term"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A session is the state of one run. The hooks of the client use it from other goroutines only
// through seen, explained, stats and lines.
type session struct {
	o         *Options
	hooks     Hooks
	cancel    context.CancelCauseFunc
	stats     *stats.Stats
	lines     *lineStats
	rec       *request.Recorder
	saver     *state.Saver // nil without --state
	recording io.Closer    // the file of --record
	silence   *silence
	beginFile func() // truncates the file of -o; called when the stream is open

	unfinished *unfinished  // nil without --until and --until-type
	text       *output.Text // nil without --text

	sink       sink
	view       *term.View      // the sink, if it is the terminal view
	printer    *output.Printer // the sink, if it is not
	observer   observer
	onTerminal bool      // the sink is the view, on a terminal
	diag       io.Writer // standard error, above the status line if there is one

	lastErr   error        // the error of the run, if retrying has closed the stream
	seen      atomic.Int64 // the events that arrived, printed or not
	explained atomic.Bool

	notedMissingID bool        // a note said that there is no ID for --state
	errors         int         // errors that the stream sent
	errorReported  bool        // the current event was reported as an error
	ignored        int         // lines that the standard ignores
	compressed     atomic.Bool // the last response was compressed
	noContent      bool        // the stream ended with a 204
}

// Reasons to end a run.
var (
	errTimeUp   = &errtext.Stop{Name: "for", Text: "time is up (--for)"}
	errUntil    = &errtext.Stop{Name: "until", Text: "the event of --until arrived"}
	errType     = &errtext.Stop{Name: "until", Text: "an event of --until-type arrived"}
	errModel    = &errtext.Stop{Name: "model", Text: "end of the model's response"}
	errInputEnd = &errtext.Stop{Name: "input", Text: "end of the input"}
)

// loop prints events until the source has no more, or until -n or --until ends the run. In that
// case it returns an *errtext.Stop. Any other error means that the output cannot be written.
func (s *session) loop(src source) error {
	o := s.o
	for printed := 0; src.Next(); {
		now, ev := time.Now(), src.Event()
		s.seen.Add(1)
		s.checkError(ev)
		stop := o.stopBefore(ev)
		if stop == nil && (o.Types == nil || o.Types[ev.Type]) {
			if err := s.sink.Event(ev, now, s.stats.Event(now, ev.Type)); err != nil {
				return errtext.Output(err)
			}
			if s.hooks.OnEvent != nil {
				s.hooks.OnEvent(ev)
			}
			printed++
		}
		s.save(src.LastEventID())
		if stop != nil {
			return stop
		}
		if stop := s.stopAfter(ev); stop != nil {
			return stop
		}
		if printed == o.Count && o.Count > 0 {
			return &errtext.Stop{Name: "count", Text: units.Plural(o.Count, "event") + " (-n)"}
		}
	}
	return nil
}

// stopBefore returns the reason to end the run before ev is printed, or nil.
func (o *Options) stopBefore(ev sse.Event) *errtext.Stop {
	if o.Until != nil && ev.Data == *o.Until {
		return errUntil
	}
	return nil
}

// stopAfter returns the reason to end the run after ev, or nil.
func (s *session) stopAfter(ev sse.Event) error {
	switch {
	case s.o.UntilTypes[ev.Type]:
		return errType
	case s.text != nil && s.text.Decoder.Done():
		return errModel
	}
	return nil
}

// read is called with the bytes of the open stream.
func (s *session) read(p []byte) {
	s.stats.AddBytes(len(p))
	s.lines.Write(p)
	s.silence.reset()
	if s.unfinished != nil {
		s.unfinished.Write(p)
	}
	if s.o.Format == output.FormatRaw {
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
	why := s.lines.explain()
	if s.compressed.Load() && s.stats.Snapshot(time.Now()).Bytes == 0 {
		why = "the response is compressed, and nothing of it could be decoded " +
			"(-H 'Accept-Encoding: identity' asks for a response that is not compressed)"
	}
	if why != "" && !s.explained.Swap(true) {
		s.observer.Note("no event so far: " + why)
	}
}

// finish ends the output, prints how the run ended, and returns the exit code. The run was ended by
// err, and id is the last event ID.
func (s *session) finish(err error, id string) int {
	o := s.o
	writeFailed := errors.As(err, new(*errtext.WriteError))
	if stateErr := s.closeState(id, writeFailed); stateErr != nil {
		err = stateErr
	}
	s.silence.stop()
	if !o.Silent && !errors.Is(err, sse.ErrEventTooLarge) { // that error explains itself
		s.explain()
	}
	s.reportTotals()
	if s.noContent {
		s.observer.Note("the server responded with 204 No Content, which ends the stream")
	}
	s.finishText()
	if closeErr := s.sink.Close(); closeErr != nil && err == nil {
		err = errtext.Output(closeErr)
	}
	if !o.Silent {
		s.explainOutput()
	}
	if errtext.ExitStatus(err).Code == errtext.ExitDone {
		err = cmp.Or(s.outputError(), err)
	}
	status := errtext.ExitStatus(err)
	if status.Failed() && err != errtext.ErrStream { // that was reported
		errtext.Print(o.Stderr, s.subject(err), err)
	}
	switch {
	case o.Summary == "json":
		s.stats.WriteJSON(o.Stderr, time.Now(), id, status)
	case o.Summary == "text", o.Summary == "" && s.onTerminal && !o.Silent:
		width := term.Inspect(o.Stderr, o.Color, o.Getenv).Width()
		s.stats.WriteText(o.Stderr, width, time.Now(), id, status)
	}
	return status.Code
}

// subject returns what err is about: the request, the input, or nothing.
func (s *session) subject(err error) string {
	switch {
	case errors.As(err, new(*errtext.WriteError)), errors.As(err, new(*errtext.IncompleteError)):
		return ""
	case s.o.URL == nil:
		return "standard input"
	}
	return s.o.Description()
}

// explainOutput reports why nothing was printed although events arrived.
func (s *session) explainOutput() {
	seen := int(s.seen.Load())
	printed := s.stats.Snapshot(time.Now()).Events
	if seen > 0 && printed == 0 && s.o.Types != nil {
		fmt.Fprintf(s.o.Stderr, "sse: no event had a type that --type lists (of %s)\n",
			units.Plural(seen, "event"))
	}
}

// outputError returns the error of a run that ended as requested, but whose output is not what the
// command line asks for. It returns nil if the output is right.
func (s *session) outputError() error {
	o := s.o
	if o.Format != output.FormatField && o.Format != output.FormatText {
		return nil
	}
	if s.errors > 0 {
		return errtext.ErrStream
	}
	printed := s.stats.Snapshot(time.Now()).Events
	if s.text != nil && printed > 0 && !s.text.Decoder.Detected() {
		return errtext.ErrNoText
	}
	if o.Format == output.FormatField && printed > 0 && !s.printer.Found() {
		return &errtext.IncompleteError{Text: "no event had the field " + strconv.Quote(o.Field) +
			" (of " + units.Plural(printed, "event") + "); a path consists of names and " +
			"indexes, such as choices.0.delta.content or choices[0].delta"}
	}
	return nil
}
