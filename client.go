package sse

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Client holds what its streams have in common. The zero value is ready to use, and a Client
// may be used by many goroutines at once as long as nobody changes it. It holds no locks: copy
// it to give one stream hooks of its own. A Stream copies the Client it comes from.
//
// Hooks run on the goroutine that calls Next, and may call the stream's Close, Reconnect and
// State.
type Client struct {
	// HTTPClient sends the requests; nil means http.DefaultClient. It is never changed. Its
	// Timeout bounds the wait for the response headers of each attempt, never a stream.
	HTTPClient *http.Client

	// ReconnectionTime is the least time to wait before connecting again, until a retry field
	// of the server says otherwise. Zero means one second, less than zero none.
	ReconnectionTime time.Duration

	// Backoff returns a new policy for each stream; nil means DefaultBackoff. What it gives is
	// added to the reconnection time. It is Reset before its first use and whenever a connection
	// ends that brought an event or was open for a minute. Where it returns backoff.Stop the
	// stream ends with the error that was to be overcome.
	Backoff func() backoff.BackOff

	// IdleTimeout is how long to wait for a byte, of the headers or of the body, before the
	// connection is taken for dead and made anew. Time that the caller spends between two calls
	// of Next does not count. Zero means for ever, and AutoIdle a time learned from the stream,
	// if its request is safe to repeat.
	IdleTimeout time.Duration

	// MaxEventSize is that of Parser. A larger event ends the stream: it would come again.
	MaxEventSize int

	// Prepare, if not nil, is called with the request of every attempt just before it is sent,
	// and may change it: a fresh token, a signature, another URL. After an error the attempt is
	// made again as after a network failure; after one wrapped by backoff.Permanent the stream
	// ends.
	Prepare func(*http.Request) error

	// CheckResponse decides whether a response is the stream: nil means DefaultCheckResponse. An
	// error of its own is treated as that of Prepare. It is not called with 204, which always
	// ends the stream.
	CheckResponse func(*http.Response) error

	// OnOpen, if not nil, is called whenever a connection is open, with the status and the
	// headers of its response; the body is empty.
	OnOpen func(*http.Response)

	// OnRetry, if not nil, is called before each wait, with the reason and the time to be
	// waited. The reason is io.EOF where the connection came to a clean end.
	OnRetry func(err error, wait time.Duration)

	// OnComment, if not nil, is called with each comment; see Parser.
	OnComment func(text string)

	// Logger, if not nil, gets one record for each change of state. The URL is logged without
	// user info and query.
	Logger *slog.Logger
}

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

// A Stream is an event stream that outlives its connections. It has no goroutine of its own: all
// happens in Next. Close, Reconnect and State may be called by any goroutine; everything else
// belongs to the one that calls Next.
type Stream struct {
	client  Client
	http    http.Client   // a copy without its Timeout, which is:
	timeout time.Duration // for response headers
	ctx     context.Context
	req     *http.Request
	r       Reader
	lastID  []byte // what the next request sends
	pace    pacer
	idle    idleness
	attempt int
	resp    *http.Response  // of the connection that is open
	phase   context.Context // of the attempt, connection or wait under way
	timer   *time.Timer     // runs while a read is blocked
	url     string          // of the last request, for the log
	dead    bool            // the last connection idled out
	spent   bool            // a request was sent that can't be repeated
	done    bool
	err     error

	closed atomic.Bool // Close was called

	mu         sync.Mutex
	state      State
	cancel     context.CancelCauseFunc // of phase
	body       io.Closer               // of resp
	repeatable bool                    // the last request was; false before the first
	hurried    bool                    // Reconnect saved the last wait, and no connection has proved itself since
	proved     bool                    // this connection did: an event came
	opened     time.Time
}

// Get returns a Stream of the events at url, by a Client that is a zero value. The context ends
// it.
func Get(ctx context.Context, url string) *Stream {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return &Stream{err: redact(err), done: true, state: StateClosed}
	}
	return new(Client).Stream(req)
}

