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
	Connecting(req *http.Request, first bool)
	Opened(resp *http.Response, took time.Duration, lastEventID string)
	Comment(text string)
	Disconnected(err error, wait time.Duration)
	Note(text string)
}

// A plainObserver writes one line to w for each problem.
type plainObserver struct {
	w      io.Writer
	silent bool
	hinted bool // the hint was given
	open   bool // a response was accepted
}

func (p *plainObserver) Connecting(*http.Request, bool) {}
func (p *plainObserver) Comment(string)                 {}

func (p *plainObserver) Opened(*http.Response, time.Duration, string) { p.open = true }

func (p *plainObserver) Disconnected(err error, wait time.Duration) {
	hint := ""
	if !p.open && !p.hinted {
		p.hinted, hint = true, " (--no-reconnect ends the run instead)"
	}
	p.Note(errtext.Detail(err) + "; connecting again in " + units.Duration(wait) + hint)
}

func (p *plainObserver) Note(text string) {
	if !p.silent {
		fmt.Fprintf(p.w, "sse: %s\n", text)
	}
}
