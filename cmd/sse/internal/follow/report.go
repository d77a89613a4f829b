package follow

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamerror"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

const (
	maxReports     = 3   // errors, and ignored lines, that are printed; the others are counted
	maxIgnoredText = 100 // bytes of an ignored line that are printed
)

// checkError reports ev if it is an error of the service.
func (s *session) checkError(ev sse.Event) {
	text, ok := streamerror.Find(ev)
	if s.errorReported = ok; ok {
		s.reportError(text)
	}
}

// modelError reports an error that only the format of a model tells, and that checkError did not
// report.
func (s *session) modelError(text string) {
	if !s.errorReported {
		s.reportError(text)
	}
}

// reportError reports an error that the stream sent, also with -s: it may be the only sign that the
// output is incomplete.
func (s *session) reportError(text string) {
	s.errors++
	s.stats.AddError()
	if s.errors <= maxReports {
		fmt.Fprintf(s.diag, "sse: the stream sent an error: %s\n", text)
	}
}

// ignoredLine reports a line that the standard ignores. After the first lines it reports their
// number when that has grown tenfold.
func (s *session) ignoredLine(line string) {
	s.ignored++
	s.stats.AddIgnored()
	switch {
	case s.ignored <= maxReports:
		if short := escape.Truncate(line, maxIgnoredText); short != line {
			line = short + "…"
		}
		s.observer.Note("ignored line: " + escape.Line(line))
	case isPowerOfTen(s.ignored):
		s.observer.Note(units.Plural(s.ignored, "line") + " ignored so far")
	}
}

// isPowerOfTen reports whether n is 1, 10, 100, and so on.
func isPowerOfTen(n int) bool {
	for n > 1 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}

// reportTotals reports how many errors and ignored lines there were, if not all were printed.
func (s *session) reportTotals() {
	if s.errors > maxReports {
		fmt.Fprintf(s.diag, "sse: %s from the stream in total\n", units.Plural(s.errors, "error"))
	}
	if s.ignored > maxReports {
		s.observer.Note(units.Plural(s.ignored, "line") + " ignored in total")
	}
}

// reportSilence reports that nothing has arrived for d.
func (s *session) reportSilence(d time.Duration) {
	text := "no data for " + units.Duration(d)
	switch {
	case s.o.URL == nil:
	case s.o.IdleTimeout > 0:
		text += " (--idle-timeout ends the connection after " +
			units.Duration(s.o.IdleTimeout) + ")"
	default:
		text += " (--idle-timeout T ends a connection without data for T)"
	}
	s.observer.Note(text)
}

// reportRedirect reports that resp comes from another URL than the command line names. The view
// shows each redirect, but not that it changed the method.
func (s *session) reportRedirect(resp *http.Response) {
	req := resp.Request
	if req == nil || req.Response == nil || req.Response.Request == nil {
		return
	}
	method := req.Method
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	to := redact.URL(resp.Request.URL)
	switch {
	case method != req.Method:
		s.observer.Note("the " + req.Method + " was redirected and became a " + method +
			" without a body: " + to + " (use that URL to send the " + req.Method + ")")
	case s.view == nil:
		s.observer.Note("redirected to " + to)
	}
}

// A lineWriter writes to standard error. If running text was printed on the same terminal, it ends
// that line before.
type lineWriter struct {
	w       io.Writer
	printer *output.Printer
}

// Write implements io.Writer.
func (l lineWriter) Write(p []byte) (int, error) {
	l.printer.BreakLine(func() { io.WriteString(l.w, "\n") })
	return l.w.Write(p)
}