// Stream returns a Stream of the events that answer req, and of those that come after it. The
// request's context ends it. Nothing happens before the first Next.
//
// The request says method, body and headers; a Last-Event-ID header says where an earlier run
// stopped. It is cloned and never changed. Accept and Cache-Control are set where it has none. Every
// attempt starts at its URL, with a body from its GetBody.
//
// What is not safe to repeat is never sent twice: the stream of a POST ends with its answer,
// whatever that is. Safe are GET, HEAD, OPTIONS, TRACE, QUERY and REPORT, and as in net/http any
// request with an Idempotency-Key or X-Idempotency-Key header.
func (c *Client) Stream(req *http.Request) *Stream {
	s := &Stream{client: *c, ctx: req.Context(), req: req.Clone(req.Context())}
	s.http = *cmp.Or(c.HTTPClient, http.DefaultClient)
	s.timeout, s.http.Timeout = s.http.Timeout, 0
	s.pace.make = c.Backoff

	h := s.req.Header
	if h == nil {
		h = make(http.Header)
		s.req.Header = h
	}
	if _, ok := h["Accept"]; !ok {
		h.Set("Accept", "text/event-stream")
	}
	if _, ok := h["Cache-Control"]; !ok {
		h.Set("Cache-Control", "no-cache")
	}
	id, ok := sendable([]byte(h.Get("Last-Event-ID")))
	if !ok {
		s.end(errors.New("sse: the request's Last-Event-ID header can't be sent"))
	}
	s.lastID = id
	h.Del("Last-Event-ID")

	s.r = Reader{src: (*body)(s), MaxEventSize: c.MaxEventSize, OnComment: c.OnComment}
	s.r.p.setLastEventID(id)
	s.r.p.onID = s.adopt
	return s
}

// Next advances to the next event, connecting and reconnecting as needed. It returns false when
// the stream has ended; Err tells why, and everything is released.
func (s *Stream) Next() bool {
	for s.alive() {
		if s.resp == nil {
			s.connect()
			continue
		}
		if s.r.Next() {
			if s.closed.Load() { // by a hook: the event was not delivered, and its ID not adopted
				continue
			}
			if s.r.p.newID {
				s.adopt(s.r.p.id)
			}
			if !s.proved {
				s.prove()
			}
			return true
		}
		err := s.r.Err()
		if err == nil {
			err = io.EOF
		}
		s.retry(err, nil)
	}
	return false
}

// alive reports whether the stream goes on, and ends it if it does not.
func (s *Stream) alive() bool {
	switch {
	case s.done:
		return false
	case s.closed.Load():
		s.end(nil)
		return false
	case s.ctx.Err() != nil:
		s.end(ended(s.ctx))
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

// prove is called at the first event of a connection.
func (s *Stream) prove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proved, s.hurried = true, false
}

// enter begins an attempt or a wait: the context ends with the stream's, or by stop.
func (s *Stream) enter() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.cancel = context.WithCancelCause(s.ctx)
	if s.state == StateClosed {
		s.cancel(errClosed)
	} else {
		s.state = StateConnecting
	}
	return s.phase
}

// stop ends what Next is blocked in. A body may be closed while it is read, as in net/http.
func stop(cancel context.CancelCauseFunc, body io.Closer, cause error) {
	if cancel != nil {
		cancel(cause)
	}
	if body != nil {
		body.Close()
	}
}

// leave ends an attempt, a connection or a wait, and releases what it held.
func (s *Stream) leave() {
	s.mu.Lock()
	cancel, body := s.cancel, s.body
	s.cancel, s.body = nil, nil
	s.mu.Unlock()
	stop(cancel, body, nil)
	s.resp, s.timer = nil, nil
}

// connect makes one attempt, and opens the stream or calls retry or end.
func (s *Stream) connect() {
	if s.dead {
		// A dead HTTP/2 connection would be used again.
		s.http.CloseIdleConnections()
		s.dead = false
	}
	s.attempt++
	var header http.Header
	resp, err := s.send(s.enter())
	if err == nil {
		header = resp.Header
		s.mu.Lock()
		s.body = resp.Body
		s.mu.Unlock()
		switch {
		case resp.StatusCode == http.StatusNoContent:
			s.end(nil)
			return
		case s.client.CheckResponse != nil:
			err = s.client.CheckResponse(resp)
		default:
			err = DefaultCheckResponse(resp)
		}
	}
	if err != nil {
		s.retry(err, header)
		return
	}
	s.open(resp)
}

