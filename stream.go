package sse

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
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

// A Stream is a sequence of events that continues across connections. [Get] and [Client.Stream]
// return one.
//
// A Stream has no goroutine of its own: it connects, reads and waits in Next. Close, Reconnect and
// State may be called from any goroutine. All other methods must be called from the goroutine that
// calls Next. If the caller stops before Next returns false, it must call Close to release the
// connection.
//
// These are the states of a Stream:
//
//	     ┌─────────── the wait is over, or Reconnect ───────────┐
//	     ▼                                                      │
//	connecting ──accepted──▶ reading ──event──▶ (Next: true)    │
//	     │                      │                               │
//	     │ failed, refused      │ ended, cut, timed out         │
//	     └──────────┬───────────┘                               │
//	                ▼                                           │
//	       retryPolicy.decide ──── try again ────▶ waiting ─────┘
//	                │
//	                └──── give up, 204, Close, context ────▶ closed
//
// The first state is connecting.
type Stream struct {
	// Set by Client.Stream and not modified afterwards.
	client        Client
	http          http.Client   // sends the requests: a copy of client.HTTPClient without Timeout
	headerTimeout time.Duration // the Timeout of client.HTTPClient
	req           *http.Request // its context is the context of the Stream
	reqErr        error         // why req cannot be sent

	// Used only by the goroutine that calls Next.
	conn    *conn // the attempt in progress, or its connection
	reader  Reader
	lastID  []byte // the Last-Event-ID of the next request
	policy  retryPolicy
	wait    time.Duration // before the next attempt
	attempt int           // counts from one
	url     string        // of the last attempt, redacted
	lastErr error         // how the last attempt failed, unless a response was accepted since
	err     error

	// Shared with the goroutines that call Close, Reconnect and State.
	control control
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
	phase        atomic.Int32            // written with mu held
	ctx          context.Context         // of the attempt, the connection or the wait in progress
	cancel       context.CancelCauseFunc // of ctx; nil before the first attempt
	canReconnect bool                    // another attempt may follow this one
}

var errClosed = errors.New("sse: stream closed")

func (c *control) state() phase { return phase(c.phase.Load()) }

// enter ends the context of the attempt, connection or wait in progress, and starts the next phase
// with a context of its own. It returns why the old context had been cancelled already: by Close,
// Reconnect, a timeout or the parent context. It returns nil if it had not.
func (c *control) enter(next phase, parent context.Context) (cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		cause = context.Cause(c.ctx)
		c.cancel(nil)
	}
	if next == closed {
		c.phase.Store(int32(closed))
		return cause
	}
	c.ctx, c.cancel = context.WithCancelCause(parent)
	if c.state() == closing {
		c.cancel(errClosed)
	} else {
		c.phase.Store(int32(next))
	}
	return cause
}

// change replaces the phase and keeps the context. It reports whether it did: not if Close was
// called.
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
}

// reconnect cancels the attempt, the connection or the wait in progress with ErrReconnect. An
// attempt or a wait that follows a skipped wait is left alone.
func (c *control) reconnect(waitSkipped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.canReconnect && (c.state() == reading || !waitSkipped) {
		c.cancel(ErrReconnect)
	}
}

func (c *control) setCanReconnect(ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.canReconnect = ok
}

// Next advances to the next event. It connects and reconnects as needed, and waits until an event
// arrives. It returns false if the stream has ended: Err returns the reason, and all resources are
// released.
func (s *Stream) Next() bool {
	for {
		switch phase := s.control.state(); {
		case phase == closed:
			return false
		case phase == closing:
			s.finish(nil, 0)
		case s.req.Context().Err() != nil:
			s.finish(contextErr(s.req.Context(), s.lastErr), 0)
		case phase == connecting:
			s.connect()
		case phase == waiting:
			s.sleep()
		case s.read(): // reading
			return true
		}
	}
}

// read reads the next event from the connection. It returns false at the end of the connection.
func (s *Stream) read() bool {
	if !s.reader.Next() {
		err := s.reader.Err()
		if err == nil {
			err = io.EOF
		}
		s.endAttempt(err, 0)
		return false
	}
	if s.control.state() == closing { // by a hook: the event is not delivered
		return false
	}
	if s.reader.p.newID {
		s.setLastEventID(s.reader.p.ID())
	}
	s.conn.gotEvent = true
	return true
}

// setLastEventID sets the Last-Event-ID of the next request. An ID that cannot be sent is ignored:
// with the ID before it, the server repeats events, but none is lost.
func (s *Stream) setLastEventID(id []byte) {
	s.reader.p.newID = false
	if id, ok := sendableID(id); ok {
		s.lastID = append(s.lastID[:0], id...)
	}
}

// endAttempt releases the connection, if there is one, and either ends the stream or announces the
// wait for the next attempt. The server asked to wait for at least retryAfter.
func (s *Stream) endAttempt(err error, retryAfter time.Duration) {
	o := outcome{
		err:        err,
		responded:  s.conn.body != nil,
		opened:     s.conn.opened,
		gotEvent:   s.conn.gotEvent,
		retryAfter: retryAfter,
		replayable: s.conn.replayable,
	}
	o.cause = s.release(waiting)
	s.control.setCanReconnect(true)

	ctxErr := s.req.Context().Err()
	err = o.reason()
	if isRefusal(err) || ctxErr == nil && err != io.EOF && err != ErrReconnect {
		s.lastErr = err
	}
	if ctxErr != nil || s.control.state() == closing {
		return // Next finishes the stream
	}

	if d, ok := s.reader.Retry(); ok {
		s.policy.reconnectionTime = d
	}
	v := s.policy.decide(o, time.Now())
	if v.done {
		s.finish(v.err, 0)
		return
	}
	s.wait = v.wait
	s.log(slog.LevelWarn, "sse: retrying", v.err, slog.Duration("wait", v.wait))
	if s.client.OnRetry != nil {
		s.client.OnRetry(v.err, v.wait)
	}
}

