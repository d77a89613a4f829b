package sse

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// State is the state of a [Stream]. The values are those of EventSource.readyState in a browser.
type State int

const (
	StateConnecting State = iota // not started, connecting, or waiting to reconnect
	StateOpen                    // a response was accepted, and events may arrive
	StateClosed                  // ended
)

// String returns "connecting", "open" or "closed".
func (s State) String() string {
	switch s {
	case StateConnecting:
		return "connecting"
	case StateOpen:
		return "open"
	}
	return "closed"
}

// A phase is a state in the diagram of Stream, or closing.
type phase int32

const (
	connecting phase = iota
	reading
	waiting
	closing // Close was called, and Next has not noticed yet
	closed
)

// A control interrupts the attempt, the connection or the wait in progress. Its methods may be
// called from any goroutine.
type control struct {
	mu           sync.Mutex
	phase        atomic.Int32            // changed with mu held, or by compare-and-swap
	ctx          context.Context         // of the attempt, the connection or the wait in progress
	cancel       context.CancelCauseFunc // of ctx; nil before the first attempt
	canReconnect bool                    // another attempt may follow this one
	waitSkipped  bool                    // by Reconnect, since the last progress
	started      time.Time               // the start of the last attempt
	abandoned    net.Conn                // that the next attempt leaves, or nil
	stats        Stats                   // without State and LastRead
	lastRead     atomic.Int64            // in nanoseconds since 1970
}

var errClosed = errors.New("sse: stream closed")

func (c *control) state() phase { return phase(c.phase.Load()) }

// enter ends the context of the attempt, connection or wait in progress, and starts the next phase
// with a context of its own. It returns why the old context had been cancelled already: by Close,
// Reconnect, a timeout or the parent context. It returns nil if it had not. If that was Reconnect,
// skipWait reports whether it may skip a wait.
func (c *control) enter(next phase, parent context.Context) (cause error, skipWait bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		cause = context.Cause(c.ctx)
		c.cancel(nil)
	}
	if cause == ErrReconnect {
		skipWait = !c.waitSkipped
		c.waitSkipped = true
	}
	c.stats.Opened, c.stats.NextAttempt = time.Time{}, time.Time{}
	if next == closed {
		c.phase.Store(int32(closed))
		c.stopAbandoning()
		return cause, false
	}
	if next == connecting {
		c.started = time.Now()
	}
	c.ctx, c.cancel = context.WithCancelCause(parent)
	if c.state() == closing {
		c.cancel(errClosed)
	} else {
		c.phase.Store(int32(next))
	}
	return cause, skipWait
}

// change replaces the phase and keeps the context. It returns false if Close was called.
func (c *control) change(from, to phase) bool {
	return c.phase.CompareAndSwap(int32(from), int32(to))
}

func (c *control) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state() != closed {
		c.phase.Store(int32(closing))
	}
	if c.cancel != nil {
		c.cancel(errClosed)
	}
	c.stopAbandoning()
}

// abandon reports whether the next attempt should set Request.Close to leave conn, which may be
// nil. It replaces the decision of the attempt before.
func (c *control) abandon(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopAbandoning()
	if c.state() == waiting && startAbandoning(conn) {
		c.abandoned = conn
	}
	return c.abandoned != nil
}

// stopAbandoning lets another Stream abandon the connection. The caller must hold mu.
func (c *control) stopAbandoning() {
	if c.abandoned != nil {
		abandoned.Delete(c.abandoned)
		c.abandoned = nil
	}
}

// reconnect cancels the attempt, the connection or the wait in progress with ErrReconnect. If a
// wait was skipped since the last progress, it cancels neither another wait nor an attempt that
// started less than minAttemptInterval ago.
func (c *control) reconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.canReconnect {
		return
	}
	if c.waitSkipped {
		switch c.state() {
		case waiting:
			return
		case connecting:
			if time.Since(c.started) < minAttemptInterval {
				return
			}
		}
	}
	c.cancel(ErrReconnect)
}

// resetSkip allows Reconnect to skip another wait.
func (c *control) resetSkip() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waitSkipped = false
}

// setCanReconnect sets whether another attempt may follow this one. If this attempt has been
// cancelled, setCanReconnect has no effect and returns the cause.
func (c *control) setCanReconnect(ok bool) (cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cause = context.Cause(c.ctx); cause == nil {
		c.canReconnect = ok
	}
	return cause
}

// setStats sets what Stats returns, except State and LastRead.
func (c *control) setStats(stats Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats = stats
}

// Stats describes a [Stream] at one moment, for health checks and metrics.
type Stats struct {
	State       State
	Opened      time.Time // when the current connection was accepted; zero if there is none
	LastRead    time.Time // when data arrived last, on any connection; zero if never
	LastErr     error     // why the last attempt or connection ended; nil while one is open
	NextAttempt time.Time // the end of the wait in progress; zero if there is none
}

// Close ends the stream. It closes the connection, and Next returns false from then on, even if
// events were received before. Close returns nil, does not wait for Next, and may be called more
// than once.
func (s *Stream) Close() error {
	s.control.close()
	if s.req.Body != nil {
		s.req.Body.Close()
	}
	return nil
}

// Reconnect makes the stream connect again without the usual wait. It ends the connection, the
// attempt or the wait in progress. Events that have been received completely are delivered first.
// If the request has an Idempotency-Key, they are left to the next attempt. Reconnect does not
// block, and several calls before the next attempt have the effect of one.
//
// An attempt starts at least one second after the one before. After Reconnect has skipped a wait,
// it does not skip another until an event arrives or a connection has lasted a minute. Reconnect
// has no effect on a stream that has not started or has ended, or if the request is not repeated.
func (s *Stream) Reconnect() { s.control.reconnect() }

// State returns the state of the stream.
func (s *Stream) State() State {
	switch s.control.state() {
	case connecting, waiting:
		return StateConnecting
	case reading:
		return StateOpen
	}
	return StateClosed
}

// Stats returns the current Stats of the stream. After Next has returned false, LastErr is the same
// as Err.
func (s *Stream) Stats() Stats {
	c := &s.control
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.stats
	if stats.State = s.State(); stats.State == StateClosed {
		stats.Opened, stats.NextAttempt = time.Time{}, time.Time{}
	}
	if ns := c.lastRead.Load(); ns != 0 {
		stats.LastRead = time.Unix(0, ns)
	}
	return stats
}
