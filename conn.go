package sse

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
)

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

func (s *Stream) idleTimeout() time.Duration {
	if s.client.IdleTimeout != AutoIdle {
		return s.client.IdleTimeout
	}
	if !s.repeatable.Load() {
		return 0
	}
	return s.idle.timeout()
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

// repeatable reports whether r may be sent again: what net/http would repeat, and the safe methods
// that have a body.
func repeatable(r *http.Request) bool {
	switch r.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "REPORT":
		return true
	}
	_, key := r.Header["Idempotency-Key"]
	_, xkey := r.Header["X-Idempotency-Key"]
	return key || xkey
}

// sendable returns id as a request header carries it, without outer blanks, and whether it can:
// net/http refuses control characters, and servers refuse large headers. It runs with every event
// that has an id: 0.9 of the time of ticks, against bytes.Trim and a loop.
func sendable(id []byte) ([]byte, bool) {
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

// isPlain reports whether no byte of x is less than 0x20, or 0x7f.
func isPlain(x uint64) bool {
	del := x ^ 0x7f*ones
	return ((x-0x20*ones)&^x|(del-ones)&^del)&high == 0
}

const maxSentID = 4 << 10
