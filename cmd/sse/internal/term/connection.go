package term

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// The rest of what a view shows: what happens to the connection.

// The states that the status line begins with.
const (
	stateConnecting = "connecting"
	StateOpen       = "open"
	stateWaiting    = "waiting"
)

func (v *View) Connecting(req *http.Request, first bool) {
	v.SetState(stateConnecting)
	if first && !v.Quiet {
		v.lines([]Span{clock(time.Now()), {Yellow, "connecting"}, {Dim, "  " + req.Method + " " + redact.URL(req.URL)}})
	}
	v.redraw()
}

func (v *View) Opened(resp *http.Response, took time.Duration, id string) {
	v.SetState(StateOpen)
	if v.Quiet {
		return
	}
	line := []Span{clock(time.Now()), {green, "open  "}}
	if id != "" {
		line = append(line, Span{Dim, "resumed after id "}, Span{cyan, escape.Line(id)}, Span{Dim, " · "})
	}
	line = append(line, Span{Dim, fmt.Sprintf("%s · %s · %s · %s", escape.Line(resp.Status),
		escape.Line(resp.Header.Get("Content-Type")), resp.Proto, units.Duration(took))})
	if resp.Request != nil && resp.Request.Response != nil {
		line = append(line, Span{Dim, " · redirected to " + redact.URL(resp.Request.URL)})
	}
	v.lines(v.fit(line))
}

func (v *View) Comment(text string) {
	if !v.Quiet {
		v.lines(v.fit([]Span{clock(time.Now()), {Dim, ":" + escape.Line(text)}}))
	}
}

func (v *View) Retry(d time.Duration) {
	if !v.Quiet {
		v.lines([]Span{clock(time.Now()), {Dim, "retry " + units.Duration(d)}})
	}
}

func (v *View) Disconnected(err error, wait time.Duration) {
	v.mu.Lock()
	what, style := "cut", Red
	if err == io.EOF {
		what, style = "ended", Yellow
	} else if v.state != StateOpen {
		what = "failed"
	}
	v.state, v.until = stateWaiting, time.Now().Add(wait)
	v.mu.Unlock()
	if v.Quiet {
		return
	}
	v.lines(v.fit([]Span{clock(time.Now()), {style, what}, {Plain, "  " + errtext.Detail(err)}, {Dim, " · connecting again in " + units.Duration(wait)}}))
}

func (v *View) Note(text string) {
	if !v.Quiet {
		v.lines([]Span{clock(time.Now()), {Yellow, text}})
	}
}
