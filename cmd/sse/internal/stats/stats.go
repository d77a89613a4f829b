// Package stats counts what a run saw, and prints the summary.
package stats

import (
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// Stats counts what a run saw. Its memory use stays constant. The methods may be called from
// several goroutines, except WriteText and WriteJSON, which are called when the run has ended.
type Stats struct {
	mu         sync.Mutex
	start      time.Time
	connected  time.Time // when the current connection was opened; zero if there is none
	first      time.Time // of the first event
	last       time.Time // of the last event
	events     int
	bytes      int64
	types      map[string]int
	gaps       gaps
	recent     [rateWindow]int // events in each of the last seconds
	second     int64           // the last second in recent, counted from start
	reconnects int
	causes     map[string]int
	comments   int
	ignored    int    // lines that the standard ignores
	errors     int    // errors that the stream sent as events
	model      *Model // nil without --text
}

const (
	rateWindow = 10  // seconds
	maxKeys    = 64  // different types or causes; all others are counted as otherKey
	maxKey     = 128 // bytes of a type or cause
	otherKey   = "(others)"
)

// New returns the Stats of a run that starts now.
func New(now time.Time) *Stats {
	return &Stats{start: now, types: make(map[string]int), causes: make(map[string]int)}
}

// Event counts an event of type typ. It returns the time since the previous event, or since the
// start.
func (s *Stats) Event(now time.Time, typ string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	gap := now.Sub(s.start)
	if s.events == 0 {
		s.first = now
	} else {
		gap = now.Sub(s.last)
		s.gaps.add(gap)
	}
	s.last = now
	s.events++
	count(s.types, typ)
	s.advance(now)
	s.recent[s.second%rateWindow]++
	return gap
}

// advance moves the window of recent to now.
func (s *Stats) advance(now time.Time) {
	second := int64(now.Sub(s.start) / time.Second)
	if second-s.second >= rateWindow {
		s.recent = [rateWindow]int{}
	} else {
		for s.second < second {
			s.second++
			s.recent[s.second%rateWindow] = 0
		}
	}
	s.second = second
}

// rate returns the number of events per second during the last ten seconds.
func (s *Stats) rate(now time.Time) float64 {
	s.advance(now)
	sum := 0
	for _, n := range s.recent {
		sum += n
	}
	return float64(sum) / min(max(now.Sub(s.start).Seconds(), 1), rateWindow)
}

// A Snapshot is what a Stats has counted up to a moment.
type Snapshot struct {
	Events     int
	Bytes      int64
	Reconnects int
	Rate       float64   // events per second during the last seconds
	Opened     time.Time // when the current connection was opened; zero if there is none
	First      time.Time // when the first event arrived
	Last       time.Time // when the last event arrived
	Comments   int
	Ignored    int // lines that the standard ignores
}

// Snapshot returns what s has counted up to now.
func (s *Stats) Snapshot(now time.Time) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{
		Events:     s.events,
		Bytes:      s.bytes,
		Reconnects: s.reconnects,
		Rate:       s.rate(now),
		Opened:     s.connected,
		First:      s.first,
		Last:       s.last,
		Comments:   s.comments,
		Ignored:    s.ignored,
	}
}

// Gaps returns percentiles of the times between events and the longest of them. It reports false if
// there were fewer than two events.
func (s *Stats) Gaps() (p50, p95, longest time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps.percentile(50), s.gaps.percentile(95), s.gaps.max, s.gaps.n > 0
}

// AddBytes counts n bytes of the stream.
func (s *Stats) AddBytes(n int) {
	s.mu.Lock()
	s.bytes += int64(n)
	s.mu.Unlock()
}

// AddComment counts a comment.
func (s *Stats) AddComment() {
	s.mu.Lock()
	s.comments++
	s.mu.Unlock()
}

// AddIgnored counts a line that the standard ignores.
func (s *Stats) AddIgnored() {
	s.mu.Lock()
	s.ignored++
	s.mu.Unlock()
}

// AddError counts an error that the stream sent as an event.
func (s *Stats) AddError() {
	s.mu.Lock()
	s.errors++
	s.mu.Unlock()
}

// Opened records that a connection was opened.
func (s *Stats) Opened(now time.Time) {
	s.mu.Lock()
	s.connected = now
	s.mu.Unlock()
}

// Disconnected counts a connection that failed or ended because of cause.
func (s *Stats) Disconnected(cause string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = time.Time{}
	s.reconnects++
	count(s.causes, cause)
}

// count increments m[key]. It bounds the length and the number of keys.
func count(m map[string]int, key string) {
	if short := escape.Truncate(key, maxKey); short != key {
		key = short + "…"
	}
	if _, ok := m[key]; !ok && len(m) >= maxKeys {
		key = otherKey
	}
	m[key]++
}
