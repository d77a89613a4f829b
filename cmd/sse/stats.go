package main

import (
	"strings"
	"sync"
	"time"
)

// stats counts what a run saw, in memory that does not grow with it. The
// status line and the summary are made from it.
type stats struct {
	mu      sync.Mutex
	start   time.Time
	opened  time.Time // the connection in use; zero: none
	first   time.Time // the first event
	last    time.Time // the last event
	events  int
	bytes   int64
	types   map[string]int
	gaps    gaps
	recent  [rateWindow]int // events of the last seconds, for the rate
	second  int64           // the second, since start, that recent is at
	retries int
	causes  map[string]int
}

const (
	rateWindow = 10
	maxKeys    = 64 // distinct types or causes; the rest count as one
	otherKey   = "(others)"
)

func newStats(now time.Time) *stats {
	return &stats{start: now, types: make(map[string]int), causes: make(map[string]int)}
}

// event counts an event and returns the time since the one before it, or
// since the start.
func (s *stats) event(now time.Time, typ string) time.Duration {
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
func (s *stats) turn(now time.Time) {
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
func (s *stats) rate(now time.Time) float64 {
	s.turn(now)
	sum := 0
	for _, n := range s.recent {
		sum += n
	}
	return float64(sum) / min(max(now.Sub(s.start).Seconds(), 1), rateWindow)
}

func (s *stats) addBytes(n int) {
	s.mu.Lock()
	s.bytes += int64(n)
	s.mu.Unlock()
}

func (s *stats) open(now time.Time) {
	s.mu.Lock()
	s.opened = now
	s.mu.Unlock()
}

func (s *stats) cut(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = time.Time{}
	s.retries++
	count(s.causes, why)
}

func count(m map[string]int, key string) {
	if len(key) > 128 {
		key = strings.ToValidUTF8(key[:128], "") + "…"
	}
	if _, ok := m[key]; !ok && len(m) >= maxKeys {
		key = otherKey
	}
	m[key]++
}
