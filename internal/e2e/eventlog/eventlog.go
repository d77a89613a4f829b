// Package eventlog provides a sequence of events that servers replay and clients verify.
package eventlog

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
)

const text = "The quick brown fox jumps\nover the lazy dog.\n"

// Event returns event n of every log, counted from 1. Its ID is n, and its data depends only on n.
func Event(n int) sse.Event {
	id := strconv.Itoa(n)
	return sse.Event{ID: id, Type: "message", Data: id + " " + text[:n%len(text)]}
}

// A Log is a growing sequence of events, from 1 to Len. It is safe for concurrent use. As an
// http.Handler, it serves its events from Last-Event-ID on. The zero value is an empty Log.
type Log struct {
	mu    sync.Mutex
	n     int
	grown chan struct{} // closed by the next call of Grow; nil if nobody waits
}

// Grow sets the number of events to n, unless it is larger already.
func (l *Log) Grow(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n <= l.n {
		return
	}
	l.n = n
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// A Schedule says how a Log grows with time. Servers with the same Schedule have the same events.
type Schedule struct {
	Begin  time.Time     // when the log is empty
	Period time.Duration // between two events
	Last   int           // the number of the last event
}

// Len returns the number of events now.
func (s Schedule) Len() int {
	return max(min(int(time.Since(s.Begin)/s.Period), s.Last), 0)
}

// Follow grows l as s says. It returns when the last event was added, or when done is closed.
func (l *Log) Follow(s Schedule, done <-chan struct{}) {
	ticker := time.NewTicker(s.Period)
	defer ticker.Stop()
	for {
		l.Grow(s.Len())
		if l.Len() >= s.Last {
			return
		}
		select {
		case <-ticker.C:
		case <-done:
			return
		}
	}
}

// Len returns the number of events.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// Wait waits until there are more than n events, and returns their number. It returns false if
// done was closed before.
func (l *Log) Wait(n int, done <-chan struct{}) (int, bool) {
	for {
		l.mu.Lock()
		if l.n > n {
			n = l.n
			l.mu.Unlock()
			return n, true
		}
		if l.grown == nil {
			l.grown = make(chan struct{})
		}
		grown := l.grown
		l.mu.Unlock()
		select {
		case <-grown:
		case <-done:
			return n, false
		}
	}
}

// Append appends the events after event number last, up to event n, to b in their wire form.
func Append(b []byte, last, n int) ([]byte, error) {
	for last++; last <= n; last++ {
		var err error
		if b, err = Event(last).Append(b); err != nil {
			return b, err
		}
	}
	return b, nil
}

// ServeHTTP serves the events after Last-Event-ID until the request ends.
func (l *Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	w.Header().Set("Content-Type", "text/event-stream")
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	for {
		n, ok := l.Wait(last, r.Context().Done())
		if !ok {
			return
		}
		b, err := Append(nil, last, n)
		if err != nil {
			panic(err) // Event returned an event without a wire form
		}
		if _, err := w.Write(b); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		last = n
	}
}

// A Checker verifies the events that one stream delivers. The zero value expects event 1.
type Checker struct {
	Last     int // the number of the last event
	Received int
	Lost     int // events that were skipped
	Repeated int // events that were delivered before
	Damaged  int // events that are not in a Log
}

// Add counts ev.
func (c *Checker) Add(ev sse.Event) {
	c.Received++
	n, err := strconv.Atoi(ev.ID)
	switch {
	case err != nil || ev != Event(n):
		c.Damaged++
	case n <= c.Last:
		c.Repeated++
	default:
		c.Lost += n - c.Last - 1
		c.Last = n
	}
}

// Finish counts the events that are missing if the log has n events.
func (c *Checker) Finish(n int) {
	c.Lost += max(n-c.Last, 0)
}
