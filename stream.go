package sse

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Stream is a sequence of events that continues across connections. [Get] and [Client.Stream]
// return one.
//
// A Stream has no goroutine of its own: it connects, reads and waits in Next. Close, Reconnect,
// State and Stats may be called from any goroutine. All other methods must be called from the
// goroutine that calls Next. If the caller stops before Next returns false, it must call Close to
// release the connection.
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
//	                └──────── give up ───────▶ closed
//
// The first state is connecting. Close and the end of the context lead from every state to closed,
// and so does a response with status 204.
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
	next    verdict // on the next attempt
	attempt int     // counts from one
	url     string  // of the last attempt, redacted
	lastErr error   // how the last attempt failed, unless a response was accepted since
	err     error

	// Shared with the goroutines that call Close, Reconnect and State.
	control control
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
		if s.reader.p.idBuffer.set {
			s.conn.ignored.stop() // the server sends an event stream
		}
		s.conn.ignored.add(s.reader.p.incompleteIgnored())
		err = s.conn.ignored.err(sanitizeError(err))
		var retryAfter time.Duration
		if noEvents := (*ResponseError)(nil); errors.As(err, &noEvents) {
			retryAfter = noEvents.RetryAfter()
		}
		s.endAttempt(err, retryAfter)
		return false
	}
	if s.control.state() == closing { // by a hook: the event is not delivered
		return false
	}
	changed := s.reader.p.lastID.changed
	if s.conn.keyed && !s.acceptKeyed(changed) {
		return false
	}
	if changed {
		s.setLastEventID(s.reader.p.ID())
	}
	if !s.conn.gotEvent {
		s.conn.gotEvent = true
		s.conn.ignored.stop()
	}
	return true
}

// acceptKeyed records whether a request with an Idempotency-Key may be repeated after the current
// event. Without an ID in the event, the server would send it again. If Reconnect was called
// before, acceptKeyed ends the attempt and returns false: the next attempt brings the event.
func (s *Stream) acceptKeyed(hasID bool) bool {
	if hasID {
		id, ok := sendableID(s.reader.p.ID())
		hasID = ok && len(id) > 0
	}
	if s.control.setCanReconnect(hasID) == ErrReconnect {
		s.endAttempt(ErrReconnect, 0)
		return false
	}
	s.conn.replayable = hasID
	return true
}

// acceptID records the ID of a block without data.
func (s *Stream) acceptID(id []byte) {
	s.setLastEventID(id)
	s.conn.ignored.stop() // the server sends an event stream
	if s.conn.keyed && s.conn.gotEvent && len(s.lastID) == 0 {
		s.conn.replayable = false // the server would send all events again
		s.control.setCanReconnect(false)
	}
}

// setLastEventID sets the Last-Event-ID of the next request. An ID that cannot be sent is ignored:
// with the ID before it, the server repeats events, but none is lost.
func (s *Stream) setLastEventID(id []byte) {
	s.reader.p.lastID.changed = false
	if id, ok := sendableID(id); ok {
		s.lastID = append(s.lastID[:0], id...)
	}
}

// endAttempt releases the connection, if there is one, and either ends the stream or announces the
// wait for the next attempt. The server asked to wait for at least retryAfter.
func (s *Stream) endAttempt(err error, retryAfter time.Duration) {
	o := outcome{
		err:        err,
		started:    s.conn.started,
		responded:  s.conn.body != nil,
		opened:     s.conn.opened,
		gotEvent:   s.conn.gotEvent,
		retryAfter: retryAfter,
		tlsAlert:   s.conn.tlsAlert,
		replayable: s.conn.replayable,
		once:       s.conn.once,
	}
	o.conn, o.connReused = s.conn.trace.last()
	now := time.Now()
	if o.madeProgress(now) {
		s.control.resetSkip()
	}
	o.cause, o.skipWait = s.enter(waiting)
	s.control.setCanReconnect(!s.client.NoReconnect)

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
	s.next = verdict{wait: defaultReconnectionTime} // if Backoff panics and the caller recovers
	v := s.policy.decide(o, now)
	if s.control.state() == closing || s.req.Context().Err() != nil {
		return // Backoff has called Close or cancelled the context
	}
	if v.done {
		s.finish(v.err, 0)
		return
	}
	if !s.control.abandon(v.abandon) {
		v.abandon = nil
	}
	s.next = v
	s.control.setStats(Stats{LastErr: v.err, NextAttempt: time.Now().Add(v.wait)})
	s.log(slog.LevelWarn, "sse: retrying", v.err, slog.Duration("wait", v.wait))
	if s.client.OnRetry != nil {
		s.client.OnRetry(v.err, v.wait)
	}
}

