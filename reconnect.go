package sse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	defaultReconnectionTime = time.Second
	maxReconnectionTime     = time.Hour   // whatever the server asks for
	progressTime            = time.Minute // a connection that lasted so long resets the backoff
)

// ErrIdleTimeout reports that no data arrived for Client.IdleTimeout or Transport.IdleTimeout. Its
// Timeout method returns true.
var ErrIdleTimeout error = timeoutError("sse: idle timeout: no data from the server")

const errHeaderTimeout = timeoutError("sse: timeout: no response headers from the server")

type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (e timeoutError) Timeout() bool { return true }

// ErrReconnect is passed to Client.OnRetry after a call to [Stream.Reconnect]. It never ends a
// stream.
var ErrReconnect = errors.New("sse: Reconnect was called")

// DefaultBackoff returns the policy that is used if Client.Backoff is nil. The time that it adds to
// the reconnection time starts at 250 to 750 ms, doubles with each failure up to 30 to 90 s, and it
// never stops.
func DefaultBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(500*time.Millisecond),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(time.Minute),
		backoff.WithMaxElapsedTime(0), // the default stops after 15 minutes
	)
}

// An outcome describes how an attempt, or the connection that came of it, ended.
type outcome struct {
	err        error         // of net/http, the Reader or a hook; io.EOF for a clean end
	cause      error         // why the Stream itself ended it: a timeout, Reconnect; nil if it did not
	responded  bool          // there was a response, accepted or not
	opened     time.Time     // zero if no response was accepted
	gotEvent   bool          // an event was delivered
	retryAfter time.Duration // the least time to wait, from the response
	replayable bool          // nothing was sent, or the request may be sent again
}

// reason returns the error to report. If the Stream ended the attempt itself, the error of net/http
// is only a consequence. A refusal by the server or a permanent error says more than a timeout.
func (o outcome) reason() error {
	switch {
	case o.cause == nil, o.cause == http.ErrBodyReadAfterClose, isPermanent(o.err):
		return o.err
	case isRefusal(o.err) && o.cause != ErrReconnect:
		return o.err
	}
	return o.cause
}

// A verdict says what to do after an attempt.
type verdict struct {
	err  error         // for OnRetry, or for Err if done
	wait time.Duration // before the next attempt
	done bool          // there is no next attempt
}

// A retryPolicy decides whether and when to make another attempt. It does no I/O.
type retryPolicy struct {
	newBackoff       func() backoff.BackOff // Client.Backoff
	backoff          backoff.BackOff        // nil before the first failure
	reconnectionTime time.Duration          // of the Client, or of the last retry field
	timeouts         int                    // in a row, without a response between them
	waitSkipped      atomic.Bool            // Reconnect skipped the last wait; read by Reconnect
}

// decide returns what to do after an attempt that ended at now with outcome o.
func (p *retryPolicy) decide(o outcome, now time.Time) verdict {
	opened := !o.opened.IsZero()
	if o.gotEvent || opened && now.Sub(o.opened) >= progressTime {
		p.waitSkipped.Store(false)
		if p.backoff != nil {
			p.backoff.Reset()
		}
	}
	p.countTimeouts(o)

	err := o.reason()
	switch {
	case !o.replayable && opened && err == io.EOF:
		return verdict{done: true} // the response is complete
	case !o.replayable, isPermanent(err):
		return verdict{err: err, done: true}
	case err == ErrReconnect && !p.waitSkipped.Load():
		p.waitSkipped.Store(true)
		return verdict{err: err}
	}
	wait, ok := p.nextWait(o.retryAfter)
	return verdict{err: err, wait: wait, done: !ok && err != ErrReconnect}
}

func (p *retryPolicy) countTimeouts(o outcome) {
	if o.responded {
		p.timeouts = 0
	}
	if isTimeout(o.cause) || isTimeout(o.err) { // o.err of a Transport below the Client
		p.timeouts++
	} else {
		p.timeouts = 0
	}
}

func isTimeout(err error) bool {
	var timeout timeoutError
	return errors.As(err, &timeout)
}

// nextWait returns the wait before the next attempt if the server asked for at least retryAfter. It
// returns false if the backoff policy stopped.
func (p *retryPolicy) nextWait(retryAfter time.Duration) (time.Duration, bool) {
	if p.backoff == nil {
		if p.newBackoff != nil {
			p.backoff = p.newBackoff()
		}
		if p.backoff == nil {
			p.backoff = DefaultBackoff()
		}
		p.backoff.Reset()
	}
	wait := min(max(p.reconnectionTime, retryAfter, 0), maxReconnectionTime)
	added := p.backoff.NextBackOff()
	if added < 0 { // backoff.Stop
		return wait, false
	}
	return wait + min(added, math.MaxInt64-wait), true
}

// isPermanent reports whether another attempt would end in the same way.
func isPermanent(err error) bool {
	var marked *backoff.PermanentError
	return errors.As(err, &marked) || errors.Is(err, ErrEventTooLarge)
}

// isRefusal reports whether err is a response that was not accepted.
func isRefusal(err error) bool {
	var refusal *ResponseError
	return errors.As(err, &refusal)
}

// classifyError returns an error of http.Client.Do without secrets, marked if it is permanent.
func classifyError(err error) error {
	err = redactError(err)
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return backoff.Permanent(err)
	}
	// Only the beginning of the text is compared: the rest may quote the server.
	text := strings.TrimPrefix(errors.Unwrap(err).Error(),
		"net/http: HTTP/1.x transport connection broken: ")
	for _, prefix := range permanentErrors {
		if strings.HasPrefix(text, prefix) {
			return backoff.Permanent(err)
		}
	}
	return err
}

// permanentErrors are the beginnings of the errors of net/http for a request that it will never
// send. They have no types. TestStreamInvalidRequestIsPermanent checks them against net/http.
var permanentErrors = []string{
	"unsupported protocol scheme",
	"net/http: invalid method",
	"net/http: invalid header field",
	"http: nil Request.URL",
	"http: no Host in request URL",
	"http: Request.RequestURI can't be set in client requests",
	"http: ContentLength=",         // the body has another length
	"http: Request.ContentLength=", // there is no body
	badLocation,
}

const badLocation = "failed to parse Location header"

// parseRetryAfter returns the wait that a Retry-After header asks for, in seconds or until a date.
// It returns zero if there is none.
func parseRetryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, uint64(math.MaxInt64/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// contextErr returns an error that wraps ctx.Err and context.Cause(ctx). If a deadline has passed,
// its text includes lastErr, the failure before that, and it wraps lastErr if that is a
// *ResponseError. A caller who cancels does not need to be told about earlier failures.
func contextErr(ctx context.Context, lastErr error) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if lastErr == nil || ctx.Err() != context.DeadlineExceeded {
		return err
	}
	if refusal := (*ResponseError)(nil); errors.As(lastErr, &refusal) {
		return fmt.Errorf("%w (last attempt: %w)", err, refusal)
	}
	return fmt.Errorf("%w (last attempt: %v)", err, lastErr)
}