// sleep waits for the next attempt.
func (s *Stream) sleep() {
	if s.wait > 0 {
		timer := time.NewTimer(s.wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			s.policy.waitSkipped.Store(false)
		case <-s.control.ctx.Done():
		}
	}
	s.control.change(waiting, connecting)
}

// finish ends the stream with err. The status is that of the last response, or zero if there was
// none or err contains it.
func (s *Stream) finish(err error, status int) {
	if p, ok := err.(*backoff.PermanentError); ok {
		err = p.Err
	}
	s.err = err
	s.release(closed)
	s.reader.p.Reset() // the last event is no longer valid
	if s.req.Body != nil {
		s.req.Body.Close()
	}
	level := slog.LevelInfo
	if err != nil && !errors.Is(err, context.Canceled) {
		level = slog.LevelError
	}
	var attrs []slog.Attr
	if status != 0 {
		attrs = append(attrs, slog.Int("status", status))
	}
	s.log(level, "sse: closed", err, attrs...)
}

// log writes the record of a change of state.
func (s *Stream) log(level slog.Level, msg string, err error, attrs ...slog.Attr) {
	if s.client.Logger == nil {
		return
	}
	attrs = append([]slog.Attr{
		slog.String("url", s.url),
		slog.Int("attempt", s.attempt),
		slog.String("last_event_id", s.LastEventID()),
	}, attrs...)
	var resp *ResponseError
	if errors.As(err, &resp) {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	}
	if err != nil {
		attrs = append(attrs, slog.String("cause", sanitize([]byte(err.Error()), maxLogError)))
	}
	s.client.Logger.LogAttrs(s.req.Context(), level, msg, attrs...)
}

// Err returns the error that ended the stream. It returns nil before Next has returned false, and
// also nil after Close, after a response with status 204, and after the clean end of a response
// whose request is not repeated. Otherwise the error is one of these:
//
//   - A [*ResponseError]: the response is not an event stream.
//   - An error that wraps [ErrEventTooLarge].
//   - An error that wraps the Err and the Cause of the request's context. If a deadline passed
//     while there was no connection, its text includes the last failure, and it wraps that failure
//     if it is a *ResponseError.
//   - A *url.Error for a failure that another attempt would not change: an untrusted certificate,
//     an unsupported URL scheme, too many redirects. Its URL has no user information and no query.
//   - If the Backoff policy stopped or the request is not repeated, the last failure: an error of
//     net/http, [ErrIdleTimeout], the timeout of HTTPClient (Timeout returns true for both),
//     io.ErrUnexpectedEOF if the response was cut, or io.EOF.
//   - An error of Prepare, CheckResponse or CheckRedirect.
//   - An untyped error for a request that cannot be sent: its body has no GetBody, or its
//     Last-Event-ID is not a valid header value.
func (s *Stream) Err() error { return s.err }

// Close ends the stream. It closes the connection, and Next returns false from then on, even if
// events were received before. Close returns nil, does not wait for Next, and may be called more
// than once.
func (s *Stream) Close() error {
	s.control.close()
	return nil
}

// Reconnect makes the stream connect again without waiting. It ends the connection, the attempt or
// the wait in progress. Events that have been received completely are delivered first. Reconnect
// does not block, and several calls before the next attempt have the effect of one.
//
// Reconnect skips the wait only once. If the new connection fails before it has delivered an event
// or lasted a minute, the next call waits as usual. Reconnect has no effect on a stream that has
// not started or has ended, or if the request is not repeated.
func (s *Stream) Reconnect() { s.control.reconnect(s.policy.waitSkipped.Load()) }

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

// All returns an iterator over the events of the stream. If the stream ends with an error, the
// last pair is a zero Event and the error. The stream is closed when the loop ends, also if it ends
// by break, return or panic.
func (s *Stream) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		defer s.endLoop()
		all(s)(yield)
	}
}

// Event returns the current event. Its strings remain valid.
func (s *Stream) Event() Event { return s.reader.Event() }

// Data returns the data of the current event. The slice is valid, and may be modified by the
// caller, until the next call to Next.
func (s *Stream) Data() []byte { return s.reader.Data() }

// ID returns the last event ID of the stream as of the current event. The slice is valid until the
// next call to Next and must not be modified.
func (s *Stream) ID() []byte { return s.reader.ID() }

// Type returns the type of the current event, "message" if the stream named none. The string
// remains valid.
func (s *Stream) Type() string { return s.reader.Type() }

// Retry returns the reconnection time that the server has set last, on any connection, and whether
// it has set one. The Stream observes it; a caller that repeats a POST should observe it as well.
func (s *Stream) Retry() (d time.Duration, ok bool) { return s.reader.Retry() }

// LastEventID returns the Last-Event-ID of the next request. At first that is the Last-Event-ID
// header of the caller's request, then the last event ID of the stream, without leading and
// trailing spaces and tabs. IDs that cannot be sent in a header, because they contain control
// characters or are longer than 4 KiB, are ignored.
//
// To resume after a restart, store this value after each event has been handled. It remains
// available after the stream has ended.
func (s *Stream) LastEventID() string { return string(s.lastID) }
