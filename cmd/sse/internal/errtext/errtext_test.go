package errtext

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
)

func TestExitStatus(t *testing.T) {
	t.Parallel()
	refused := &sse.ResponseError{Status: "503 Service Unavailable", StatusCode: 503}
	html := &sse.ResponseError{Status: "200 OK", StatusCode: http.StatusOK}
	for _, test := range []struct {
		name string
		err  error
		want Status
	}{
		{"none", nil, Status{"server", "the server ended the stream", ExitDone}},
		{"stop", &Stop{"count", "2 events (-n)"}, Status{"count", "2 events (-n)", ExitDone}},
		{"SIGINT", Signal{os.Interrupt}, Status{"interrupted", "interrupted", ExitInterrupted}},
		{"SIGTERM", Signal{syscall.SIGTERM}, Status{"terminated", "terminated", ExitTerminated}},
		{"refused", fmt.Errorf("wrapped: %w", refused),
			Status{"error", "503 Service Unavailable", ExitHTTP}},
		{"not a stream", html, Status{"error", "not an event stream", ExitError}},
		{"idle", sse.ErrIdleTimeout, Status{"error", "idle timeout", ExitTimeout}},
		{"timeout", ErrNoResponse, Status{"error", "timeout", ExitTimeout}},
		{"cut", io.ErrUnexpectedEOF, Status{"error", "unexpected end", ExitError}},
		{"malformed", &url.Error{Op: "Get", URL: "http://h/", Err: errors.New("malformed")},
			Status{"error", "malformed", ExitError}},
		{"other", errors.New("sse: a\x1bb"), Status{"error", `a\x1bb`, ExitError}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, ExitStatus(test.err)); diff != "" {
				t.Errorf("ExitStatus (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"HTTP 403 Forbidden": &sse.ResponseError{
			Status: "403 Forbidden", StatusCode: http.StatusForbidden, Body: []byte("no"),
		},
		"not an event stream: 200 OK: Content-Type is missing, not text/event-stream": fmt.Errorf(
			"wrapped: %w", &sse.ResponseError{Status: "200 OK", StatusCode: 200, Body: []byte("x")}),
		"idle timeout (--idle-timeout allows longer pauses)": sse.ErrIdleTimeout,
		"http: server gave HTTP response to HTTPS client " +
			"(the URL of this server begins with http://)": http.ErrSchemeMismatch,
		`a\x1bb`: errors.New("sse: a\x1bb"),
	} {
		if got := Line(err); got != want {
			t.Errorf("Line(%v) = %q, want %q", err, got, want)
		}
	}
}

func TestPrintBoundsBody(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	Print(&b, "GET http://h/", &sse.ResponseError{
		Status:     "400 Bad Request",
		StatusCode: http.StatusBadRequest,
		Body:       []byte(strings.Repeat("é", maxBodyLine) + "\r\n" + strings.Repeat("x\n", 20)),
	})
	want := "sse: HTTP 400 Bad Request\n  " + strings.Repeat("é", maxBodyLine/2) + "…\n" +
		strings.Repeat("  x\n", 9) + "  …\n  request: GET http://h/\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
