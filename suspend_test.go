//go:build unix

package sse_test

import (
	"bufio"
	"errors"
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
	suspendConns = 400
	suspendIdle  = time.Second
	suspendURL   = "SSE_SUSPEND_URL" // set in the child process
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
			var connected atomic.Int32
			first, second := make(chan struct{}), make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				w.(http.Flusher).Flush()
				if connected.Add(1) == suspendConns {
					close(first)
				}
				for _, event := range []<-chan struct{}{first, second} {
					select {
					case <-event:
					case <-r.Context().Done():
						return
					}
					io.WriteString(w, "data:\n\n")
					w.(http.Flusher).Flush()
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
			deadline := time.Now().Add(suspendIdle)
			child.Process.Signal(syscall.SIGSTOP)
			var status syscall.WaitStatus
			_, err = syscall.Wait4(child.Process.Pid, &status, syscall.WUNTRACED, nil)
			if err != nil || !status.Stopped() {
				t.Fatalf("the child did not stop: %v", err)
			}
			close(second)
			<-time.After(time.Until(deadline.Add(after)))
			child.Process.Signal(syscall.SIGCONT)
			if !lines.Scan() || lines.Text() != fmt.Sprint(suspendConns, " read, 0 cut") {
				t.Errorf("the child printed %q, %v", lines.Text(), lines.Err())
			}
		})
	}
}

// readSuspended is the child process. It reads two events from each of its connections, and prints
// a line after the first and the second.
func readSuspended(url string) {
	base := &http.Transport{}
	client := &sse.Client{HTTPClient: &http.Client{Transport: base}, IdleTimeout: suspendIdle}
	other := &http.Client{Transport: &sse.Transport{Base: base, IdleTimeout: suspendIdle}}
	var read, cut atomic.Int32
	var first, second sync.WaitGroup
	for i := range suspendConns {
		first.Add(1)
		second.Go(func() {
			next := func() bool { return false }
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
				panic(errors.New("no first event"))
			}
			first.Done()
			if next() {
				read.Add(1)
			} else {
				cut.Add(1)
			}
		})
	}
	first.Wait()
	fmt.Println("waiting")
	second.Wait()
	fmt.Println(read.Load(), "read,", cut.Load(), "cut")
}
