package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

// A job is a case for the browser. The first response of the server is the prelude, which sets a
// short reconnection time. Then follow the responses of the case, and a 204.
type job struct {
	name      string
	exchanges []exchange
	events    []sse.Event // that the browser must dispatch
	lastID    string      // the last event ID of the request after exchanges
	retry     string      // milliseconds before that request; empty for preludeRetry
	ends      bool        // whether the stream must end with the last of exchanges

	mu       sync.Mutex
	requests []request // of the browser
	ended    time.Time // the end of the last response
	got      *report
}

// An exchange is a request that the browser must send, and the response to it.
type exchange struct {
	want request
	suite.Response
	chunks []suite.Bytes
}

// A request is a request of the browser.
type request struct {
	path   string
	lastID *string
	wait   time.Duration // since the previous response
}

// A report is the result that the page posts for a job.
type report struct {
	ID     int
	Events []sse.Event
	Closed bool // whether readyState is CLOSED
}

const (
	preludeRetry = 10 // milliseconds
	prelude      = "retry:10\n\n"
	tolerance    = 250 * time.Millisecond // by which a wait may be longer
	longestWait  = time.Second            // for which the page waits
)

// repeat returns a job for the same case that has not run.
func (j *job) repeat() *job {
	return &job{
		name:      j.name,
		exchanges: j.exchanges,
		events:    j.events,
		lastID:    j.lastID,
		retry:     j.retry,
		ends:      j.ends,
	}
}

// record records a request and returns the number of requests before it.
func (j *job) record(r *http.Request) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = len(j.requests)
	req := request{path: "/" + r.PathValue("path")}
	if ids := r.Header["Last-Event-Id"]; ids != nil {
		req.lastID = &ids[0]
	}
	if n > 0 {
		req.wait = time.Since(j.ended)
	}
	j.requests = append(j.requests, req)
	return n
}

// text returns the text of a job in which departures are searched: its name, and the header and
// the body of each response. A \x{100} precedes each body.
func (j *job) text() string {
	s := []rune(j.name)
	for _, x := range j.exchanges {
		if x.Fail {
			s = append(s, []rune("\nfail\n")...)
		}
		for _, f := range x.Headers {
			s = append(s, []rune("\n"+string(f[0])+": "+string(f[1]))...)
		}
		s = append(s, 0x100)
		for _, chunk := range x.chunks {
			for _, b := range chunk {
				s = append(s, rune(b))
			}
		}
	}
	return string(s)
}

// compare returns the differences between the results of the browser and the suite.
func (j *job) compare() (diffs []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.got == nil {
		return []string{"the page posted no report"}
	}
	differ := func(format string, a ...any) { diffs = append(diffs, fmt.Sprintf(format, a...)) }
	if !slices.Equal(j.got.Events, j.events) {
		differ("events: browser %s, want %s", brief(j.got.Events), brief(j.events))
	}
	if len(j.requests) == 0 {
		return append(diffs, "the browser sent no request")
	}
	requests := j.requests[1:] // the response to the first was the prelude
	for i, x := range j.exchanges {
		if i == len(requests) {
			differ("request %d: none, want %s", i+1, x.want)
			return diffs
		}
		if got := requests[i]; got.path != x.want.path || got.id() != x.want.id() {
			differ("request %d: browser %s, want %s", i+1, got, x.want)
		} else if want := x.want.wait; want > 0 && !inTime(got.wait, want) {
			wait := got.wait.Round(time.Millisecond)
			differ("request %d: browser waits %v, want %v", i+1, wait, want)
		}
	}
	extra := requests[len(j.exchanges):]
	if j.ends {
		if len(extra) > 0 || !j.got.Closed {
			differ("end: closed is %t after %d further requests, want true after none",
				j.got.Closed, len(extra))
		}
		return diffs
	}
	switch wait := j.wait(); {
	case len(extra) == 0 && wait <= longestWait:
		differ("reconnection: none within a second (closed is %t), want one after %v",
			j.got.Closed, wait)
	case len(extra) == 0:
	case wait > longestWait || !inTime(extra[0].wait, wait):
		differ("reconnection: after %v, want %v", extra[0].wait.Round(time.Millisecond), wait)
	}
	if want := headerID(j.lastID); len(extra) > 0 && extra[0].id() != want {
		differ("last event ID: browser sends %s, want %s", brief(extra[0].id()), brief(want))
	}
	return diffs
}

// inTime reports whether a wait of the browser is as long as it must be.
func inTime(got, want time.Duration) bool {
	return got >= want-time.Millisecond && got <= want+tolerance
}

// headerID returns the value of a Last-Event-ID header for the id.
func headerID(id string) string { return strings.Trim(id, " \t") }

// id returns the Last-Event-ID of the request.
func (r request) id() string {
	if r.lastID == nil {
		return ""
	}
	return *r.lastID
}

func (r request) String() string { return fmt.Sprintf("%s with %s", r.path, brief(r.id())) }

// brief formats v in at most 300 bytes and its length.
func brief(v any) string {
	s := fmt.Sprintf("%+q", v)
	if len(s) > 300 {
		s = fmt.Sprintf("%.300s… (%d bytes)", s, len(s))
	}
	return s
}

// wait returns the reconnection time at the end of the job. It is at most a little longer than
// longestWait.
func (j *job) wait() time.Duration {
	if j.retry == "" {
		return preludeRetry * time.Millisecond
	}
	if ms, err := strconv.ParseUint(j.retry, 10, 16); err == nil {
		return min(time.Duration(ms)*time.Millisecond, longestWait+1)
	}
	return longestWait + 1
}

// tooLong reports whether the job contains a wait for which the page does not wait.
func (j *job) tooLong() bool {
	return slices.ContainsFunc(j.exchanges, func(x exchange) bool {
		return x.want.wait > longestWait
	})
}
