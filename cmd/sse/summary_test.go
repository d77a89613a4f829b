package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
)

func TestSummaryText(t *testing.T) {
	t.Parallel()
	r := runSSE(t, sample, "-", "--summary")
	if r.code != 0 {
		t.Errorf("exit code %d", r.code)
	}
	times := regexp.MustCompile(`\d+(\.\d+)?(µs|ms|s)`)
	lines := strings.Split(times.ReplaceAllString(r.stderr, "T"), "\n")
	want := []string{"", "3 events in T, 138 bytes; ended: end of the input",
		"types        done 1, message 1, tick 1", "first event  after T",
		"gaps         p50 T, p95 T, max T"}
	if len(lines) < 8 || !slices.Equal(lines[:5], want) || lines[len(lines)-2] != "last id      3" {
		t.Errorf("summary:\n%s", r.stderr)
	}
	if r := runSSE(t, sample, "-"); r.stderr != "" {
		t.Errorf("without --summary: %s", r.stderr)
	}
}

func TestSummaryJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		end  string
		code int
	}{
		{[]string{"-"}, "input", errtext.ExitDone},
		{[]string{"-", "-n", "2"}, "count", errtext.ExitDone},
		{[]string{"-", "--until", "two\nlines", "-s"}, "until", errtext.ExitDone},
		{[]string{"--for", "0.05", "-s", "http://127.0.0.1:1"}, "for", errtext.ExitDone},
		{[]string{once(t, sample)}, "server", errtext.ExitDone},
		{[]string{"--no-reconnect", "http://127.0.0.1:1"}, "error", errtext.ExitError},
	} {
		r := runSSE(t, sample, append(test.args, "--summary", "json")...)
		text := r.stderr[strings.LastIndex(strings.TrimSuffix(r.stderr, "\n"), "\n")+1:]
		var got stats.Report
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%v: %v\n%s", test.args, err, r.stderr)
			continue
		}
		if got.End != test.end || got.ExitCode != test.code || r.code != test.code ||
			got.Duration <= 0 {
			t.Errorf("%v: exit code %d, %s", test.args, r.code, text)
		}
		if (got.Events > 0) != (got.First != nil) || (got.Events > 1) != (got.GapP50 != nil) {
			t.Errorf("%v: times: %s", test.args, text)
		}
	}
}
