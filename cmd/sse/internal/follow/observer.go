package follow

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// An observer is told what happens to the connection. The view shows everything. If the output is
// for a program, a plainObserver reports only problems.
type observer interface {
	// Connecting is called before each request.
	Connecting(req *http.Request, first bool)

	// Opened is called when resp was accepted. The stream resumes after lastEventID, if that is not
	// empty.
	Opened(resp *http.Response, took time.Duration, lastEventID string)

	// Comment is called for each comment of the stream.
	Comment(text string)

	// Disconnected is called before the wait for the next attempt. The connection ended with err.
	Disconnected(err error, wait time.Duration)

	// Note is called with a remark of the command.
	Note(text string)
}

// A plainObserver writes one line to w for each problem.
type plainObserver struct {
	w      io.Writer
	silent bool
	hinted bool // the hint was given
	open   bool // a response was accepted
}

// Connecting does nothing.
func (p *plainObserver) Connecting(*http.Request, bool) {}

// Comment does nothing.
func (p *plainObserver) Comment(string) {}

// Opened records that a response was accepted. After that, no hint is given.
func (p *plainObserver) Opened(*http.Response, time.Duration, string) { p.open = true }

// Disconnected reports why the connection failed or ended, and when the next attempt begins.
func (p *plainObserver) Disconnected(err error, wait time.Duration) {
	hint := ""
	if !p.open && !p.hinted {
		p.hinted, hint = true, " (--no-reconnect ends the run instead)"
	}
	p.Note(errtext.Detail(err) + "; connecting again in " + units.Duration(wait) + hint)
}

// Note reports text.
func (p *plainObserver) Note(text string) {
	if !p.silent {
		fmt.Fprintf(p.w, "sse: %s\n", text)
	}
}
