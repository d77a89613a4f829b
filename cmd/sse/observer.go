package main

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// An observer is told what happens to the connection. The view shows it all;
// beside a pipe, terse tells of what is amiss.
type observer interface {
	connecting(req *http.Request, first bool)
	opened(resp *http.Response, took time.Duration, id string)
	comment(text string)
	retry(d time.Duration)
	cut(err error, wait time.Duration)
	note(text string)
}

// terse tells on standard error what is amiss, a line each.
type terse struct {
	w      io.Writer
	quiet  bool
	hinted bool
	open   bool // there has been a connection
}

func (t *terse) connecting(*http.Request, bool)               {}
func (t *terse) opened(*http.Response, time.Duration, string) { t.open = true }
func (t *terse) comment(string)                               {}
func (t *terse) retry(time.Duration)                          {}

func (t *terse) cut(err error, wait time.Duration) {
	hint := ""
	if !t.open && !t.hinted {
		t.hinted, hint = true, " (--no-reconnect ends instead)"
	}
	t.note(fmt.Sprintf("%s; connecting again in %s%s", detail(err), units.Duration(wait), hint))
}

func (t *terse) note(text string) {
	if !t.quiet {
		fmt.Fprintf(t.w, "sse: %s\n", text)
	}
}
