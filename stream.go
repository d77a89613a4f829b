package sse

import (
	"cmp"
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

// State is the state of a Stream, as a browser's EventSource has it in readyState.
type State int

const (
	StateConnecting State = iota // not begun, connecting, or waiting to connect again
	StateOpen                    // events may come
	StateClosed                  // for good
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

// A Stream is an event stream that outlives its connections; it comes from [Get] or [Client.Stream].
// It has no goroutine of its own: all happens in Next. Close, Reconnect and State may be called by
// any goroutine; everything else belongs to the one that calls Next. Whoever stops before Next has
// returned false calls Close: the connection stays open otherwise.
type Stream struct {
	client   Client
	http     http.Client   // a copy of HTTPClient; these two take the place of what it had:
	timeout  time.Duration // its Timeout, for response headers
	redirect func(*http.Request, []*http.Request) error
	ctx      context.Context // the caller's
	req      *http.Request
	r        Reader
	lastID   []byte // what the next request sends
	pace     pacer
	idle     idleness
	attempt  int
	url      string // of the attempt, for the log
	spent    bool   // a request was sent that can't be repeated
	silent   int    // timeouts in a row, without a response between them
	failure  error  // what the last attempt or connection ended with, while there is no other
	proved   bool   // an event came on this connection
	opened   time.Time
	unfit    error // why no request can be made
	done     bool
	err      error

	phase context.Context // of the attempt and its connection, or the wait, under way
	body  *body           // of the response, if there was one
	resp  *http.Response  // nil: there is no connection to read from

	state      atomic.Int32 // a State; StateClosed for good
	repeatable atomic.Bool  // the last request was; false before the first
	mu         sync.Mutex
	cancel     context.CancelCauseFunc // of phase
	hurried    bool                    // Reconnect saved the last wait
}

// Next advances to the next event, connecting and reconnecting as needed. It returns false when
// the stream has ended; Err tells why, and everything is released.
func (s *Stream) Next() bool {
	for s.alive() {
		if s.resp == nil {
			s.connect()
			continue
		}
		if !s.r.Next() {
			s.broke()
			continue
		}
		if s.State() == StateClosed { // by a hook: the event is not delivered, nor its ID adopted
			continue
		}
		if s.r.p.newID {
			s.adopt(s.r.p.ID())
		}
		s.proved = true
		return true
	}
	return false
}

// broke is called at the end of a connection.
func (s *Stream) broke() { s.retry(cmp.Or(s.r.Err(), io.EOF), 0) }

// alive reports whether the stream goes on, and ends it if it does not.
func (s *Stream) alive() bool {
	switch {
	case s.done:
		return false
	case s.State() == StateClosed:
		s.end(nil, 0)
		return false
	case s.ctx.Err() != nil:
		s.end(ended(s.ctx, s.failure), 0)
		return false
	}
	return true
}

// adopt takes an event ID for the next request. One that can't be sent leaves the last one that
// can in use: events may be repeated, but none is lost.
func (s *Stream) adopt(id []byte) {
	s.r.p.newID = false
	if id, ok := sendable(id); ok {
		s.lastID = append(s.lastID[:0], id...)
	}
}

// retry ends an attempt or a connection that failed with err, and waits for the next, unless the
// stream ends with it. The server asked not to come back before after.
func (s *Stream) retry(err error, after time.Duration) {
	opened := !s.opened.IsZero()
	if s.proved || opened && time.Since(s.opened) >= provedAfter {
		s.hurry(false)
		s.pace.reset()
	}
	s.proved, s.opened = false, time.Time{}
	refused := errors.As(err, new(*ResponseError))
	cause := s.begin()
	switch {
	case cause == nil, cause == http.ErrBodyReadAfterClose:
	case permanent(err), refused && cause != ErrReconnect: // all that came of it says enough
	default:
		err, refused = cause, false // and not what became of it on its way through net/http
	}
	if opened && cause == ErrIdleTimeout && s.client.IdleTimeout == AutoIdle {
		s.idle.cut()
	}
	if _, ok := cause.(timeoutError); ok {
		s.silent++
	} else {
		s.silent = 0
	}
	if refused || s.ctx.Err() == nil && err != io.EOF && err != ErrReconnect {
		s.failure = err
	}
	if !s.alive() {
		return
	}
	if s.spent && opened && err == io.EOF {
		s.end(nil, 0)
		return
	}
	if s.spent || permanent(err) {
		s.end(err, 0)
		return
	}

	hurry := err == ErrReconnect && !s.hurried
	var wait time.Duration
	if !hurry {
		var ok bool
		if wait, ok = s.pace.wait(max(s.reconnectionTime(), after)); !ok && err != ErrReconnect {
			s.end(err, 0)
			return
		}
	}
	s.log(slog.LevelWarn, "sse: retrying", err, slog.Duration("wait", wait))
	if s.client.OnRetry != nil {
		s.client.OnRetry(err, wait)
	}
	if !hurry {
		sleep(s.phase, wait)
		hurry = context.Cause(s.phase) == ErrReconnect
	}
	s.hurry(hurry)
}

func (s *Stream) hurry(now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = now
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// reconnectionTime is what the server asked for last, or else the Client's.
func (s *Stream) reconnectionTime() time.Duration {
	if d, ok := s.r.Retry(); ok {
		return d
	}
	return cmp.Or(s.client.ReconnectionTime, defaultReconnectionTime)
}

// end ends the stream, with an answer of this status, if that is not in err.
func (s *Stream) end(err error, status int) {
	if p, ok := err.(*backoff.PermanentError); ok {
		err = p.Err
	}
	s.done, s.err = true, err
	s.state.Store(int32(StateClosed))
	s.begin()     // a phase that is over
	s.r.p.Reset() // there is no event any more
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

// log makes a record of a change of state.
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
		attrs = append(attrs, slog.String("cause", printable([]byte(err.Error()), maxCause)))
	}
	s.client.Logger.LogAttrs(s.ctx, level, msg, attrs...)
}

// Err returns why Next returned false, and nil before that. It is nil after Close, after a 204, and
// after the clean end of an answer that can't be repeated; nothing else ends a stream without an
// error. The errors are
//
//   - a [*ResponseError], for an answer that is no event stream;
//   - one that wraps [ErrEventTooLarge];
//   - one that matches the Err and the Cause of the request's context; where a deadline passed while there
//     was no connection it says why, and wraps the *ResponseError, if that is why;
//   - of failures that would only come again, a *url.Error: a certificate that is not trusted, a URL
//     of another scheme, too many redirects; it has no user info or query in it;
//   - of other failures, where Backoff stopped or the request can't be repeated: that of net/http,
//     [ErrIdleTimeout] or HTTPClient's timeout (Timeout() is true of both), io.ErrUnexpectedEOF (a
//     cut within an event or of the response) or io.EOF;
//   - those of Prepare, CheckResponse and CheckRedirect;
//   - one without a type for a request that can't be sent as it is: without GetBody, or with a
//     Last-Event-ID that a header can't carry.
func (s *Stream) Err() error { return s.err }

// Close ends the stream: the connection is closed, and Next returns false from then on, even
// where events are left. It returns nil, never waits for Next, and may be called any number of
// times.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Store(int32(StateClosed))
	if s.cancel != nil {
		s.cancel(errClosed)
	}
	return nil
}

// Reconnect makes the stream connect anew, at once: it drops the connection that is open, or ends
// a wait, or an attempt under way. Complete events that were already read come first. It never blocks,
// and many calls make one connection. After a call whose connection brought no event and did not last a
// minute, the next takes the ordinary wait. Reconnect has no effect on a stream that has not begun, has
// ended, or can't be repeated.
func (s *Stream) Reconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repeatable.Load() && (s.State() == StateOpen || !s.hurried) {
		s.cancel(ErrReconnect)
	}
}

