package main

import (
	"fmt"
	"net/http"
	"slices"
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

// tolerance is the time by which a wait may be longer. It is shorter than the waits that
// implementations choose themselves.
const tolerance = 600 * time.Millisecond

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

// differences contains the differences between the result of a trial and the suite.
type differences struct {
	events   []string
	ids      []string // of events that are equal otherwise
	requests []string
	waits    []string
}

// all returns all differences.
func (d differences) all() []string { return slices.Concat(d.events, d.ids, d.requests, d.waits) }

// best returns the best results of two trials of a job: right events are better than wrong ids, and
// those are better than wrong events. The waits are those of b, the later trial.
func best(a, b differences) differences {
	d := b
	if len(a.events) < len(b.events) || len(a.events) == len(b.events) && len(a.ids) < len(b.ids) {
		d.events, d.ids = a.events, a.ids
	}
	if len(a.requests) == 0 {
		d.requests = nil
	}
	return d
}

// waitBefore returns the time before request n, counted from 0. It is the shortest of all trials of
// the job, because a busy machine makes a wait longer, but never shorter.
func (t *trial) waitBefore(n int) time.Duration {
	wait := t.requests[n].wait
	if t.earlier != nil && n < len(t.earlier.requests) {
		wait = min(wait, t.earlier.waitBefore(n))
	}
	return wait
}

// compare compares the result of the trial with the suite.
func (t *trial) compare() (d differences) {
	t.mu.Lock()
	defer t.mu.Unlock()
	differ := func(list *[]string, format string, a ...any) {
		*list = append(*list, fmt.Sprintf(format, a...))
	}
	same := func(got, want sse.Event) bool { return got.Type == want.Type && got.Data == want.Data }
	switch got := t.got.Events; {
	case !slices.EqualFunc(got, t.events, same):
		differ(&d.events, "events: got %s, want %s", brief(got), brief(t.events))
	case t.late:
		differ(&d.events, "an event was delivered after the bytes that follow it")
	case !slices.Equal(got, t.events):
		differ(&d.ids, "ids: got %s, want %s", brief(got), brief(t.events))
	}
	if t.job.requests {
		d.requests = t.compareRequests()
		d.waits = t.compareWaits()
	}
	return d
}

// compareRequests returns the differences between the requests of the trial and those of the job.
func (t *trial) compareRequests() (list []string) {
	differ := func(format string, a ...any) { list = append(list, fmt.Sprintf(format, a...)) }
	if len(t.requests) == 0 {
		return []string{"there was no request"}
	}
	requests := t.requests[1:] // the response to the first was the prelude
	for i, x := range t.exchanges {
		if i == len(requests) {
			differ("request %d: none, want %s", i+1, x.want)
			return list
		}
		if got := requests[i]; got.path != x.want.path || got.id() != x.want.id() {
			differ("request %d: got %s, want %s", i+1, got, x.want)
		}
	}
	extra := requests[len(t.exchanges):]
	if t.ends {
		if len(extra) > 0 || !t.got.Closed {
			differ("end: closed is %t after %d further requests, want true after none",
				t.got.Closed, len(extra))
		}
		return list
	}
	if wait := t.wait(); len(extra) == 0 && wait <= longestWait {
		differ("reconnection: none within a second (closed is %t), want one after %v",
			t.got.Closed, wait)
	}
	if want := headerID(t.lastID); len(extra) > 0 && extra[0].id() != want {
		differ("last event ID: got %s, want %s", brief(extra[0].id()), brief(want))
	}
	return list
}

// compareWaits returns the differences between the waits of the trial and those of the job.
func (t *trial) compareWaits() (list []string) {
	for n := 1; n < len(t.requests); n++ { // the response to request 0 was the prelude
		want := time.Duration(0) // not specified
		switch {
		case n <= len(t.exchanges):
			want = t.exchanges[n-1].want.wait
		case n == len(t.exchanges)+1 && !t.ends:
			want = t.job.wait()
		}
		if got := t.waitBefore(n); want > 0 && !inTime(got, want) {
			list = append(list, fmt.Sprintf("request %d: after %v, want %v",
				n, got.Round(time.Millisecond), want))
		}
	}
	return list
}

// inTime reports whether a wait is as long as it must be. If it must be longer than longestWait,
// the trial ends before it does.
func inTime(got, want time.Duration) bool {
	return got >= want-time.Millisecond && got <= want+tolerance && want <= longestWait
}
