package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// The rest of what a view shows: what happens to the connection.

func (v *view) connecting(req *http.Request, first bool) {
	v.setState("connecting")
	if first && !v.quiet {
		v.lines([]span{clock(time.Now()), {yellow, "connecting"}, {dim, "  " + req.Method + " " + redact(req.URL)}})
	}
	v.redraw()
}

func (v *view) opened(resp *http.Response, took time.Duration, id string) {
	v.setState("open")
	if v.quiet {
		return
	}
	line := []span{clock(time.Now()), {green, "open  "}}
	if id != "" {
		line = append(line, span{dim, "resumed after id "}, span{cyan, escape(id)}, span{dim, " · "})
	}
	line = append(line, span{dim, fmt.Sprintf("%s · %s · %s · %s", escape(resp.Status),
		escape(resp.Header.Get("Content-Type")), resp.Proto, short(took))})
	if resp.Request != nil && resp.Request.Response != nil {
		line = append(line, span{dim, " · redirected to " + redact(resp.Request.URL)})
	}
	v.lines(v.fit(line))
}

func (v *view) comment(text string) {
	if !v.quiet {
		v.lines(v.fit([]span{clock(time.Now()), {dim, ":" + escape(text)}}))
	}
}

func (v *view) retry(d time.Duration) {
	if !v.quiet {
		v.lines([]span{clock(time.Now()), {dim, "retry " + short(d)}})
	}
}

func (v *view) cut(err error, wait time.Duration) {
	v.mu.Lock()
	what, style := "cut", red
	if err == io.EOF {
		what, style = "ended", yellow
	} else if v.state != "open" {
		what = "failed"
	}
	v.state, v.wait = "waiting", time.Now().Add(wait)
	v.mu.Unlock()
	if v.quiet {
		return
	}
	v.lines(v.fit([]span{clock(time.Now()), {style, what}, {plain, "  " + detail(err)}, {dim, " · connecting again in " + short(wait)}}))
}

func (v *view) note(text string) {
	if !v.quiet {
		v.lines([]span{clock(time.Now()), {yellow, text}})
	}
}
