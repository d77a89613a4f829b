package follow

import (
	"sync"
	"time"
)

// A silence reports that no byte has arrived for a while. After each report it waits twice as long,
// so that a stream with long pauses is not reported again and again.
type silence struct {
	report func(d time.Duration)

	mu      sync.Mutex
	limit   time.Duration
	last    time.Time // when the last byte arrived
	timer   *time.Timer
	running bool
}

// newSilence returns a silence that calls report after limit without a byte.
func newSilence(limit time.Duration, report func(d time.Duration)) *silence {
	s := &silence{report: report, limit: limit}
	s.timer = time.AfterFunc(limit, s.expired)
	s.timer.Stop()
	return s
}

// reset starts the wait again, because the stream was opened or a byte has arrived.
func (s *silence) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.running = time.Now(), true
	s.timer.Reset(s.limit)
}

// stop ends the wait.
func (s *silence) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	s.timer.Stop()
}

// expired is called when the wait is over.
func (s *silence) expired() {
	s.mu.Lock()
	now := time.Now()
	if left := s.last.Add(s.limit).Sub(now); !s.running || left > 0 {
		s.mu.Unlock()
		return // a byte arrived at the same moment, and the timer was started again
	}
	d := now.Sub(s.last)
	s.limit *= 2
	s.timer.Reset(s.limit - d)
	s.mu.Unlock()
	s.report(d)
}
