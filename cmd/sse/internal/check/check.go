// Package check reads a stream once and prints what is wrong with it.
package check

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/term"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
	checker "github.com/seed-0d85b69d/sse/internal/check"
	"github.com/seed-0d85b69d/sse/internal/recording"
)

// A live stream has no end. These limits say how much of it is read.
const (
	checkBytes = 16 << 20
	checkTime  = 10 * time.Second // unless --for says otherwise
)

// Options describes a check. The stream is Input or File, if one of them is set, and otherwise the
// response to Request.
type Options struct {
	Request  *request.Options
	Input    io.Reader
	File     string        // the name of a file
	Duration time.Duration // if zero, 10 seconds
	JSON     bool          // print the report as JSON
	Color    string        // "auto", "always" or "never"

	Stdout, Stderr *os.File
	Getenv         func(string) string
}

var (
	errChecked     = errors.New("checked") // ends the stream after the response was checked
	errCheckTimeUp = errors.New("time is up")
)

// Run reads the stream once, prints what is wrong with it, and returns the exit code.
func Run(ctx context.Context, o *Options) int {
	if o.File != "" {
		return o.runFile(ctx)
	}
	limit := cmp.Or(o.Duration, checkTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errCheckTimeUp)
	defer cancel()
	if term.IsTerminal(o.Stderr) {
		fmt.Fprintf(o.Stderr, "reading for %s (Ctrl-C ends it earlier)\n", units.Duration(limit))
	}
	if o.Input != nil {
		return o.checkStream(ctx, openInput(o.Input), checkBytes)
	}
	return o.runRequest(ctx)
}

// runFile checks the stream in the file. It is read to its end.
func (o *Options) runFile(ctx context.Context) int {
	if isRecording(o.File) {
		return errtext.PrintUsage(o.Stderr, "check", fmt.Errorf("%q is a recording; "+
			"replay it with sse serve, and check one of the addresses", o.File))
	}
	f, err := os.Open(o.File)
	if err != nil {
		err = fmt.Errorf("%q: %w", o.File, errtext.Reason(err))
		return errtext.PrintUsage(o.Stderr, "check", err)
	}
	return o.checkStream(ctx, f, 0)
}

// isRecording reports whether the file contains recorded responses and not a stream.
func isRecording(name string) bool {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() { // the bytes of a pipe can be read only once
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	responses, err := recording.Read(f)
	return err == nil && len(responses) > 0
}

// openInput returns a reader of r that can be interrupted by Close, as r itself may not.
func openInput(r io.Reader) io.ReadCloser {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.Copy(pw, r)
		pw.CloseWithError(err)
	}()
	return pr
}

// checkStream checks a stream that is not a response.
func (o *Options) checkStream(ctx context.Context, stream io.ReadCloser, limit int64) int {
	begun := time.Now()
	report := checker.Stream(ctx, stream, limit)
	return o.finish(ctx, &report, time.Since(begun))
}

// runRequest makes the request and checks the response.
func (o *Options) runRequest(ctx context.Context) int {
	base, err := o.Request.Transport()
	if err != nil {
		return errtext.PrintUsage(o.Stderr, "check", err)
	}
	rec := &request.Recorder{Base: base}
	if o.Request.Verbose {
		rec.Verbose = o.Stderr
	}
	req, err := o.Request.NewRequest(ctx)
	if err != nil {
		return errtext.PrintUsage(o.Stderr, "check", errors.New(errtext.Message(err)))
	}
	begun := time.Now()
	report, err := o.checkResponse(ctx, req, rec)
	if err != nil {
		if errors.Is(err, errCheckTimeUp) {
			err = errtext.ErrNoResponse
		}
		status := errtext.ExitStatus(err)
		if status.Failed() {
			errtext.Print(o.Stderr, "check: "+o.Request.Description(), err)
		}
		return status.Code
	}
	return o.finish(ctx, report, time.Since(begun))
}

// finish prints the report and returns the exit code.
func (o *Options) finish(ctx context.Context, report *checker.Report, took time.Duration) int {
	var err error
	if o.JSON {
		enc := json.NewEncoder(o.Stdout)
		enc.SetEscapeHTML(false)
		err = enc.Encode(report)
	} else {
		err = o.printReport(report, took)
	}
	if err != nil {
		err = errtext.Output(err)
		errtext.Print(o.Stderr, "", err)
		return errtext.ExitStatus(err).Code
	}
	if sig := (errtext.Signal{}); errors.As(context.Cause(ctx), &sig) {
		return errtext.ExitStatus(sig).Code
	}
	if worst, _ := report.Worst(); worst == checker.Error {
		return errtext.ExitError
	}
	return errtext.ExitDone
}

// checkResponse makes the request and checks its response. The Client follows redirects as it does
// for every stream.
func (o *Options) checkResponse(
	ctx context.Context, req *http.Request, rec *request.Recorder,
) (*checker.Report, error) {
	var report *checker.Report
	client := &sse.Client{
		HTTPClient:  o.Request.HTTPClient(rec),
		NoReconnect: true,
		Prepare: func(req *http.Request) error {
			o.Request.RemoveHeaders(req)
			return nil
		},
		CheckResponse: func(resp *http.Response) error {
			r := checker.Response(ctx, resp, checkBytes)
			report = &r
			return errChecked
		},
	}
	stream := client.Stream(req)
	stream.Next()
	if err := stream.Err(); report == nil && err != nil {
		return nil, err
	}
	if report == nil { // CheckResponse is not called for a 204
		resp := &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}
		r := checker.Response(ctx, resp, checkBytes)
		report = &r
	}
	return report, nil
}

// subject returns what is checked, for findings that are not about a line.
func (o *Options) subject() string {
	if o.File != "" || o.Input != nil {
		return "stream"
	}
	return "response"
}

// printReport prints the findings, the worst first, and a summary.
func (o *Options) printReport(r *checker.Report, took time.Duration) error {
	styles := map[checker.Severity]string{
		checker.Error:   term.Red,
		checker.Warning: term.Yellow,
		checker.Info:    term.Dim,
	}
	findings := slices.Clone(r.Findings)
	slices.SortStableFunc(findings, func(a, b checker.Finding) int {
		return int(b.Severity) - int(a.Severity)
	})
	count := make(map[checker.Severity]int)
	var lines [][]term.Span
	for _, f := range findings {
		count[f.Severity]++
		where := o.subject()
		if f.Line > 0 {
			where = fmt.Sprintf("line %d", f.Line)
		}
		times := ""
		if f.Count > 1 {
			times = fmt.Sprintf(" (%d times)", f.Count)
		}
		lines = append(lines, []term.Span{
			term.Styled(styles[f.Severity], fmt.Sprintf("%-8s", f.Severity)),
			term.Styled(term.Plain, where+": "+escape.Line(f.Message)+times),
			term.Styled(term.Dim, " ["+f.Section+" "+f.Rule+"]"),
		})
	}
	end := ""
	if r.Complete {
		end = " to the end"
	}
	lines = append(lines, []term.Span{
		term.Styled(term.Bold, units.Plural(count[checker.Error], "error")+", "+
			units.Plural(count[checker.Warning], "warning")+", "+
			fmt.Sprintf("%d %s", count[checker.Info], checker.Info)),
		term.Styled(term.Plain, fmt.Sprintf(" in %s and %s, %s, read for %s%s",
			units.Plural(r.Events, "event"), units.Plural(r.Comments, "comment"),
			units.Bytes(r.Bytes), units.Duration(took), end)),
	})
	return term.PrintLines(o.Stdout, term.Inspect(o.Stdout, o.Color, o.Getenv).Color, lines...)
}
