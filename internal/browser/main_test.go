package main

import (
	"context"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

// TestBrowserConforms runs the conformance suite with the EventSource of Chromium. The cases that
// differ are run again, because a wait is longer if the machine is busy.
func TestBrowserConforms(t *testing.T) {
	path := chromium.Require(t)
	s := newServer()
	for _, name := range suiteFiles {
		if err := s.load(name, false); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		agent, err := s.run(ctx, path)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		s.printResults(t.Output(), agent)
		differing := s.unknown()
		if len(differing) == 0 {
			return
		}
		s = newServer()
		for _, j := range differing {
			s.jobs = append(s.jobs, j.repeat())
		}
	}
	t.Errorf("%d cases differ from the suite", len(s.jobs))
}
