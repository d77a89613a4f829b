package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
)

// Run prints the events of a stream until the run ends, and returns the exit code.
func Run(ctx context.Context, o *Options, hooks Hooks) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &session{
		o:         o,
		hooks:     hooks,
		cancel:    cancel,
		stats:     stats.New(time.Now()),
		lines:     new(lineStats),
		beginFile: func() {},
	}
	out, err := s.openFile()
	if err != nil {
		return errtext.PrintUsage(o.Stderr, "",
			fmt.Errorf("-o %q: %w", o.OutFile, errtext.Reason(err)))
	}
	if out != o.Stdout {
		defer out.Close()
	}
	s.rec = new(request.Recorder)
	if o.URL == nil {
		s.rec.Opened()
	} else if s.rec.Base, err = o.Transport(); err != nil {
		return errtext.PrintUsage(o.Stderr, "", err)
	}
	note, err := s.openState(out)
	if err != nil {
		return errtext.PrintUsage(o.Stderr, "", err)
	}
	if err := s.openRecording(); err != nil {
		return errtext.PrintUsage(o.Stderr, "", err)
	}
	defer s.recording.Close()
	s.openOutput(out)
	if note != "" {
		s.observer.Note(note)
	}
	s.silence = newSilence(o.SilenceAfter, s.reportSilence)
	if o.Until != nil || o.UntilTypes != nil {
		s.unfinished = &unfinished{parser: sse.Parser{MaxEventSize: o.MaxEventSize}}
	}
	s.rec.OnRead = s.read
	if o.Verbose {
		s.rec.Verbose = s.diag
	}
	if o.Duration > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, o.Duration, errTimeUp)
		defer stop()
	}
	if o.MaxTime > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, o.MaxTime, errtext.ErrMaxTime)
		defer stop()
	}
	return s.run(ctx)
}

// openFile opens the file of -o. If there is none, it returns standard output.
func (s *session) openFile() (*os.File, error) {
	o := s.o
	if o.OutFile == "" || o.OutFile == "-" {
		return o.Stdout, nil
	}
	mode := os.O_RDWR | os.O_CREATE // with O_WRONLY, opening a named pipe would wait for its reader
	if o.State != "" {
		mode |= os.O_APPEND // the file holds the events up to the stored ID
	}
	f, err := os.OpenFile(o.OutFile, mode, 0o666)
	if err == nil && o.State == "" {
		// The old content stays until the stream is open. A pipe cannot be truncated.
		s.beginFile = sync.OnceFunc(func() { f.Truncate(0) })
	}
	return f, err
}

// run follows the stream and returns the exit code.
func (s *session) run(ctx context.Context) int {
	src, err := s.openSource(ctx)
	if err != nil {
		s.sink.Close()
		return errtext.PrintUsage(s.o.Stderr, "", err)
	}
	defer src.Close()
	err = s.loop(src)
	switch {
	case err != nil:
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = s.endError(cmp.Or(src.Err(), s.lastErr))
	}
	code := s.finish(err, src.LastEventID())
	if s.hooks.OnEnd != nil {
		s.hooks.OnEnd(s.stats.Snapshot(time.Now()).Reconnects)
	}
	return code
}

// endError returns the reason why the run ended when the source ended with err.
func (s *session) endError(err error) error {
	if err == io.EOF { // --retry allows no other attempt after a clean end
		err = nil
	}
	s.noContent = err == nil && s.rec.LastStatus() == http.StatusNoContent
	if unfinished := s.unfinishedError(); unfinished != nil {
		return unfinished
	}
	isOther := s.seen.Load() == 0 && (s.ignored > 0 || s.lines.endsInText())
	switch {
	case isOther && s.o.URL == nil && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)):
		return errtext.ErrNoStream // for a response, the client returns an error
	case err != nil:
		return err
	case s.o.Until != nil:
		return errtext.ErrNoUntil
	case s.o.UntilTypes != nil:
		return errtext.ErrNoUntilType
	}
	if err := s.textError(); err != nil {
		return err
	}
	if s.o.URL == nil {
		return errInputEnd
	}
	return nil
}
