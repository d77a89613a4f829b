package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A conn is one attempt to connect, and the connection if it succeeds. Its context ends both.
type conn struct {
	ctx        context.Context
	cancel     context.CancelCauseFunc
	started    time.Time
	headers    *idleTimer  // limits the wait for the response headers; nil if there is no limit
	body       *body       // nil until there is a response
	keepBody   func() bool // stops ctx from closing body when it ends
	opened     time.Time   // zero until the response was accepted
	gotEvent   bool        // an event was delivered
	replayable bool        // nothing was sent yet, or the request may be sent again
	keyed      bool        // the request has an Idempotency-Key
	once       bool        // the request is not sent again after a clean end
	tlsAlert   bool        // the server ended the handshake with an alert

	trace   connTrace
	ignored ignoredText
}

// setBody sets the body. It is closed when the context of c ends, even if the RoundTripper does not
// watch that context.
func (c *conn) setBody(src io.ReadCloser, idle time.Duration) {
	c.body = newBody(c.ctx, c.cancel, src, idle)
	c.keepBody = context.AfterFunc(c.ctx, c.body.closeSource)
}

// A connTrace watches the network connections that net/http obtains for an attempt. If a server
// ends each HTTP/2 connection with GOAWAY before it responds, net/http dials again without a wait
// and without a limit (golang/go#52459).
type connTrace struct {
	mu     sync.Mutex
	active bool     // during a RoundTrip
	conn   net.Conn // the last one
	reused bool     // an earlier request has used conn
	opened int      // new connections of the current RoundTrip
}

const maxNewConns = 3 // the attempt ends if one RoundTrip obtains so many new connections

var errTooManyConns = fmt.Errorf("sse: the server closed %d new connections in a row "+
	"before it responded to the request", maxNewConns)

// gotConn is the GotConn hook of net/http/httptrace. The hooks of the caller are called as well.
func (c *conn) gotConn(info httptrace.GotConnInfo) {
	t := &c.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.active {
		return // of a request that a hook of the Client sends with the same context
	}
	t.conn, t.reused = info.Conn, info.Reused
	if info.Reused {
		return
	}
	if t.opened++; t.opened == maxNewConns {
		c.cancel(errTooManyConns)
	}
}

// start is called before each RoundTrip, which a redirect may follow with another.
func (t *connTrace) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active, t.opened = true, 0
}

// stop is called after each RoundTrip.
func (t *connTrace) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active = false
}

// last returns the last network connection, and whether an earlier request has used it.
func (t *connTrace) last() (conn net.Conn, reused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn, t.reused
}

// abandoned contains the network connections that a Stream leaves by setting Request.Close.
// net/http sends no later request on such a connection. One Stream is enough: if each Stream of a
// shared HTTP/2 connection set Close, each would get a connection of its own.
var abandoned sync.Map // the keys are net.Conn

// startAbandoning reports whether the caller is the one that sets Request.Close to leave conn. If
// so, the caller must delete conn from abandoned after its next attempt. By then, other Streams that
// wait for conn with the same timeout have also timed out.
func startAbandoning(conn net.Conn) bool {
	if conn == nil || !reflect.ValueOf(conn).Comparable() {
		return false
	}
	_, taken := abandoned.LoadOrStore(conn, true)
	return !taken
}

// connect makes one attempt. It opens the stream, or calls endAttempt or finish.
//
// The frames of connect and send must stay small. They are on the stack while net/http connects,
// and 200 bytes more let the stack of each stream grow from 4 to 8 KiB.
func (s *Stream) connect() {
	if s.conn != nil { // the caller has recovered from a panic in the last attempt
		s.endAttempt(errPanicked, 0)
		return
	}
	if s.next.closeIdle {
		// net/http would use a dead HTTP/2 connection again, or the connection of a server that is
		// being drained, without asking DNS or the load balancer.
		s.http.CloseIdleConnections()
	}
	s.attempt++
	s.enter(connecting)
	s.conn = &conn{
		ctx: s.control.ctx, cancel: s.control.cancel, started: time.Now(),
		replayable: !s.client.NoReconnect,
	}
	resp, err := s.send()
	if err != nil {
		s.endAttempt(err, 0)
		return
	}
	s.conn.setBody(resp.Body, s.client.IdleTimeout)
	resp.Body = s.conn.body
	if resp.StatusCode == http.StatusNoContent {
		s.finish(nil, resp.StatusCode)
		return
	}
	if err := s.check(resp); err != nil {
		s.endAttempt(err, parseRetryAfter(resp.Header))
		return
	}
	s.startReading(resp)
}

// send sends the request of one attempt and waits for the headers of its response.
func (s *Stream) send() (*http.Response, error) {
	req, err := s.newRequest()
	if err != nil {
		return nil, err
	}
	s.url = redactURL(req.URL)
	s.log(slog.LevelDebug, "sse: connecting", nil)

	timeout, cause := s.headerTimeout, error(errHeaderTimeout)
	if d := s.client.IdleTimeout; d > 0 && (d < timeout || timeout <= 0) {
		timeout, cause = d, errHeaderIdleTimeout
	}
	if timeout > 0 {
		cancel := s.conn.cancel
		s.conn.headers = &idleTimer{period: timeout, expire: func() { cancel(cause) }}
		s.conn.headers.start()
	}
	s.conn.trace.start()
	resp, err := s.http.Do(req)
	s.conn.trace.stop()
	if s.conn.headers != nil {
		s.conn.headers.stop()
	}
	if err != nil {
		s.conn.tlsAlert = isTLSAlert(err)
		return nil, classifyError(err)
	}
	return resp, nil
}

