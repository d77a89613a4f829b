package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// child is the environment variable that makes the test binary run main.
const child = "FOLLOW_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestFollowResumes(t *testing.T) {
	event := func(id string) ssetest.Step {
		return ssetest.Send(sse.Event{Type: "tick", ID: id, Data: "event " + id})
	}
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.WantNoHeader("Last-Event-ID"), ssetest.Retry(1),
			event("1"), ssetest.Raw("id: 2\ndata: ev"), ssetest.Cut(),
		},
		ssetest.Conn{ssetest.WantHeader("Last-Event-ID", "1"), event("2")},
		ssetest.Conn{ssetest.WantHeader("Last-Event-ID", "2"), ssetest.Status(204)},
		ssetest.Conn{ssetest.WantHeader("Last-Event-ID", "2"), event("3")}, // of the second run
		ssetest.Conn{ssetest.Status(204)},
	)
	dir := t.TempDir()
	for _, want := range []string{"tick 1 event 1\ntick 2 event 2\n", "tick 3 event 3\n"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], srv.URL)
		cmd.Args[0] = os.Args[0]
		cmd.Dir, cmd.Env = dir, append(os.Environ(), child+"=1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		got, err := cmd.Output()
		if err != nil || string(got) != want {
			t.Errorf("printed %q, %q, %v, want %q", got, stderr.String(), err, want)
		}
	}
}
