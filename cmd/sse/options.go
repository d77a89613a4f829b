package main

import (
	"io"
	"os"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// Options describes a run: where the stream comes from, when the run ends, and what it prints.
type options struct {
	requestOptions // if its URL is nil, the stream is standard input

	stdin          io.Reader
	stdout, stderr *os.File
	getenv         func(string) string

	// The stream.
	state        string // the path of the file with the last event ID; "" if there is none
	noReconnect  bool
	idleTimeout  time.Duration // if zero, there is no limit
	maxEventSize int           // as in sse.Client

	// The end of the run.
	count    int           // if not zero, the run ends after so many events
	duration time.Duration // if not zero, the run ends after this time
	until    *string       // if not nil, the run ends before an event with this data

	// The output.
	format  format
	path    []string        // of formatField
	field   string          // path as the user typed it
	types   map[string]bool // if not nil, the types of the events to print
	outFile string          // if not "" or "-", the file to write to
	silent  bool
	full    bool   // the view cuts nothing
	color   string // "auto", "always" or "never"
	summary string // "text", "json", "none", or "" for text on a terminal only

	// hintAfter is how long to wait for the first event before saying what is missing.
	hintAfter time.Duration
}

// Hooks let the caller of follow observe a run. A hook that is nil is not called.
type hooks struct {
	onEvent func(sse.Event)      // for each event that was printed
	onEnd   func(reconnects int) // when the run has ended
}
