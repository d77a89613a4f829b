package main

import (
	"net/http"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A trial is one run of a job with an implementation.
type trial struct {
	*job

	mu       sync.Mutex
	earlier  *trial    // of the same job, or nil
	seen     int       // events that the implementation has delivered, if the job counts them
	late     bool      // whether an event was not delivered before the bytes after it
	requests []request // of the implementation
	ended    time.Time // the end of the last response
	got      *report
}

// A report is the result of a trial.
type report struct {
	ID     int
	Events []sse.Event
	Closed bool // whether the stream has ended for good
}

// record records a request and returns the number of requests before it.
func (t *trial) record(r *http.Request) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n = len(t.requests)
	req := request{path: "/" + r.PathValue("path")}
	if ids := r.Header["Last-Event-Id"]; ids != nil {
		req.lastID = &ids[0]
	}
	if n > 0 {
		req.wait = time.Since(t.ended)
	}
	t.requests = append(t.requests, req)
	return n
}

// setEnded records the end of a response.
func (t *trial) setEnded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = time.Now()
}

func (t *trial) setSeen(count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = max(t.seen, count)
}

// awaitSeen waits until the implementation has delivered n events, at most five seconds.
func (t *trial) awaitSeen(n int) {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		t.mu.Lock()
		t.late = t.late || t.seen < n && time.Now().After(end)
		stop := t.seen >= n || t.late
		t.mu.Unlock()
		if stop {
			return
		}
	}
}

// shortestWaits returns the time before each request. It is the shortest of all trials of the job,
// because a busy machine makes a wait longer, but never shorter.
func (t *trial) shortestWaits() (list []time.Duration) {
	if t.earlier != nil {
		list = t.earlier.shortestWaits()
	}
	for n, r := range t.requests {
		if n == len(list) {
			list = append(list, r.wait)
		}
		list[n] = min(list[n], r.wait)
	}
	return list
}
