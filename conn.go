package sse

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A conn is one attempt to connect, and the connection if it succeeds. Its context ends both.
type conn struct {
	ctx        context.Context
	cancel     context.CancelCauseFunc
	headers    *idleTimer  // limits the wait for the response headers; nil if there is no limit
	body       *body       // nil until there is a response
	keepBody   func() bool // the body is no longer closed when ctx ends
	opened     time.Time   // zero until the response was accepted
	gotEvent   bool        // an event was delivered
	replayable bool        // nothing was sent yet, or the request may be sent again
}

// setBody sets the body. It is closed when the context of c ends, even if the RoundTripper does not
// watch that context.
func (c *conn) setBody(src io.ReadCloser, idle time.Duration) {
	c.body = newBody(c.ctx, c.cancel, src, idle)
	c.keepBody = context.AfterFunc(c.ctx, c.body.closeSource)
}

// connect makes one attempt. It opens the stream, or calls endAttempt or finish.
//
// The frames of connect and send must stay small. They are on the stack while net/http connects,
// and 200 bytes more let the stack of each stream grow from 4 to 8 KiB.
func (s *Stream) connect() {
	if s.policy.timeouts > 0 {
		s.http.CloseIdleConnections() // net/http would use a dead HTTP/2 connection again
	}
	s.attempt++
	if s.release(connecting) == ErrReconnect {
		s.policy.waitSkipped.Store(true)
	}
	s.conn = &conn{ctx: s.control.ctx, cancel: s.control.cancel, replayable: true}
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
		timeout, cause = d, ErrIdleTimeout
	}
	if timeout > 0 {
		cancel := s.conn.cancel
		s.conn.headers = &idleTimer{period: timeout, expire: func() { cancel(cause) }}
		s.conn.headers.start()
	}
	resp, err := s.http.Do(req)
	if s.conn.headers != nil {
		s.conn.headers.stop()
	}
	if err != nil {
		return nil, classifyError(err)
	}
	return resp, nil
}

// newRequest returns the request of one attempt.
func (s *Stream) newRequest() (*http.Request, error) {
	if s.reqErr != nil {
		return nil, backoff.Permanent(s.reqErr)
	}
	req := s.req.Clone(s.conn.ctx)
	if len(s.lastID) > 0 {
		req.Header.Set("Last-Event-ID", string(s.lastID))
	}
	if s.policy.timeouts > 1 {
		// The dead connection is not idle if other streams share it. With Close set, net/http uses
		// it for no request after this one.
		req.Close = true
	}
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			req.Body = oneShotBody{req.Body}
		} else if body, err := req.GetBody(); err != nil {
			return nil, err
		} else {
			req.Body = body
		}
	}
	if s.client.Prepare != nil {
		err := s.client.Prepare(req)
		if err == nil && s.conn.ctx.Err() != nil {
			err = context.Cause(s.conn.ctx) // nothing is sent if a hook called Reconnect or Close
		}
		if err != nil {
			if _, oneShot := req.Body.(oneShotBody); req.Body != nil && !oneShot {
				req.Body.Close()
			}
			return nil, redactError(err)
		}
	}
	replayable := isReplayable(req)
	if _, oneShot := req.Body.(oneShotBody); oneShot && replayable {
		return nil, backoff.Permanent(
			errors.New("sse: the body of a request that may be repeated needs GetBody"))
	}
	s.conn.replayable = replayable
	s.control.setCanReconnect(replayable)
	return req, nil
}

// A oneShotBody is a request body that can be read only once.
type oneShotBody struct{ io.ReadCloser }

// isReplayable reports whether r may be sent again. These are the requests that net/http repeats,
// and those with a body whose method is safe.
func isReplayable(r *http.Request) bool {
	switch r.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "REPORT":
		return true
	}
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
	err := check(resp)
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
	s.reader.p.Reset()
	s.reader.src, s.reader.err, s.reader.done = resp.Body, nil, false
	s.conn.opened, s.lastErr = time.Now(), nil
	s.log(slog.LevelInfo, "sse: open", nil, slog.Int("status", resp.StatusCode))
	if s.client.OnOpen != nil {
		shown := *resp
		shown.Body = http.NoBody
		s.client.OnOpen(&shown)
	}
}

// release ends the attempt, the connection or the wait in progress, and enters the next phase. It
// returns why the context of the old phase had been cancelled already, or nil.
func (s *Stream) release(next phase) (cause error) {
	var body *body
	if s.conn != nil {
		body = s.conn.body
	}
	if body != nil {
		s.conn.keepBody()
	}
	cause = s.control.enter(next, s.req.Context())
	if body != nil {
		body.closeSource()
	}
	s.conn = nil
	return cause
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
	i := 0
	for i <= len(id)-8 && isPlain(binary.LittleEndian.Uint64(id[i:])) {
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
	del := x ^ 0x7f*ones
	return ((x-0x20*ones)&^x|(del-ones)&^del)&high == 0
}
