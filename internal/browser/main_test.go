package main

import (
	"context"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

// maxRuns is how often a case is run that differs. Waits are part of a case, and they are longer if
// the machine is busy.
const maxRuns = 10

// TestBrowserConforms runs the conformance suite with the EventSource of Chromium.
func TestBrowserConforms(t *testing.T) {
	path := chromium.Require(t)
	s := newServer()
	for _, name := range suiteFiles {
		if err := s.load(name, false); err != nil {
			t.Fatal(err)
		}
	}
	for run := 1; ; run++ {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		agent, err := s.run(ctx, path)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		differing := s.unknown()
		if len(differing) == 0 {
			return
		}
		if run == maxRuns {
			s.printResults(t.Output(), agent)
			t.Fatalf("%d cases differ from the suite in each of %d runs", len(differing), run)
		}
		s = newServer()
		for _, j := range differing {
			s.jobs = append(s.jobs, j.repeat())
		}
	}
}