// send makes the request of one attempt and waits for the headers of its response.
func (s *Stream) send(ctx context.Context) (*http.Response, error) {
	req, err := s.request(ctx)
	if err != nil {
		return nil, err
	}
	s.url = bareURL(req.URL)
	s.log(slog.LevelDebug, "sse: connecting")

	cancel := s.cancel
	for _, limit := range []struct {
		d     time.Duration
		cause error
	}{{s.timeout, errHeaderTimeout}, {s.idleTimeout(), ErrIdleTimeout}} {
		if limit.d > 0 {
			defer time.AfterFunc(limit.d, func() { cancel(limit.cause) }).Stop()
		}
	}

	var refused error
	client := s.http
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		refused = s.checkRedirect(r, via)
		return refused
	}
	resp, err := client.Do(req)
	if err == nil {
		return resp, nil
	}
	if resp != nil {
		resp.Body.Close()
	}
	if err = redact(err); refused != nil {
		err = backoff.Permanent(err)
	}
	return nil, err
}

// request makes the request of one attempt.
func (s *Stream) request(ctx context.Context) (*http.Request, error) {
	req := s.req.Clone(ctx)
	if len(s.lastID) > 0 {
		req.Header.Set("Last-Event-ID", string(s.lastID))
	}
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req.Body = body
		} else {
			req.Body = onlyBody{req.Body}
		}
	}
	if s.client.Prepare != nil {
		if err := s.client.Prepare(req); err != nil {
			if _, only := req.Body.(onlyBody); req.Body != nil && !only {
				req.Body.Close()
			}
			return nil, redact(err)
		}
	}
	again := repeatable(req)
	if _, only := req.Body.(onlyBody); only && again {
		return nil, backoff.Permanent(errors.New("sse: a request that may be repeated needs a GetBody"))
	}
	s.spent = !again
	s.mu.Lock()
	s.repeatable = again
	s.mu.Unlock()
	return req, nil
}

// onlyBody marks a body that can be read only once.
type onlyBody struct{ io.ReadCloser }

