package sse

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Client holds what its streams have in common. The zero value is ready to use, and a Client
// may be used by many goroutines at once as long as nobody changes it. It holds no locks: copy
// it to give one stream hooks of its own. A [Stream] copies the Client it comes from.
//
// All functions in it, and the Logger, run on the goroutine that calls Next. They may call the stream's
// Close, Reconnect, State and LastEventID, and no other method.
type Client struct {
	// HTTPClient sends the requests; nil means http.DefaultClient. It is never changed. Its
	// Timeout bounds the wait for the response headers of each attempt, never a stream.
	HTTPClient *http.Client

	// ReconnectionTime is the least time to wait before the next attempt, until a retry field of
	// the server says otherwise. Zero means one second, less than zero none.
	ReconnectionTime time.Duration

	// Backoff returns a new policy for each stream; nil means [DefaultBackoff]. The wait before an
	// attempt is the longer of the reconnection time and the Retry-After header of a refused
	// answer, at most one hour, plus what the policy gives. The policy is Reset before its first
	// use and whenever a connection ends that brought an event or was open for a minute. Where it
	// returns backoff.Stop the stream ends with the last error, as with
	// backoff.WithMaxRetries(sse.DefaultBackoff(), 5) where five attempts in a row after the first
	// failed, too. The package is github.com/cenkalti/backoff/v4.
	Backoff func() backoff.BackOff

	// IdleTimeout is how long to wait for a byte, of the headers or of the body, before the
	// connection is taken for dead. Choose more than the server is ever silent. Time that the
	// caller spends between two calls of Next does not count. Zero means no limit, as does every
	// value below zero but [AutoIdle], which means one that is learned.
	//
	// Before the attempt that follows a timeout, this one or HTTPClient's,
	// HTTPClient.CloseIdleConnections is called: a dead HTTP/2 connection would be used again. One that
	// many streams share is noticed sooner, and for all of them, by pings: see SendPingTimeout and
	// PingTimeout of http.HTTP2Config.
	IdleTimeout time.Duration

	// MaxEventSize is the largest event accepted, in bytes: zero means [DefaultMaxEventSize], less
	// than zero no limit. A larger event ends the stream, as it would come again.
	MaxEventSize int

	// Prepare, if not nil, is called with the request of every attempt just before it is sent,
	// and may change it: a fresh token, a signature, another URL. Where it returns an error,
	// nothing is sent: one that wraps a backoff.PermanentError, as of backoff.Permanent, ends the
	// stream; after any other it tries again, a POST, too. A 401 ends the stream; let CheckResponse
	// return another error for it, to try again with another token.
	Prepare func(*http.Request) error

	// CheckResponse decides whether a response is the stream; nil means [DefaultCheckResponse].
	// After an error of its own the stream tries again, unless that wraps a backoff.PermanentError
	// or the request can't be repeated. It may read the Body of a response that it refuses:
	// IdleTimeout counts there, too. It may replace the Body, to decode it; the stream closes the
	// first one, and then the other. One that accepts everything takes an error page for a stream
	// without events, so let it call DefaultCheckResponse and forgive what is to be forgiven. It is
	// not called with 204, which always ends the stream.
	CheckResponse func(*http.Response) error

	// OnOpen, if not nil, is called whenever a connection is open, with the status and the
	// headers of its response; the body is empty.
	OnOpen func(*http.Response)

	// OnRetry, if not nil, is called before each wait, with the reason and the time to wait. The
	// reason is io.EOF where the connection came to a clean end, and [ErrReconnect] with no wait
	// after Reconnect.
	OnRetry func(err error, wait time.Duration)

	// OnComment, if not nil, is called with each comment; see [Parser].
	OnComment func(text string)

	// Logger, if not nil, gets one record for each change of state:
	//
	//	DEBUG sse: connecting
	//	INFO  sse: open           status
	//	WARN  sse: retrying       wait, status, cause
	//	INFO  sse: closed         status, cause; ERROR where Err is neither nil nor context.Canceled
	//
	// Each has url (without user info and query), attempt and last_event_id, and a status only
	// where there was a response.
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

// Get returns a Stream of the events at url, by a Client that is a zero value. The context ends
// it.
func Get(ctx context.Context, url string) *Stream {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		s := &Stream{err: redact(err), done: true}
		s.state.Store(int32(StateClosed))
		return s
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
// whatever that is, a refused connection, 429 and 503 too. Safe are GET, HEAD, OPTIONS, TRACE, QUERY
// and REPORT, and as in net/http any request with an Idempotency-Key or X-Idempotency-Key header. A
// safe request with a body but without GetBody is an error before anything is sent.
//
// A safe request, one with such a key, too, is repeated also after a clean end of its answer, as a
// browser does. To read one answer and no more, leave the loop at the event that is its last, such as
// "[DONE]".
//
// A redirect with 307 or 308 sends a body on to where it leads, as in net/http. To a host that is neither
// the same nor a subdomain of it, or from https to http, no header goes along that may hold a token: only
// those that say how to answer, such as Accept and Last-Event-ID. HTTPClient.CheckRedirect may set others.
func (c *Client) Stream(req *http.Request) *Stream {
	s := &Stream{client: *c, ctx: req.Context(), req: req.Clone(req.Context()), url: bareURL(req.URL)}
	s.http = *cmp.Or(c.HTTPClient, http.DefaultClient)
	s.timeout, s.http.Timeout = s.http.Timeout, 0
	s.redirect, s.http.CheckRedirect = s.http.CheckRedirect, s.checkRedirect
	s.pace.newPolicy = c.Backoff

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
	var last []byte
	for name, values := range h { // the standard's spelling is not net/http's
		if strings.EqualFold(name, "Last-Event-ID") && len(values) > 0 {
			last = []byte(values[0])
			delete(h, name)
		}
	}
	last, ok := sendable(last)
	if !ok {
		s.unfit = errors.New("sse: the request's Last-Event-ID header has a control character or more than 4 KiB")
	}
	s.lastID = last

	s.r = Reader{MaxEventSize: c.MaxEventSize, OnComment: c.OnComment}
	s.r.p.setLastEventID(last)
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

// begin ends the phase under way, releases what it held and begins the next. It returns why the
// phase was ended before, if it was: by Close, Reconnect, a timeout or the caller's context.
func (s *Stream) begin() (cause error) {
	s.mu.Lock()
	if s.phase != nil {
		cause = context.Cause(s.phase)
		if s.body != nil {
			s.body.unhook()
		}
		s.cancel(nil)
	}
	s.phase, s.cancel = context.WithCancelCause(s.ctx)
	s.state.CompareAndSwap(int32(StateOpen), int32(StateConnecting))
	if s.State() == StateClosed {
		s.cancel(errClosed)
	}
	s.mu.Unlock()
	if s.body != nil {
		s.body.close()
		if s.body.decoded != nil {
			s.body.decoded.Close()
		}
		s.resp, s.body = nil, nil
	}
	return cause
}

// connect makes one attempt, and opens the stream or calls retry or end. net/http's deep calls come on top of
// its frame: one of 200 bytes more leaves every stream a stack of 8 KiB, not 4.
func (s *Stream) connect() {
	if s.silent > 0 {
		s.http.CloseIdleConnections() // a dead HTTP/2 connection would be used again
	}
	s.attempt++
	s.begin()
	resp, err := s.send()
	if err != nil {
		s.retry(err, 0)
		return
	}
	s.silent = 0
	s.body = newBody(s, resp.Body)
	resp.Body = s.body
	if resp.StatusCode == http.StatusNoContent {
		s.end(nil, resp.StatusCode)
		return
	}
	check := s.client.CheckResponse
	if check == nil {
		check = DefaultCheckResponse
	}
	err = check(resp)
	if resp.Body != s.body {
		s.body.decoded = resp.Body
	}
	if err != nil {
		s.retry(err, retryAfter(resp.Header))
	} else if s.State() != StateClosed {
		s.open(resp)
	}
}

// send makes the request of one attempt and waits for the headers of its response.
func (s *Stream) send() (*http.Response, error) {
	req, err := s.request()
	if err != nil {
		return nil, err
	}
	s.url = bareURL(req.URL)
	s.log(slog.LevelDebug, "sse: connecting", nil)

	limit, cause := s.timeout, error(errHeaderTimeout)
	if d := s.idleTimeout(); d > 0 && (d < limit || limit <= 0) {
		limit, cause = d, ErrIdleTimeout
	}
	if limit > 0 {
		cancel := s.cancel
		defer time.AfterFunc(limit, func() { cancel(cause) }).Stop()
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, doError(err)
	}
	return resp, nil
}

// request makes the request of one attempt.
func (s *Stream) request() (*http.Request, error) {
	if s.unfit != nil {
		return nil, backoff.Permanent(s.unfit)
	}
	req := s.req.Clone(s.phase)
	if len(s.lastID) > 0 {
		req.Header.Set("Last-Event-ID", string(s.lastID))
	}
	if s.silent > 1 {
		// Other streams keep the dead connection from being idle. It takes no request after this.
		req.Close = true
	}
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			req.Body = onlyBody{req.Body}
		} else if body, err := req.GetBody(); err != nil {
			return nil, err
		} else {
			req.Body = body
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
	s.spent = !repeatable(req)
	s.repeatable.Store(!s.spent)
	if _, only := req.Body.(onlyBody); only && !s.spent {
		return nil, backoff.Permanent(errors.New("sse: a request that may be repeated needs a GetBody"))
	}
	return req, nil
}

// onlyBody marks a body that can be read only once.
type onlyBody struct{ io.ReadCloser }

// checkRedirect does what HTTPClient does, but tells another host no more than a browser tells it. A
// query and every header that is not known to be harmless may hold a token.
func (s *Stream) checkRedirect(r *http.Request, via []*http.Request) error {
	discreet(r, via)
	var err error
	if s.redirect != nil {
		err = s.redirect(r, via)
	} else if len(via) >= maxRedirects {
		err = errors.New("stopped after 10 redirects")
	}
	if err == nil || err == http.ErrUseLastResponse || r.Context().Err() != nil {
		return err
	}
	return backoff.Permanent(err)
}

// open begins to read from the response.
func (s *Stream) open(resp *http.Response) {
	s.resp = resp
	s.r.p.Reset()
	s.r.src, s.r.err, s.r.done = resp.Body, nil, false
	s.idle.begin()
	s.body.open.Store(true)
	s.opened, s.failure = time.Now(), nil
	s.state.CompareAndSwap(int32(StateConnecting), int32(StateOpen))
	s.log(slog.LevelInfo, "sse: open", nil, slog.Int("status", resp.StatusCode))
	if s.client.OnOpen != nil {
		shown := *resp
		shown.Body = http.NoBody
		s.client.OnOpen(&shown)
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

func (s *Stream) idleTimeout() time.Duration {
	if s.client.IdleTimeout != AutoIdle {
		return s.client.IdleTimeout
	}
	if !s.repeatable.Load() {
		return 0
	}
	return s.idle.timeout()
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

// A body is that of a response. It is closed when its phase ends, and a read that waits for
// IdleTimeout ends the phase. A decoder may read it on another goroutine, also after its phase.
type body struct {
	stream  *Stream
	src     io.ReadCloser
	decoded io.Closer   // what CheckResponse put in its place, if it did
	open    atomic.Bool // CheckResponse has accepted it
	phase   context.Context
	cancel  context.CancelCauseFunc
	close   func()      // once, whoever calls it
	unhook  func() bool // the end of the phase does not close it any more
	timer   *time.Timer // runs while a read is blocked
}

func newBody(s *Stream, src io.ReadCloser) *body {
	b := &body{stream: s, src: src, phase: s.phase, cancel: s.cancel}
	b.close = sync.OnceFunc(func() { src.Close() })
	b.unhook = context.AfterFunc(s.phase, b.close)
	return b
}

// Close is for CheckResponse. It ends the phase, because that frees a blocked read where closing
// alone does not: net/http closes a gzip body only after the read.
func (b *body) Close() error {
	b.cancel(http.ErrBodyReadAfterClose)
	b.close()
	return nil
}

func (b *body) Read(p []byte) (int, error) {
	if b.phase.Err() != nil {
		return 0, context.Cause(b.phase) // whatever a closed src would say
	}
	if b.stream.client.IdleTimeout == 0 {
		return b.src.Read(p)
	}
	return b.readInTime(p)
}

// readInTime is apart from Read: a stream spends its life in there, and a small frame lets the
// stack of its goroutine be 4 KiB and not 8.
func (b *body) readInTime(p []byte) (int, error) {
	if d := b.stream.idleTimeout(); d > 0 {
		if b.timer == nil {
			b.timer = time.AfterFunc(d, func() { b.cancel(ErrIdleTimeout) })
		} else {
			b.timer.Reset(d)
		}
		defer b.timer.Stop()
	}
	if b.stream.client.IdleTimeout != AutoIdle || !b.open.Load() {
		return b.src.Read(p)
	}
	start := time.Now()
	n, err := b.src.Read(p)
	if n > 0 {
		b.stream.idle.read(start, time.Now())
	}
	return n, err
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
