package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A tour watches a run from beside it.
type tour struct {
	event func(sse.Event)
	end   func(*stats)
}

// follow is the whole run, from the options to the exit code.
func follow(ctx context.Context, o *options, std stdio, tour *tour) int {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	s := &session{o: o, std: std, stats: newStats(time.Now()), watch: new(watch), fail: fail, begin: func() {}}
	out := std.out
	if o.outFile != "" && o.outFile != "-" {
		mode := os.O_RDWR | os.O_CREATE // O_WRONLY waits for who reads a pipe
		if o.state != "" {
			mode |= os.O_APPEND // the state says that what is in it was kept
		}
		var err error
		if out, err = os.OpenFile(o.outFile, mode, 0o666); err != nil {
			return usage(std, fmt.Sprintf("-o %q: %v", o.outFile, reason(err)))
		}
		defer out.Close()
		if o.state == "" {
			s.begin = sync.OnceFunc(func() { out.Truncate(0) }) // a pipe can't be
		}
	}
	var t *tap
	if o.url != nil {
		base, err := o.transport()
		if err != nil {
			return usage(std, err.Error())
		}
		t = &tap{base: base}
	} else {
		t = &tap{}
		t.live.Store(true)
	}
	if o.state != "" {
		id, err := readState(o.state)
		if err != nil {
			return usage(std, fmt.Sprintf("--state %q: %v", o.state, err))
		}
		if id != "" {
			o.header.Set("Last-Event-ID", id)
		}
		s.saver = newSaver(o.state, id, fail)
	}
	stop := s.output(out)
	if s.view != nil {
		s.begin() // it shows more than events
	}
	t.stats, t.watch, t.raw, t.fail = s.stats, s.watch, s.raw, fail
	if o.verbose {
		t.v = s.diag
	}
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.length, errFor)
		defer cancel()
	}

	var src source
	var last error
	if o.url != nil {
		stream, err := s.stream(ctx, t, &last)
		if err != nil {
			stop()
			return usage(std, err.Error())
		}
		defer stream.Close()
		src = stream
	} else {
		src = s.input(ctx, t)
	}
	err := s.loop(src, tour)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if err == nil {
		err = cmp.Or(src.Err(), last)
		if err == nil && o.until != nil {
			err = errNoUntil
		}
	}
	code := s.conclude(err, src.LastEventID(), stop)
	if tour != nil {
		tour.end(s.stats)
	}
	return code
}
