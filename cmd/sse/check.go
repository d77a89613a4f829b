package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/seed-0d85b69d/sse"
	checker "github.com/seed-0d85b69d/sse/internal/check"
)

// A live stream has no end: this much of it is read, and for so long, unless
// --for says otherwise.
const (
	checkBytes = 16 << 20
	checkTime  = 10 * time.Second
)

var checkFlags = append(only(streamFlags, "for", "json", "last-event-id"), requestFlags...)

// check asks for a stream once, and says what is wrong with the answer.
func check(ctx context.Context, args []string, std stdio) int {
	o, err := parseArgs(args, checkFlags, std.in)
	if err == nil && o.url == nil {
		err = errors.New("want a URL")
	}
	if err != nil {
		return usage(std, "check: "+err.Error())
	}
	base, err := o.transport()
	if err != nil {
		return usage(std, "check: "+err.Error())
	}
	t := &tap{base: base}
	if o.verbose {
		t.v = std.err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(o.length, checkTime), errFor)
	defer cancel()
	req, err := o.request(ctx)
	if err != nil {
		return usage(std, "check: "+message(err))
	}
	var report *checker.Report
	look := func(resp *http.Response) error {
		r := checker.Response(ctx, resp, checkBytes)
		report = &r
		return errChecked
	}
	client := &sse.Client{
		HTTPClient:    &http.Client{Transport: t, Timeout: o.connectTimeout},
		Backoff:       func() backoff.BackOff { return &backoff.StopBackOff{} },
		Prepare:       func(req *http.Request) error { o.strip(req); return nil },
		CheckResponse: look,
	}
	begun := time.Now()
	stream := client.Stream(req)
	stream.Next()
	if err := stream.Err(); report == nil && err != nil {
		if errors.Is(err, errFor) {
			err = errNoAnswer
		}
		end, _, code := (&session{o: o}).ending(err)
		if end == "error" {
			fmt.Fprintf(std.err, "sse: check: %s%s\n", detail(err), advice(err))
		}
		return code
	}
	if report == nil { // a Client asks nobody about a 204
		look(&http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody})
	}
	if o.form == "json" {
		enc := json.NewEncoder(std.out)
		enc.SetEscapeHTML(false)
		err = enc.Encode(report)
	} else {
		err = showReport(report, time.Since(begun), o, std)
	}
	if err != nil {
		complain(std.err, outputError{err})
		return exitError
	}
	if sig := (interrupted{}); errors.As(context.Cause(ctx), &sig) {
		_, _, code := (&session{o: o}).ending(sig)
		return code
	}
	if worst, _ := report.Worst(); worst == checker.Error {
		return exitError
	}
	return exitDone
}

// errChecked ends a stream of which all is said.
var errChecked = errors.New("checked")

// errNoAnswer is a timeout before there are headers.
var errNoAnswer error = noAnswer{}

type noAnswer struct{}

func (noAnswer) Error() string { return "timeout: no answer came" }
func (noAnswer) Timeout() bool { return true }

// showReport prints the findings, the worst first, and what they are about.
func showReport(r *checker.Report, took time.Duration, o *options, std stdio) error {
	v := &view{out: std.out, color: lookOf(std.out, o.color, std.getenv).color}
	styles := map[checker.Severity]string{checker.Error: red, checker.Warning: yellow, checker.Info: dim}
	findings := slices.Clone(r.Findings)
	slices.SortStableFunc(findings, func(a, b checker.Finding) int { return int(b.Severity) - int(a.Severity) })
	count := make(map[checker.Severity]int)
	var lines [][]span
	for _, f := range findings {
		count[f.Severity]++
		where := "answer"
		if f.Line > 0 {
			where = fmt.Sprintf("line %d", f.Line)
		}
		times := ""
		if f.Count > 1 {
			times = fmt.Sprintf(" (%d times)", f.Count)
		}
		lines = append(lines, []span{
			{styles[f.Severity], fmt.Sprintf("%-8s", f.Severity)}, {plain, where + ": " + escape(f.Message) + times}, {dim, " [" + f.Section + " " + f.Rule + "]"},
		})
	}
	end := ""
	if r.Complete {
		end = " to the end"
	}
	lines = append(lines, []span{{bold, plural(count[checker.Error], "error") + ", " + plural(count[checker.Warning], "warning") + ", " + plural(count[checker.Info], "note")},
		{plain, fmt.Sprintf(" in %s and %s, %s, read for %s%s", plural(r.Events, "event"), plural(r.Comments, "comment"), byteSize(r.Bytes), short(took), end)}})
	return v.lines(lines...)
}
