package main

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
)

// quiet is the time without activity after which a trial ends, as in run.mjs.
const quiet = 2500 * time.Millisecond

// startLibrary runs the trials with the Stream of this library. The library passes all cases, so
// this shows that the server plays the suite correctly.
func startLibrary(ctx context.Context, s *server, url string) (version string, err error) {
	entries := make(chan entry)
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			for e := range entries {
				s.setReport(s.follow(ctx, url, e))
			}
		})
	}
	for _, e := range s.entries() {
		entries <- e
	}
	close(entries)
	group.Wait()
	return "", nil
}

// follow runs a trial with a Stream.
func (s *server) follow(ctx context.Context, url string, e entry) *report {
	ctx, cancel := context.WithTimeout(ctx, 4*quiet)
	defer cancel()
	timer := time.AfterFunc(4*quiet, cancel)
	defer timer.Stop()
	client := &sse.Client{
		Backoff: func() backoff.BackOff { return new(backoff.ZeroBackOff) },
		OnRetry: func(error, time.Duration) { timer.Reset(quiet) },
	}
	r := &report{ID: e.ID}
	stream := client.Get(ctx, url+e.URL)
	for stream.Next() {
		timer.Reset(quiet)
		r.Events = append(r.Events, stream.Event())
		s.trials[e.ID].setSeen(len(r.Events))
	}
	r.Closed = ctx.Err() == nil
	return r
}