// checkRedirect is HTTPClient's, or what net/http does without one. Another host is told no more
// about where the request comes from than a browser tells it: a query may hold a token.
func (s *Stream) checkRedirect(r *http.Request, via []*http.Request) error {
	if ref, err := url.Parse(r.Header.Get("Referer")); err == nil && ref.Host != "" && ref.Host != r.URL.Host {
		r.Header.Set("Referer", ref.Scheme+"://"+ref.Host+"/")
	}
	if s.http.CheckRedirect != nil {
		return s.http.CheckRedirect(r, via)
	}
	if len(via) >= maxRedirects {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// open takes the response as the connection to read from.
func (s *Stream) open(resp *http.Response) {
	s.resp = resp
	s.r.p.Reset()
	s.r.err = nil
	s.idle.last = time.Time{}
	s.mu.Lock()
	if s.state != StateClosed {
		s.state = StateOpen
	}
	s.opened = time.Now()
	s.mu.Unlock()
	s.log(slog.LevelInfo, "sse: open", slog.Int("status", resp.StatusCode))
	if s.client.OnOpen != nil {
		shown := *resp
		shown.Body = http.NoBody
		s.client.OnOpen(&shown)
	}
}

// retry ends an attempt or a connection that failed with err, and waits for the next, unless the
// stream ends with it. The header is that of a response that was no stream.
func (s *Stream) retry(err error, header http.Header) {
	if cause := context.Cause(s.phase); cause != nil {
		err = cause // and not what became of it on its way through net/http
	}
	s.dead = err == ErrIdleTimeout
	s.mu.Lock()
	if s.proved || s.state == StateOpen && time.Since(s.opened) >= provedAfter {
		s.hurried = false
		s.pace.reset()
	}
	s.proved = false
	hurry := err == errReconnect && !s.hurried
	s.mu.Unlock()
	s.leave()
	if !s.alive() {
		return
	}
	if s.spent && err == io.EOF {
		s.end(nil)
		return
	}
	if s.spent || permanent(err) {
		s.end(err)
		return
	}

	var wait time.Duration
	if !hurry {
		var ok bool
		if wait, ok = s.pace.wait(max(s.reconnectionTime(), retryAfter(header))); !ok {
			s.end(err)
			return
		}
	}
	ctx := s.enter()
	s.log(slog.LevelWarn, "sse: retrying", slog.Duration("wait", wait), status(err), cause(err))
	if s.client.OnRetry != nil {
		s.client.OnRetry(err, wait)
	}
	if !hurry {
		sleep(ctx, wait)
	}
	s.mu.Lock()
	s.hurried = hurry || context.Cause(ctx) == errReconnect
	s.mu.Unlock()
	s.leave()
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

func (s *Stream) idleTimeout() time.Duration {
	if s.client.IdleTimeout != AutoIdle {
		return s.client.IdleTimeout
	}
	if s.spent {
		return 0
	}
	return s.idle.timeout()
}

// end ends the stream.
func (s *Stream) end(err error) {
	if p, ok := err.(*backoff.PermanentError); ok {
		err = p.Err
	}
	s.done, s.err = true, err
	s.leave()
	s.r.p.Reset() // there is no event any more
	if s.req.Body != nil {
		s.req.Body.Close()
	}
	s.mu.Lock()
	s.state = StateClosed
	s.mu.Unlock()
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
	}
	s.log(level, "sse: closed", status(err), cause(err))
}

// log makes a record of a change of state.
func (s *Stream) log(level slog.Level, msg string, attrs ...slog.Attr) {
	if l := s.client.Logger; l != nil {
		l.LogAttrs(s.ctx, level, msg, append([]slog.Attr{
			slog.String("url", s.url),
			slog.Int("attempt", s.attempt),
			slog.String("last_event_id", s.LastEventID()),
		}, attrs...)...)
	}
}

// status is the status of the response that err is about. Handlers ignore an empty attribute.
func status(err error) slog.Attr {
	var resp *ResponseError
	if errors.As(err, &resp) {
		return slog.Int("status", resp.StatusCode)
	}
	return slog.Attr{}
}

func cause(err error) slog.Attr {
	if err != nil {
		return slog.String("cause", err.Error())
	}
	return slog.Attr{}
}

// body reads the body of the connection that is open.
type body Stream

func (b *body) Read(p []byte) (int, error) {
	s := (*Stream)(b)
	d := s.idleTimeout()
	if d > 0 {
		if s.timer == nil {
			cancel, body := s.cancel, s.resp.Body
			s.timer = time.AfterFunc(d, func() { stop(cancel, body, ErrIdleTimeout) })
		} else {
			s.timer.Reset(d)
		}
		defer s.timer.Stop()
	}
	if s.client.IdleTimeout != AutoIdle {
		return s.resp.Body.Read(p)
	}
	start := time.Now()
	n, err := s.resp.Body.Read(p)
	if n > 0 {
		s.idle.read(start, time.Now())
	}
	return n, err
}

// Err returns why Next returned false, and nil before that. It is nil after Close, after a 204, and
// after the clean end of an answer that can't be repeated; nothing else ends a stream without an
// error. The errors are
//
//   - a *ResponseError, for an answer that is no event stream;
//   - one that wraps ErrEventTooLarge;
//   - one that matches the Err and the Cause of the request's context;
//   - ErrIdleTimeout, io.EOF, io.ErrUnexpectedEOF (a cut within an event) and those of net/http, where Backoff
//     stopped or the request can't be repeated; a *url.Error has no user info or query in it;
//   - those of Prepare and CheckResponse.
func (s *Stream) Err() error { return s.err }

// Close ends the stream: the connection is closed, and Next returns false from then on, even
// where events are left. It returns nil, never waits for Next, and may be called any number of
// times.
func (s *Stream) Close() error {
	s.closed.Store(true)
	s.mu.Lock()
	s.state = StateClosed
	cancel, body := s.cancel, s.body
	s.mu.Unlock()
	stop(cancel, body, errClosed)
	return nil
}

// Reconnect makes the stream connect anew, at once: it drops the connection that is open, or ends
// a wait. Complete events that were already read come first. It never blocks, and many calls make one
// connection; until that proved itself by an event or a minute, the next one takes the ordinary
// wait. Reconnect has no effect on a stream that has not begun, has ended, or can't be repeated.
func (s *Stream) Reconnect() {
	s.mu.Lock()
	cancel, body := s.cancel, s.body
	if !s.repeatable || s.state == StateClosed || s.hurried && s.state != StateOpen {
		cancel, body = nil, nil
	}
	s.mu.Unlock()
	stop(cancel, body, errReconnect)
}

// State returns the state of the stream.
func (s *Stream) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// All returns the events, for use in a range loop. An error comes last, with no event. When the
// loop ends, however it ends, the stream is closed.
func (s *Stream) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		defer s.Close()
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

// LastEventID returns what the next request will send as Last-Event-ID, also after the stream has
// ended: the caller's, and then that of the last event or block, without outer spaces and tabs. An ID
// that a header can't carry (control characters, or more than 4 KiB) leaves the one before it in
// use. It is safe to keep: store it when the event has been handled, to resume after a restart.
func (s *Stream) LastEventID() string { return string(s.lastID) }
