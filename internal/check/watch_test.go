package check_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/internal/check"
)

// watch returns the body of a watched response whose stream is written to w, and the findings
// since the last call of next.
func watch(ctx context.Context) (w *io.PipeWriter, body io.ReadCloser, next func() []string) {
	pr, pw := io.Pipe()
	context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
	resp := &http.Response{
		StatusCode: http.StatusOK,
		Header: http.Header{
			"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache"},
			"X-Accel-Buffering": {"no"},
		},
		Body:    pr,
		Request: (&http.Request{Method: http.MethodGet}).WithContext(ctx),
	}
	var report check.Report
	check.Watch(resp, func(f check.Finding) { report.Findings = append(report.Findings, f) })
	return pw, resp.Body, func() []string {
		s := brief(report)
		report = check.Report{}
		return s
	}
}

func TestWatchReportsFindingsWhenTheyArise(t *testing.T) {
	t.Parallel()
	pw, body, next := watch(t.Context())
	go io.Copy(io.Discard, body)
	for _, step := range []struct {
		stream string
		want   []string
	}{
		{"data: a\n\n", nil},
		{"dta: a\n\n", []string{"3+9 warning unknown-field"}},
		{"x: a\ny: b\n", []string{"3+9 warning unknown-field", "3+9 warning unknown-field"}},
		{"data:b\n\n", []string{"0+0 warning ambiguous-space"}},
		{"data:c\n\n", nil},
		{"id: 1\ndata: d\r\n\n", []string{"0+0 info mixed-line-endings"}},
	} {
		io.WriteString(pw, step.stream)
		io.WriteString(pw, "") // returns when the first Write was checked
		if diff := cmp.Diff(step.want, next()); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", step.stream, diff)
		}
	}
	body.Close()
	if diff := cmp.Diff([]string(nil), next()); diff != "" {
		t.Errorf("after Close (-want +got):\n%s", diff)
	}
}

func TestWatchReportsTheWholeWhenReadingStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pw, body, next := watch(ctx)
		go io.WriteString(pw, "data: a\n\ndata: b\n")
		io.ReadFull(body, make([]byte, 17))
		if got := next(); got != nil {
			t.Errorf("findings before the end: %q", got)
		}
		time.AfterFunc(time.Minute, cancel)
		if _, err := body.Read(make([]byte, 1)); err != context.Canceled {
			t.Errorf("Read returned %v", err)
		}
		body.Close()
		want := []string{"0+0 info silence", "0+0 info no-ids"}
		if diff := cmp.Diff(want, next()); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
	})
}

func TestWatchLeavesRefusedBody(t *testing.T) {
	t.Parallel()
	resp := &http.Response{StatusCode: http.StatusBadGateway, Body: http.NoBody}
	var found []string
	check.Watch(resp, func(f check.Finding) { found = append(found, f.Rule) })
	if diff := cmp.Diff([]string{"status"}, found); diff != "" || resp.Body != http.NoBody {
		t.Errorf("findings (-want +got):\n%s\nbody %v", diff, resp.Body)
	}
}
