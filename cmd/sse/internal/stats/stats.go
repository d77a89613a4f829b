package stats

import (
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// Stats counts what a run saw, in memory that does not grow with it. The
// status line and the summary are made from it.
type Stats struct {
	mu         sync.Mutex
	start      time.Time
	connected  time.Time // the connection in use; zero: none
	first      time.Time // the first event
	last       time.Time // the last event
	events     int
	bytes      int64
	types      map[string]int
	gaps       gaps
	recent     [rateWindow]int // events of the last seconds, for the rate
	second     int64           // the second, since start, that recent is at
	reconnects int
	causes     map[string]int
}

const (
	rateWindow = 10
	maxKeys    = 64  // distinct types or causes; the rest count as one
	maxKey     = 128 // bytes of a type or cause
	otherKey   = "(others)"
)

func New(now time.Time) *Stats {
	return &Stats{start: now, types: make(map[string]int), causes: make(map[string]int)}
}

// Event counts an event and returns the time since the one before it, or
// since the start.
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
	s.turn(now)
	s.recent[s.second%rateWindow]++
	return gap
}

// turn moves the rate's window to now.
func (s *Stats) turn(now time.Time) {
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

// rate is the events a second over the last ten seconds.
func (s *Stats) rate(now time.Time) float64 {
	s.turn(now)
	sum := 0
	for _, n := range s.recent {
		sum += n
	}
	return float64(sum) / min(max(now.Sub(s.start).Seconds(), 1), rateWindow)
}

// A snapshot is what a stats has counted up to a moment.
type snapshot struct {
	Events     int
	Bytes      int64
	Reconnects int
	Rate       float64   // events per second during the last seconds
	Opened     time.Time // when the current connection was opened; zero if there is none
	Last       time.Time // when the last event arrived
}

// Snapshot returns what s has counted up to now.
func (s *Stats) Snapshot(now time.Time) snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return snapshot{
		Events:     s.events,
		Bytes:      s.bytes,
		Reconnects: s.reconnects,
		Rate:       s.rate(now),
		Opened:     s.connected,
		Last:       s.last,
	}
}

func (s *Stats) AddBytes(n int) {
	s.mu.Lock()
	s.bytes += int64(n)
	s.mu.Unlock()
}

func (s *Stats) Opened(now time.Time) {
	s.mu.Lock()
	s.connected = now
	s.mu.Unlock()
}

func (s *Stats) Disconnected(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = time.Time{}
	s.reconnects++
	count(s.causes, why)
}

func count(m map[string]int, key string) {
	if short := escape.Truncate(key, maxKey); short != key {
		key = short + "…"
	}
	if _, ok := m[key]; !ok && len(m) >= maxKeys {
		key = otherKey
	}
	m[key]++
}
