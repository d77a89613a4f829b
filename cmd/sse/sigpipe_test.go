//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// If the reader of the output exits, the command ends without a message.
func TestFollowDiesOfSIGPIPE(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
		}
	})
	for _, form := range []string{"--data", "--raw", "--json"} {
		c := command(t, url, form)
		stdout, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		stdout.Close()
		c.Wait()
		if got := c.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGPIPE ||
			stderr.String() != "" {
			t.Errorf("%s: %v, stderr %q", form, c.ProcessState, stderr.String())
		}
	}
}
