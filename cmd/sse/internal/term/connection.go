package term

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// Connecting tells v that req is about to be sent. It is shown only if it is the first request.
func (v *View) Connecting(req *http.Request, first bool) {
	v.setState(stateConnecting)
	if first {
		target := "  " + req.Method + " " + redact.URL(req.URL)
		v.printWhole(Span{Yellow, "connecting"}, Span{Dim, target})
	}
	v.redraw()
}

// Opened shows that resp was accepted after the time took. If lastEventID is not empty, the stream
// was resumed after that event.
func (v *View) Opened(resp *http.Response, took time.Duration, lastEventID string) {
	v.setState(stateOpen)
	line := []Span{{green, "open  "}}
	if lastEventID != "" {
		line = append(line, Span{Dim, "resumed after id "}, Span{cyan, escape.Line(lastEventID)},
			Span{Dim, " · "})
	}
	parts := []string{
		escape.Line(resp.Status),
		escape.Line(resp.Header.Get("Content-Type")),
		resp.Proto,
		units.Duration(took),
	}
	if resp.Request != nil && resp.Request.Response != nil {
		parts = append(parts, "redirected to "+redact.URL(resp.Request.URL))
	}
	v.print(append(line, Span{Dim, strings.Join(parts, " · ")})...)
}

// InputOpened tells v that the stream is standard input.
func (v *View) InputOpened() { v.setState(stateOpen) }

// Comment shows a comment of the stream.
func (v *View) Comment(text string) { v.print(Span{Dim, ":" + escape.Line(text)}) }

// Retry shows a retry field of the stream.
func (v *View) Retry(d time.Duration) { v.printWhole(Span{Dim, "retry " + units.Duration(d)}) }

// Disconnected shows that the connection failed or ended with err, and that the next attempt begins
// after wait.
func (v *View) Disconnected(err error, wait time.Duration) {
	v.mu.Lock()
	what, style := "cut", Red
	if err == io.EOF {
		what, style = "ended", Yellow
	} else if v.state != stateOpen {
		what = "failed"
	}
	v.state, v.until = stateWaiting, time.Now().Add(wait)
	v.mu.Unlock()
	v.print(Span{style, what}, Span{Plain, "  " + errtext.Detail(err)},
		Span{Dim, " · connecting again in " + units.Duration(wait)})
}

// Note shows a remark of the command.
func (v *View) Note(text string) { v.printWhole(Span{Yellow, text}) }

// print prints the time and the spans on one line, which is cut to the width of the terminal.
func (v *View) print(spans ...Span) {
	if !v.Quiet {
		v.printLines(v.fit(append([]Span{clock(time.Now())}, spans...)))
	}
}

// printWhole prints the time and the spans on one line, which may be longer than the terminal.
func (v *View) printWhole(spans ...Span) {
	if !v.Quiet {
		v.printLines(append([]Span{clock(time.Now())}, spans...))
	}
}