// newRequest returns the request of one attempt.
func (s *Stream) newRequest() (*http.Request, error) {
	if s.reqErr != nil {
		return nil, backoff.Permanent(s.reqErr)
	}
	trace := &httptrace.ClientTrace{GotConn: s.conn.gotConn}
	req := s.req.Clone(httptrace.WithClientTrace(s.conn.ctx, trace))
	// These are not set in s.req, because net/http keeps req as long as the connection is open, and
	// most streams would hold two copies of the headers.
	for _, h := range [...][2]string{
		{"Accept", "text/event-stream"}, {"Cache-Control", "no-cache"},
	} {
		if _, ok := req.Header[h[0]]; !ok {
			req.Header.Set(h[0], h[1])
		}
	}
	if len(s.lastID) > 0 {
		req.Header.Set("Last-Event-ID", string(s.lastID))
	}
	if s.next.abandon != nil {
		req.Close = true
	}
	if err := s.setRequestBody(req); err != nil {
		return nil, err
	}
	var err error
	if s.client.Prepare != nil {
		err = redactError(s.client.Prepare(req))
	}
	if err == nil {
		err = s.setReplayable(req)
	}
	if _, oneShot := req.Body.(oneShotBody); err != nil && req.Body != nil && !oneShot {
		req.Body.Close() // only a oneShotBody is used again
	}
	return req, err
}

// setRequestBody sets the body of the request of one attempt.
func (s *Stream) setRequestBody(req *http.Request) error {
	if !hasBody(req) {
		return nil
	}
	if req.GetBody == nil {
		req.Body = oneShotBody{req.Body}
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return err
	}
	req.Body = body
	return nil
}

// setReplayable records whether req may be sent again. It returns an error if req must not be sent.
func (s *Stream) setReplayable(req *http.Request) error {
	c, safe, again := s.conn, isSafe(req.Method), !s.client.NoReconnect
	c.keyed = again && !safe && hasIdempotencyKey(req)
	c.once = !again || !safe
	replayable := again && (safe || c.keyed)
	if _, oneShot := req.Body.(oneShotBody); oneShot && replayable {
		return backoff.Permanent(
			errors.New("sse: the body of a request that may be repeated needs GetBody"))
	}
	// If a hook has called Reconnect or Close, nothing is sent.
	if cause := s.control.setCanReconnect(replayable); cause != nil {
		return cause
	}
	c.replayable = replayable
	return nil
}

// A oneShotBody is a request body that can be read only once.
type oneShotBody struct{ io.ReadCloser }

// isSafe reports whether a request with method only reads, so that it may be sent again at any
// time.
func isSafe(method string) bool {
	switch method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "REPORT":
		return true
	}
	return false
}

// hasIdempotencyKey reports whether r has a header that lets the server recognize r when it is sent
// again. The headers are those of net/http.
func hasIdempotencyKey(r *http.Request) bool {
	_, key := r.Header["Idempotency-Key"]
	_, xkey := r.Header["X-Idempotency-Key"]
	return key || xkey
}

// check returns nil if resp is accepted as the event stream.
func (s *Stream) check(resp *http.Response) error {
	check := s.client.CheckResponse
	if check == nil {
		check = DefaultCheckResponse
	}
	err := redactError(check(resp))
	if err == nil && resp.Body != s.conn.body {
		return backoff.Permanent(errors.New(
			"sse: CheckResponse replaced the body: decode it in an http.RoundTripper instead"))
	}
	return err
}

// startReading makes the body of resp the source of events.
func (s *Stream) startReading(resp *http.Response) {
	if !s.control.change(connecting, reading) {
		return // Close was called: Next finishes the stream
	}
	s.reader.src = resp.Body
	s.conn.body.lastRead = &s.control.lastRead
	s.conn.opened, s.lastErr = time.Now(), nil
	s.conn.ignored.resp = resp
	s.control.setStats(Stats{Opened: s.conn.opened})
	s.log(slog.LevelInfo, "sse: open", nil, slog.Int("status", resp.StatusCode))
	if s.client.OnOpen != nil {
		shown := *resp
		shown.Body = http.NoBody
		s.client.OnOpen(&shown)
	}
}

// enter ends the attempt, the connection or the wait in progress, releases what it holds, and
// enters the next phase. The results are those of control.enter.
func (s *Stream) enter(next phase) (cause error, skipWait bool) {
	var body *body
	if s.conn != nil {
		body = s.conn.body
	}
	if body != nil {
		s.conn.keepBody()
	}
	cause, skipWait = s.control.enter(next, s.req.Context())
	if body != nil {
		body.closeSource()
	}
	s.conn = nil
	s.reader.release()
	return cause, skipWait
}

const maxSentID = 4 << 10 // bytes of an ID that is sent: servers refuse larger headers

// sendableID returns id without leading and trailing spaces and tabs, as a request header carries
// it, and reports whether a header can carry it: net/http refuses control characters.
func sendableID(id []byte) ([]byte, bool) {
	for len(id) > 0 && (id[0] == ' ' || id[0] == '\t') {
		id = id[1:]
	}
	for n := len(id); n > 0 && (id[n-1] == ' ' || id[n-1] == '\t'); n-- {
		id = id[:n-1]
	}
	if len(id) > maxSentID {
		return nil, false
	}
	i := 0 // id[:i] is checked eight bytes at a time, because this is called for each event
	for i <= len(id)-8 && isPlain(le.Uint64(id[i:])) {
		i += 8
	}
	for _, c := range id[i:] {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return nil, false
		}
	}
	return id, true
}

// isPlain reports whether x has neither a byte less than 0x20 nor the byte 0x7f.
func isPlain(x uint64) bool {
	del := x ^ 0x7f*lowBits
	return ((x-0x20*lowBits)&^x|(del-lowBits)&^del)&highBits == 0
}
