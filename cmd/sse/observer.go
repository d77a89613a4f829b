package main

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
	connecting(req *http.Request, first bool)
	opened(resp *http.Response, took time.Duration, lastEventID string)
	comment(text string)
	disconnected(err error, wait time.Duration)
	note(text string)
}

// A plainObserver writes one line to w for each problem.
type plainObserver struct {
	w      io.Writer
	silent bool
	hinted bool // the hint was given
	open   bool // a response was accepted
}

func (p *plainObserver) connecting(*http.Request, bool) {}
func (p *plainObserver) comment(string)                 {}

func (p *plainObserver) opened(*http.Response, time.Duration, string) { p.open = true }

func (p *plainObserver) disconnected(err error, wait time.Duration) {
	hint := ""
	if !p.open && !p.hinted {
		p.hinted, hint = true, " (--no-reconnect ends the run instead)"
	}
	p.note(errtext.Detail(err) + "; connecting again in " + units.Duration(wait) + hint)
}

func (p *plainObserver) note(text string) {
	if !p.silent {
		fmt.Fprintf(p.w, "sse: %s\n", text)
	}
}
