//go:build unix

package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/child"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// A server process is killed, or suspended for longer than the idle timeout, and replaced. The
// streams resume: nothing is lost and nothing is repeated.
func TestStreamSurvivesKilledServer(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, suspend := range []bool{false, true} {
			t.Run(fmt.Sprintf("HTTP/2 %v suspended %v", http2, suspend), func(t *testing.T) {
				t.Parallel()
				testKill(t, http2, suspend)
			})
		}
	}
}

func testKill(t *testing.T, http2, suspend bool) {
	const (
		streams = 50
		faults  = 4
		period  = 4 * time.Millisecond // between two events
		between = 250                  // events between two faults
		last    = (faults + 1) * between
	)
	server := &child.Server{
		Addr: "127.0.0.1:0",
		Log:  eventlog.Schedule{Begin: time.Now(), Period: period, Last: last},
	}
	process, err := server.StartServer()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { process.Kill() }()

	httpClient, d := newDialClient(t, http2)
	var retries retryLog
	client := &sse.Client{
		HTTPClient:       httpClient,
		ReconnectionTime: -1,
		Backoff:          shortBackoff,
		IdleTimeout:      500 * time.Millisecond,
		OnRetry:          retries.add,
	}
	var checks [streams]eventlog.Checker
	progress := make(chan int, last) // the numbers of the events of the first stream
	var following sync.WaitGroup
	var finished atomic.Int64
	for i := range checks {
		s := client.Stream(newRequest(t, t.Context(), "http://"+server.Addr))
		following.Go(func() {
			defer s.Close()
			for checks[i].Last < last && s.Next() {
				checks[i].Add(s.Event())
				if i == 0 && checks[0].Last%between == 0 {
					progress <- checks[0].Last
				}
			}
			checks[i].Finish(last)
			finished.Add(1)
		})
	}
	for range faults {
		select {
		case <-progress:
		case <-time.After(20 * time.Second):
			t.Fatal("the first stream received too few events within 20 s")
		}
		if suspend {
			if err := process.Suspend(); err != nil {
				t.Fatal(err)
			}
			// On a slow machine, some streams may have received all events already.
			noticed := func() int { return retries.len() + int(finished.Load()) }
			before := retries.len()
			if !poll(10*time.Second, func() bool { return noticed()-before >= streams }) {
				t.Errorf("%d of %d streams noticed the suspended server", noticed()-before, streams)
			}
		}
		process.Kill()
		if process, err = server.StartServer(); err != nil {
			t.Fatal(err)
		}
	}
	following.Wait()
	for i, check := range checks {
		if want := (eventlog.Checker{Last: last, Received: last}); check != want {
			t.Errorf("stream %d: %+v, want %+v", i, check, want)
		}
	}
	t.Logf("%d events, %d connections, %d retries", streams*last, d.Made(), retries.len())
}
