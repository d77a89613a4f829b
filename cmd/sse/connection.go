package main

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
	stateOpen       = "open"
	stateWaiting    = "waiting"
)

func (v *view) connecting(req *http.Request, first bool) {
	v.setState(stateConnecting)
	if first && !v.quiet {
		v.lines([]span{clock(time.Now()), {yellow, "connecting"}, {dim, "  " + req.Method + " " + redact.URL(req.URL)}})
	}
	v.redraw()
}

func (v *view) opened(resp *http.Response, took time.Duration, id string) {
	v.setState(stateOpen)
	if v.quiet {
		return
	}
	line := []span{clock(time.Now()), {green, "open  "}}
	if id != "" {
		line = append(line, span{dim, "resumed after id "}, span{cyan, escape.Line(id)}, span{dim, " · "})
	}
	line = append(line, span{dim, fmt.Sprintf("%s · %s · %s · %s", escape.Line(resp.Status),
		escape.Line(resp.Header.Get("Content-Type")), resp.Proto, units.Duration(took))})
	if resp.Request != nil && resp.Request.Response != nil {
		line = append(line, span{dim, " · redirected to " + redact.URL(resp.Request.URL)})
	}
	v.lines(v.fit(line))
}

func (v *view) comment(text string) {
	if !v.quiet {
		v.lines(v.fit([]span{clock(time.Now()), {dim, ":" + escape.Line(text)}}))
	}
}

func (v *view) retry(d time.Duration) {
	if !v.quiet {
		v.lines([]span{clock(time.Now()), {dim, "retry " + units.Duration(d)}})
	}
}

func (v *view) disconnected(err error, wait time.Duration) {
	v.mu.Lock()
	what, style := "cut", red
	if err == io.EOF {
		what, style = "ended", yellow
	} else if v.state != stateOpen {
		what = "failed"
	}
	v.state, v.until = stateWaiting, time.Now().Add(wait)
	v.mu.Unlock()
	if v.quiet {
		return
	}
	v.lines(v.fit([]span{clock(time.Now()), {style, what}, {plain, "  " + errtext.Detail(err)}, {dim, " · connecting again in " + units.Duration(wait)}}))
}

func (v *view) note(text string) {
	if !v.quiet {
		v.lines([]span{clock(time.Now()), {yellow, text}})
	}
}
