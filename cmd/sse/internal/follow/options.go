// Package follow runs the command on one stream: it connects, prints events, and ends as requested.
package follow

import (
	"io"
	"os"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

// Options describes a run: where the stream comes from, when the run ends, and what it prints.
type Options struct {
	request.Options // if its URL is nil, the stream is standard input

	Stdin          io.Reader
	Stdout, Stderr *os.File
	Getenv         func(string) string

	// The stream.
	State        string // if not empty, the file that keeps the last event ID
	Record       string // if not empty, the file to record the responses in
	NoReconnect  bool
	Retries      *int          // if not nil, how often a failure is retried in a row
	IdleTimeout  time.Duration // if zero, there is no limit
	MaxEventSize int           // as in sse.Client

	// The end of the run.
	Count    int           // if not zero, the run ends after so many events
	Duration time.Duration // if not zero, the run ends after this time
	MaxTime  time.Duration // if not zero, the run fails after this time
	Until    *string       // if not nil, the run ends before an event with this data

	// The output.
	Format  output.Format
	Path    []string        // of output.FormatField
	Field   string          // the path as the user typed it
	Types   map[string]bool // if not nil, the types of the events to print
	OutFile string          // if not "" or "-", the file to write to
	Silent  bool            // standard error contains only the error that ended the run
	Full    bool            // nothing is cut on a terminal
	Color   string          // "auto", "always" or "never"
	Summary string          // "text", "json" or "none"; if empty, text if on a terminal

	// HintAfter is how long to wait for the first event before a note says what is missing.
	HintAfter time.Duration
}

// Hooks let the caller of Run observe a run. A hook that is nil is not called.
type Hooks struct {
	OnEvent func(sse.Event)      // for each event that was printed
	OnEnd   func(reconnects int) // when the run has ended
}
