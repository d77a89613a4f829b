package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

// A job is a case of the suite in the form in which the server plays it. The first response of the
// server is the prelude, which sets a short reconnection time. Then follow the responses of the
// case, and a 204, whose request shows the last event ID and the reconnection time.
type job struct {
	name  string // of the case
	cut   string // "(in pieces)" or ""
	topic string

	// parsing is true if the case has one connection and is about its events.
	parsing bool

	// requests is true if the requests of the implementation are compared.
	requests bool

	// policy is true if the standard does not require what the case says.
	policy bool

	exchanges []exchange
	events    []sse.Event // that must be dispatched
	lastID    string      // the last event ID of the request after exchanges
	retry     string      // milliseconds before that request; empty for preludeRetry
	ends      bool        // whether the stream must end with the last of exchanges
}

// An exchange is a request that an implementation must send, and the response to it.
type exchange struct {
	want request
	suite.Response
	chunks    []suite.Bytes
	delivered []int // the number of events that must be delivered after each chunk, or nil
	pause     time.Duration
}

// A request is a request of an implementation.
type request struct {
	path   string
	lastID *string
	wait   time.Duration // since the previous response
}

const (
	preludeRetry = 10 // milliseconds
	prelude      = "retry:10\n\n"
	longestWait  = time.Second // for which an implementation waits
)

// delivered returns the counts of the job, if there are any.
func (j *job) delivered() []int {
	for _, x := range j.exchanges {
		if x.delivered != nil {
			return x.delivered
		}
	}
	return nil
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

// hasWait reports whether a wait is compared that is longer than that of the prelude.
func (j *job) hasWait() bool {
	return j.requests && (!j.ends && j.retry != "" || slices.ContainsFunc(j.exchanges,
		func(x exchange) bool { return x.want.wait > 0 }))
}

// tooLong reports whether a wait between the exchanges is too long. A wait of longestWait is too
// long because it may be the default, which the prelude replaces.
func (j *job) tooLong() bool {
	return slices.ContainsFunc(j.exchanges, func(x exchange) bool {
		return x.want.wait >= longestWait
	})
}

// id returns the Last-Event-ID of the request.
func (r request) id() string {
	if r.lastID == nil {
		return ""
	}
	return *r.lastID
}

func (r request) String() string { return fmt.Sprintf("%s with %s", r.path, brief(r.id())) }

// headerID returns the value of a Last-Event-ID header for the id.
func headerID(id string) string { return strings.Trim(id, " \t") }

// isSendable reports whether an ID can be sent in a header. The standard does not say what follows
// if it cannot, nor how long it may be.
func isSendable(id string) bool {
	return len(id) <= 4096 && !strings.ContainsFunc(id, func(r rune) bool {
		return r < ' ' && r != '\t' || r == 0x7f
	})
}

// brief formats v in at most 300 bytes and its length.
func brief(v any) string {
	s := fmt.Sprintf("%+q", v)
	if len(s) > 300 {
		s = fmt.Sprintf("%.300s… (%d bytes)", s, len(s))
	}
	return s
}