// sleep waits for the next attempt.
func (s *Stream) sleep() {
	end := time.Now().Add(s.next.wait)
	timer := time.NewTimer(s.next.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		s.control.change(waiting, connecting)
	case <-s.control.ctx.Done():
		if cause, _ := s.control.enter(waiting, s.req.Context()); cause == ErrReconnect {
			s.next.wait = max(0, min(time.Until(s.next.earliest), time.Until(end)))
			s.control.setStats(Stats{LastErr: s.next.err, NextAttempt: time.Now().Add(s.next.wait)})
		}
	}
}

// finish ends the stream with err. The status is that of the last response, or zero if there was
// none or err contains it.
func (s *Stream) finish(err error, status int) {
	if p, ok := err.(*backoff.PermanentError); ok {
		err = p.Err
	}
	s.err = err
	s.control.setStats(Stats{LastErr: err})
	s.enter(closed)
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

// Err returns the error that ended the stream. It returns nil before Next has returned false. It
// also returns nil after Close, after a response with status 204, and after the clean end of a
// response whose request is not repeated. The errors are:
//
//   - *[ResponseError]: the response is not an event stream, or has no events but other text. Its
//     text quotes the server.
//   - [ErrEventTooLarge], wrapped: raise MaxEventSize if the server is trusted.
//   - The Err and the Cause of the request's context, wrapped. If a deadline passed while there was
//     no connection, the text includes the last failure, and a *ResponseError is wrapped.
//   - *url.Error: a failure of net/http. It ends the stream if another attempt would not change it:
//     an untrusted certificate, an unsupported URL scheme, an invalid port, too many redirects, or
//     three TLS alerts in a row that reject the certificate or the TLS version of the client.
//   - [ErrIdleTimeout] or the timeout of HTTPClient: both have a method Timeout that returns true.
//   - io.ErrUnexpectedEOF, or the error of reading the body, such as a connection reset: the
//     response was cut. Repeat the request if that is safe.
//   - io.EOF: the response ended cleanly, but Backoff has stopped.
//   - The error of Prepare, CheckResponse or CheckRedirect.
//   - An untyped error: the request cannot be sent, because its body has no GetBody or its
//     Last-Event-ID is not a valid header value.
//
// Temporary failures end the stream only if Backoff has stopped or the request is not repeated.
func (s *Stream) Err() error { return s.err }

// All returns an iterator over the events of the stream. If the stream ends with an error, the
// last pair is a zero Event and the error. The stream is closed when the loop ends, also if it ends
// by break, return or panic.
func (s *Stream) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		defer s.endLoop()
		all(s)(yield)
	}
}

// Event returns the current event as strings, which takes at most two allocations, and usually one.
// It returns the zero Event before the first event and after Next has returned false.
func (s *Stream) Event() Event { return s.reader.Event() }

// Data returns the data of the current event, or nil if there is none. The slice is valid, and may
// be modified by the caller, until the next call to Next. After that its contents may be
// overwritten, also with the bytes of another stream.
func (s *Stream) Data() []byte { return s.reader.Data() }

// ID returns the ID of the current event, or nil if there is no event. The slice is valid until the
// next call to Next, and must not be modified. An event without an id field has the ID of the event
// before it, which may have arrived on an earlier connection.
func (s *Stream) ID() []byte { return s.reader.ID() }

// Type returns the type of the current event, or "" if there is none. An event without an event
// field has the type "message".
func (s *Stream) Type() string { return s.reader.Type() }

// Retry returns the reconnection time that the server has set last, on any connection, and whether
// it has set one. The Stream observes it. A caller that repeats a POST should also observe it.
func (s *Stream) Retry() (d time.Duration, ok bool) { return s.reader.Retry() }

// LastEventID returns the Last-Event-ID of the next request. At first that is the Last-Event-ID
// header of the caller's request, then the last event ID of the stream, without leading and
// trailing spaces and tabs. IDs that cannot be sent in a header, because they contain control
// characters or are longer than 4 KiB, are ignored.
//
// To resume after a restart, store this value after each event has been handled. It remains
// available after the stream has ended.
func (s *Stream) LastEventID() string { return string(s.lastID) }
