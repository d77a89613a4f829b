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
	State        string // the path of the file with the last event ID; "" if there is none
	NoReconnect  bool
	IdleTimeout  time.Duration // if zero, there is no limit
	MaxEventSize int           // as in sse.Client

	// The end of the run.
	Count    int           // if not zero, the run ends after so many events
	Duration time.Duration // if not zero, the run ends after this time
	Until    *string       // if not nil, the run ends before an event with this data

	// The output.
	Format  output.Format
	Path    []string        // of formatField
	Field   string          // path as the user typed it
	Types   map[string]bool // if not nil, the types of the events to print
	OutFile string          // if not "" or "-", the file to write to
	Silent  bool
	Full    bool   // the view cuts nothing
	Color   string // "auto", "always" or "never"
	Summary string // "text", "json", "none", or "" for text on a terminal only

	// HintAfter is how long to wait for the first event before saying what is missing.
	HintAfter time.Duration
}

// Hooks let the caller of follow observe a run. A hook that is nil is not called.
type Hooks struct {
	OnEvent func(sse.Event)      // for each event that was printed
	OnEnd   func(reconnects int) // when the run has ended
}
