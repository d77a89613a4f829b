package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// follow prints the events of a stream until the run ends, and returns the exit code.
func follow(ctx context.Context, o *options, hooks hooks) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &session{
		o:         o,
		hooks:     hooks,
		cancel:    cancel,
		stats:     newStats(time.Now()),
		lines:     new(lineStats),
		beginFile: func() {},
	}
	out, err := s.openFile()
	if err != nil {
		return errtext.PrintUsage(o.stderr, fmt.Errorf("-o %q: %w", o.outFile, errtext.Reason(err)))
	}
	if out != o.stdout {
		defer out.Close()
	}
	s.rec = new(recorder)
	if o.url == nil {
		s.rec.opened()
	} else if s.rec.base, err = o.transport(); err != nil {
		return errtext.PrintUsage(o.stderr, err)
	}
	if err := s.openState(); err != nil {
		return errtext.PrintUsage(o.stderr, err)
	}
	s.openOutput(out)
	s.rec.onRead = s.recorded
	if o.verbose {
		s.rec.verbose = s.diag
	}
	if o.duration > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, o.duration, errTimeUp)
		defer stop()
	}
	return s.run(ctx)
}

// openFile opens the file of -o. If there is none, it returns standard output.
func (s *session) openFile() (*os.File, error) {
	o := s.o
	if o.outFile == "" || o.outFile == "-" {
		return o.stdout, nil
	}
	mode := os.O_RDWR | os.O_CREATE // with O_WRONLY, opening a named pipe would wait for its reader
	if o.state != "" {
		mode |= os.O_APPEND // the file holds the events up to the stored ID
	}
	f, err := os.OpenFile(o.outFile, mode, 0o666)
	if err == nil && o.state == "" {
		// The old content stays until the stream is open. A pipe cannot be truncated.
		s.beginFile = sync.OnceFunc(func() { f.Truncate(0) })
	}
	return f, err
}

// openState reads the file of --state, if there is one.
func (s *session) openState() error {
	o := s.o
	if o.state == "" {
		return nil
	}
	id, err := readState(o.state)
	if err != nil {
		return fmt.Errorf("--state %q: %w", o.state, err)
	}
	if id != "" {
		o.header.Set("Last-Event-ID", id)
	}
	s.saver = newSaver(o.state, id, s.cancel)
	return nil
}

// run follows the stream and returns the exit code.
func (s *session) run(ctx context.Context) int {
	src, err := s.openSource(ctx)
	if err != nil {
		s.sink.close()
		return errtext.PrintUsage(s.o.stderr, err)
	}
	defer src.Close()
	err = s.loop(src)
	switch {
	case err != nil:
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = cmp.Or(src.Err(), s.lastErr)
		if err == nil && s.o.until != nil {
			err = errtext.ErrNoUntil
		}
		if err == nil && s.o.url == nil {
			err = errInputEnd
		}
	}
	code := s.finish(err, src.LastEventID())
	if s.hooks.onEnd != nil {
		s.hooks.onEnd(s.stats.snapshot(time.Now()).reconnects)
	}
	return code
}
