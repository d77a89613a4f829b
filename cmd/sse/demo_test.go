package main

import (
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

func TestDemoLosesNothing(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "", "demo")
	if r.code != errtext.ExitDone {
		t.Errorf("exit code = %d, want 0\nstderr: %s", r.code, r.stderr)
	}
	for _, part := range []string{"503 Service Unavailable", "unexpected end", "resumed after id 8",
		"responded with 204 No Content, which ends the stream\n",
		"\n24 received, 0 lost, 0 repeated, 4 reconnects\n"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("output lacks %q:\n%s", part, r.stdout)
		}
	}
}
