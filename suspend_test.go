//go:build unix

package sse_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
)

const (
	suspendConns = 100
	suspendIdle  = 3 * time.Second
	suspendBeat  = 100 * time.Millisecond // between the comments of the server
	suspendURL   = "SSE_SUSPEND_URL"      // set in the child process
)

// A process that was suspended for longer than IdleTimeout does not cut connections that have data
// waiting. This test takes real time, because only a real process can be suspended.
func TestIdleTimeoutSuspendedProcess(t *testing.T) {
	if url := os.Getenv(suspendURL); url != "" {
		readSuspended(url)
		return
	}
	for _, after := range []time.Duration{10, 40, 80} {
		after *= time.Millisecond
		t.Run(fmt.Sprintf("resumed %v after the deadline", after), func(t *testing.T) {
			resume := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, "data:1\n\n")
				for {
					w.(http.Flusher).Flush()
					select {
					case <-time.After(untilBeat()):
						io.WriteString(w, ":\n")
					case <-resume:
						io.WriteString(w, "data:2\n\n")
						return
					case <-r.Context().Done():
						return
					}
				}
			}))
			defer srv.Close()

			child := exec.Command(os.Args[0], "-test.run=^TestIdleTimeoutSuspendedProcess$")
			child.Env = append(os.Environ(), suspendURL+"="+srv.URL)
			child.Stderr = os.Stderr
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			defer child.Wait()
			defer child.Process.Kill()

			lines := bufio.NewScanner(out)
			if !lines.Scan() || lines.Text() != "waiting" {
				t.Fatalf("the child printed %q, %v", lines.Text(), lines.Err())
			}
			<-time.After(untilBeat() + suspendBeat/2)
			child.Process.Signal(syscall.SIGSTOP)
			var status syscall.WaitStatus
			_, err = syscall.Wait4(child.Process.Pid, &status, syscall.WUNTRACED, nil)
			if err != nil || !status.Stopped() {
				t.Fatalf("the child did not stop: %v", err)
			}
			deadline := time.Now().Add(untilBeat() - suspendBeat + suspendIdle)
			<-time.After(time.Until(deadline.Add(after)))
			close(resume)
			child.Process.Signal(syscall.SIGCONT)
			if !lines.Scan() || lines.Text() != fmt.Sprint(suspendConns, " read, 0 cut") {
				t.Errorf("the child printed %q, %v", lines.Text(), lines.Err())
			}
		})
	}
}

// untilBeat returns the time until the next comment of all connections.
func untilBeat() time.Duration {
	now := time.Now()
	return now.Truncate(suspendBeat).Add(suspendBeat).Sub(now)
}

// readSuspended is the child process. It reads two events from each of its connections, and prints
// a line after all first and after all second events.
func readSuspended(url string) {
	base := &http.Transport{}
	client := &sse.Client{HTTPClient: &http.Client{Transport: base}, IdleTimeout: suspendIdle}
	other := &http.Client{Transport: &sse.Transport{Base: base, IdleTimeout: suspendIdle}}
	var read, cut atomic.Int32
	var reading sync.WaitGroup
	for i := range suspendConns {
		var next func() bool
		if i%2 == 0 { // a POST is not repeated
			req, err := http.NewRequest("POST", url, strings.NewReader("prompt"))
			if err != nil {
				panic(err)
			}
			stream := client.Stream(req)
			defer stream.Close()
			next = stream.Next
		} else {
			resp, err := other.Get(url)
			if err != nil {
				panic(err)
			}
			defer resp.Body.Close()
			next = sse.NewReader(resp.Body).Next
		}
		if !next() {
			panic("no first event")
		}
		reading.Go(func() {
			if next() {
				read.Add(1)
			} else {
				cut.Add(1)
			}
		})
	}
	fmt.Println("waiting")
	reading.Wait()
	fmt.Println(read.Load(), "read,", cut.Load(), "cut")
}
