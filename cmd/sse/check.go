package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/ssetest"
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
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	if o.connectTimeout > 0 {
		defer time.AfterFunc(o.connectTimeout, func() { giveUp(errNoAnswer) }).Stop()
	}
	req, err := o.request(ctx)
	if err != nil {
		return usage(std, "check: "+message(err))
	}
	for name, value := range map[string]string{"Accept": "text/event-stream", "Cache-Control": "no-cache"} {
		if req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}
	o.strip(req)
	begun := time.Now()
	resp, err := (&http.Client{Transport: t, CheckRedirect: checkRedirect}).Do(req)
	if err != nil {
		if ctx.Err() != nil {
			if err = context.Cause(ctx); err == errFor {
				err = errNoAnswer
			}
		}
		_, _, code := (&session{o: o}).ending(err)
		if ue := (*url.Error)(nil); errors.As(err, &ue) {
			err = ue.Err // the URL in it may hold a token
		}
		text, _, _ := strings.Cut(message(err), " Location header") // so may the location that is quoted,
		text, _, _ = strings.Cut(text, " line: ")                   // and a header line that can't be read
		fmt.Fprintf(std.err, "sse: check: %s%s\n", text, advice(err))
		return code
	}
	report := ssetest.Check(ctx, resp, checkBytes)
	if o.form == "json" {
		enc := json.NewEncoder(std.out)
		enc.SetEscapeHTML(false)
		enc.Encode(report)
	} else {
		showReport(&report, time.Since(begun), o, std)
	}
	if sig := (interrupted{}); errors.As(context.Cause(ctx), &sig) {
		_, _, code := (&session{o: o}).ending(sig)
		return code
	}
	if worst, _ := report.Worst(); worst == ssetest.Error {
		return exitError
	}
	return exitDone
}

// checkRedirect tells another host no more of where the request comes from than
// the library, or a browser, does: a query may hold a token.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if last := via[len(via)-1].URL; last.Host != r.URL.Host {
		r.Header.Set("Referer", last.Scheme+"://"+last.Host+"/")
	}
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// errNoAnswer is a timeout before there are headers.
var errNoAnswer error = noAnswer{}

type noAnswer struct{}

func (noAnswer) Error() string { return "timeout: no answer came" }
func (noAnswer) Timeout() bool { return true }

// showReport prints the findings, the worst first, and what they are about.
func showReport(r *ssetest.Report, took time.Duration, o *options, std stdio) {
	v := &view{out: std.out, color: lookOf(std.out, o.color, std.getenv).color}
	styles := map[ssetest.Severity]string{ssetest.Error: red, ssetest.Warning: yellow, ssetest.Info: dim}
	findings := slices.Clone(r.Findings)
	slices.SortStableFunc(findings, func(a, b ssetest.Finding) int { return int(b.Severity) - int(a.Severity) })
	count := make(map[ssetest.Severity]int)
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
	lines = append(lines, []span{{bold, plural(count[ssetest.Error], "error") + ", " + plural(count[ssetest.Warning], "warning") + ", " + plural(count[ssetest.Info], "note")},
		{plain, fmt.Sprintf(" in %s and %s, %s, read for %s%s", plural(r.Events, "event"), plural(r.Comments, "comment"), byteSize(r.Bytes), short(took), end)}})
	v.lines(lines...)
}
