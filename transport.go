package sse

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A Transport is an http.RoundTripper that ends event streams that have gone silent. It serves
// clients that do not use a [Stream], such as an SDK or a hand-written loop. To limit the silence
// of a Stream, set Client.IdleTimeout, which also covers the response headers.
//
// A Transport watches the bodies of responses with media type text/event-stream. If a Read of such
// a body waits for data longer than IdleTimeout, the request is cancelled and Read returns an error
// that matches [ErrIdleTimeout]. The time that the caller spends between two calls to Read does not
// count. Every byte counts as data, including those of comments.
//
// Everything else is left to Base: other media types, the errors of RoundTrip, and the wait for the
// response headers, for which http.Transport has ResponseHeaderTimeout. As with http.Transport, the
// caller must read a body to its end or close it. Otherwise the context of the request is not
// released. The body of a response with status 101 is not changed.
//
// A Transport is safe for concurrent use as long as its fields are not modified. It has no
// goroutine of its own.
type Transport struct {
	// Base specifies the RoundTripper that sends the requests. If nil, http.DefaultTransport is
	// used.
	Base http.RoundTripper

	// IdleTimeout specifies how long a Read of an event stream waits for data. Set it to more than
	// the longest pause of the server. If zero or negative, there is no limit.
	//
	// If the process was suspended while a Read was waiting, the limit is extended by a quarter, so
	// that data that arrived in the meantime is read. See Client.IdleTimeout.
	IdleTimeout time.Duration
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.IdleTimeout <= 0 {
		return t.base().RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	sent := req.WithContext(ctx)
	resp, err := t.base().RoundTrip(sent)
	if err != nil || resp == nil {
		cancel(nil)
		return resp, err
	}
	if resp.Request == sent {
		resp.Request = req
	}
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == nil ||
		resp.Body == http.NoBody {
		cancel(nil) // the context of a request has no effect after such a response
		return resp, nil
	}
	if mediaType(resp.Header) == "text/event-stream" {
		resp.Body = newBody(ctx, cancel, resp.Body, t.IdleTimeout)
	}
	resp.Body = &releasingBody{resp.Body, cancel}
	return resp, nil
}

// CloseIdleConnections calls the method of that name of Base, if it has one.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// A releasingBody releases the context of its request at its end, at an error and when it is
// closed.
type releasingBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *releasingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.cancel(err) // a body returns this cause from a later Read
	}
	return n, err
}

func (b *releasingBody) Close() error {
	// The body is closed first: net/http may use its connection again if the request is not
	// cancelled.
	err := b.ReadCloser.Close()
	b.cancel(http.ErrBodyReadAfterClose)
	return err
}

// A body is the body of a response whose reads are limited by an idle timeout. A Read that waits
// longer cancels the context of the request. When that context has ended, for whatever reason, Read
// returns its cause.
type body struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc // of ctx
	src      io.ReadCloser
	idle     idleTimer
	lastRead *atomic.Int64 // set when data arrives, in nanoseconds since 1970; may be nil
	once     sync.Once     // closes src
	closeErr error
}

func newBody(
	ctx context.Context, cancel context.CancelCauseFunc, src io.ReadCloser, idle time.Duration,
) *body {
	b := &body{ctx: ctx, cancel: cancel, src: src}
	b.idle = idleTimer{period: idle, expire: b.timeOut}
	return b
}

// Read implements io.Reader. Read and read are on the stack while a stream waits for data, so their
// frames must stay small, like that of Stream.connect.
func (b *body) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx) // not what the closed src would return
	}
	n, err := b.read(p)
	if n > 0 && b.lastRead != nil {
		b.lastRead.Store(time.Now().UnixNano())
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	if b.idle.period <= 0 {
		return b.src.Read(p)
	}
	b.idle.start()
	n, err := b.src.Read(p)
	b.idle.stop()
	if err != nil && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

func (b *body) timeOut() {
	b.cancel(ErrIdleTimeout)
	b.closeSource()
}

// Close cancels the request before it closes src, because net/http does not close a compressed body
// while a Read waits for its gzip header.
func (b *body) Close() error {
	b.cancel(http.ErrBodyReadAfterClose)
	b.closeSource()
	return b.closeErr
}

func (b *body) closeSource() { b.once.Do(func() { b.closeErr = b.src.Close() }) }

// An idleTimer calls expire if it is not stopped within the period after start.
//
// If the process is suspended, the timer and the data of the server become due at the same moment.
// So the timer fires a little before the end of the period and then leaves a Read that has data the
// time to return and stop it: the rest of the period, or a quarter of the period if it fired late.
type idleTimer struct {
	period time.Duration // positive
	expire func()

	mu     sync.Mutex
	timer  *time.Timer
	due    time.Time // when timer fires; zero while stopped
	graces int       // how often timer was extended since start
}

const (
	maxGrace  = time.Second // the longest grace of a timer that fires in time
	maxGraces = 4           // so a timer that is always late expires after twice the period
)

// grace returns the time that a Read gets if the timer fires in time.
func (t *idleTimer) grace() time.Duration { return min(t.period/20, maxGrace) }

func (t *idleTimer) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.graces = 0
	t.reset(t.period - t.grace())
}

// reset makes the timer fire after d. The caller must hold mu.
func (t *idleTimer) reset(d time.Duration) {
	t.due = time.Now().Add(d)
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.fire)
	} else {
		t.timer.Reset(d)
	}
}

func (t *idleTimer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = time.Time{}
	t.timer.Stop()
}

// fire is called by timer.
func (t *idleTimer) fire() {
	if t.expired() {
		t.expire()
	}
}

// expired reports whether the period is over. If it is not, expired extends the timer.
func (t *idleTimer) expired() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.due.IsZero() || time.Now().Before(t.due) {
		return false // stopped or restarted since the timer fired
	}
	switch late := overdue(t.due) > t.grace(); {
	case late && t.graces < maxGraces:
		t.reset(t.period / 4)
	case t.graces == 0:
		t.reset(t.grace())
	default:
		t.due = time.Time{}
		return true
	}
	t.graces++
	return false
}

// overdue returns how long ago t was. It uses both clocks: the monotonic clock may stand still
// while the machine is suspended, and the wall clock may be set back.
func overdue(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}