// State returns the state of the stream.
func (s *Stream) State() State { return State(s.state.Load()) }

// All returns the events, for use in a range loop. An error comes last, with no event. When the
// loop ends, however it ends, the stream is closed.
func (s *Stream) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		defer func() {
			s.Close()
			s.Next() // releases everything
		}()
		all(s)(yield)
	}
}

// Event returns the event. It is safe to keep.
func (s *Stream) Event() Event { return s.r.Event() }

// Data returns the event's data. It is borrowed: its bytes are valid until the next call of Next,
// and may be changed until then.
func (s *Stream) Data() []byte { return s.r.Data() }

// ID returns the event's ID, borrowed as with Data. It must not be changed.
func (s *Stream) ID() []byte { return s.r.ID() }

// Type returns the event's type, "message" where the stream named none. It is safe to keep.
func (s *Stream) Type() string { return s.r.Type() }

// Retry returns the reconnection time that the server asked for last, on any connection, and whether
// it asked for any. The stream waits so long by itself where it reconnects.
func (s *Stream) Retry() (d time.Duration, ok bool) { return s.r.Retry() }

// LastEventID returns what the next request will send as Last-Event-ID, also after the stream has
// ended: the caller's, and then that of the last event or block, without outer spaces and tabs. An ID
// that a header can't carry (control characters, or more than 4 KiB) leaves the one before it in
// use. It is safe to keep: store it when the event has been handled, to resume after a restart.
func (s *Stream) LastEventID() string { return string(s.lastID) }

// contextError is how a context ended: it matches its Err, its Cause, and a refusal that came before a
// deadline.
type contextError struct {
	text string
	errs []error
}

func (e *contextError) Error() string { return e.text }

func (e *contextError) Unwrap() []error { return e.errs }

func ended(ctx context.Context, failure error) error {
	e := &contextError{ctx.Err().Error(), []error{ctx.Err()}}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(ctx.Err(), cause) {
		e.text += ": " + cause.Error()
		e.errs = append(e.errs, cause)
	}
	if failure != nil && ctx.Err() == context.DeadlineExceeded { // who cancels has a reason of their own
		e.text += " (before that: " + failure.Error() + ")"
		if refused := (*ResponseError)(nil); errors.As(failure, &refused) {
			e.errs = append(e.errs, refused)
		}
	}
	if e.text == ctx.Err().Error() {
		return ctx.Err()
	}
	return e
}
