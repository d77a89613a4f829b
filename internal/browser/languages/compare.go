package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// tolerance is the time by which a wait may be longer.
const tolerance = 250 * time.Millisecond

// differences contains the differences between the result of a trial and the suite.
type differences struct {
	events   []string
	ids      []string // of events that are equal otherwise
	requests []string
	waits    []string
}

// all returns all differences.
func (d differences) all() []string { return slices.Concat(d.events, d.ids, d.requests, d.waits) }

// best returns the better results of two trials of a job: right events are better than wrong IDs,
// and those are better than wrong events. Among equals, right requests are better. The waits are
// those of b, the later trial, which include those of a.
func best(a, b differences) differences {
	badness := func(d differences) []int {
		return []int{len(d.events), len(d.ids), len(d.requests)}
	}
	if slices.Compare(badness(a), badness(b)) < 0 {
		a.waits = b.waits
		return a
	}
	return b
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
	for n, got := range t.shortestWaits() {
		want := time.Duration(0) // not specified
		switch {
		case n == 0: // the response is the prelude
		case n <= len(t.exchanges):
			want = t.exchanges[n-1].want.wait
		case n == len(t.exchanges)+1 && !t.ends:
			want = t.job.wait()
		}
		if want > 0 && !inTime(got, want) {
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
