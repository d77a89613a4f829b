package sse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	defaultReconnectionTime = time.Second
	maxReconnectionTime     = time.Hour   // whatever the server asks for
	progressTime            = time.Minute // a connection that lasted so long resets the backoff
	minAttemptInterval      = time.Second // between the starts of attempts, even after Reconnect
)

// ErrIdleTimeout reports that no data arrived within Client.IdleTimeout or Transport.IdleTimeout.
// Its Timeout method returns true.
var ErrIdleTimeout error = &timeoutError{text: "sse: idle timeout: no data from the server"}

// The timeouts of an attempt before its response. Data may have arrived, but not all headers.
var (
	errHeaderTimeout     = &timeoutError{text: "sse: timeout: the response headers are not complete"}
	errHeaderIdleTimeout = &timeoutError{
		text: "sse: idle timeout: the response headers are not complete",
		kind: ErrIdleTimeout,
	}
)

type timeoutError struct {
	text string
	kind error // for errors.Is
}

func (e *timeoutError) Error() string { return e.text }
func (e *timeoutError) Timeout() bool { return true }
func (e *timeoutError) Unwrap() error { return e.kind }

// errPanicked ends an attempt during which a function of the caller panicked, if the caller of Next
// recovered and calls Next again.
var errPanicked = errors.New("sse: a function of the Client or its transport panicked")

// ErrReconnect is passed to Client.OnRetry after a call to [Stream.Reconnect]. It never ends a
// stream.
var ErrReconnect = errors.New("sse: Reconnect was called")

// Permanent marks err as final. If Client.Prepare or Client.CheckResponse returns the result, the
// stream ends and Err returns err. If the RoundTripper of Client.HTTPClient returns it, Err returns
// a *url.Error that wraps err. Permanent returns nil if err is nil.
func Permanent(err error) error { return backoff.Permanent(err) }

// DefaultBackoff returns the policy that is used if Client.Backoff is nil. The time that it adds to
// the reconnection time starts at 250 to 750 ms and doubles with each failure, up to 30 to 90 s.
// The policy never stops.
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
	started    time.Time     // the start of the attempt
	conn       net.Conn      // that net/http obtained; nil if there was none yet
	connReused bool          // an earlier request has used conn
	responded  bool          // there was a response, accepted or not
	opened     time.Time     // zero if no response was accepted
	gotEvent   bool          // an event was delivered
	skipWait   bool          // Reconnect ended it, and may skip the wait
	tlsAlert   bool          // err is a TLS alert of the server
	retryAfter time.Duration // the least time to wait, from the response
	replayable bool          // the request may be sent again after a failure
	once       bool          // the request is not sent again after a clean end
}

// reason returns the error to report. If the Stream ended the attempt itself, the error of net/http
// is only a consequence. A refusal by the server or a permanent error says more than a timeout.
func (o outcome) reason() error {
	switch {
	case o.cause == nil, isPermanent(o.err):
		return o.err
	case o.cause == http.ErrBodyReadAfterClose: // CheckResponse has closed the body
		return o.err
	case isRefusal(o.err) && o.cause != ErrReconnect:
		return o.err
	}
	return o.cause
}

// madeProgress reports whether the connection delivered an event or lasted progressTime.
func (o outcome) madeProgress(now time.Time) bool {
	return o.gotEvent || !o.opened.IsZero() && now.Sub(o.opened) >= progressTime
}

// timedOut reports whether a timeout ended the attempt: of the Stream, or of a Transport below it.
func (o outcome) timedOut() bool {
	var timeout *timeoutError
	return errors.As(o.cause, &timeout) || errors.As(o.err, &timeout)
}

// A verdict says what to do after an attempt.
type verdict struct {
	err  error         // for OnRetry, or for Err if done
	wait time.Duration // before the next attempt
	done bool          // there is no next attempt

	earliest time.Time // of the next attempt, if Reconnect skips the wait

	// The next attempt should not use the idle connections of HTTPClient if closeIdle is set, nor
	// the connection abandon, if non-nil, which stayed silent twice and may serve other requests.
	closeIdle bool
	abandon   net.Conn
}

// A retryPolicy decides whether and when to make another attempt. It does no I/O.
type retryPolicy struct {
	newBackoff       func() backoff.BackOff // Client.Backoff
	backoff          backoff.BackOff        // nil before the first failure
	reconnectionTime time.Duration          // of the Client, or of the last retry field
	timeouts         int                    // of connections, in a row without a response between them
	refusals         int                    // in a row, and responses without events
	tlsAlerts        int                    // in a row
}

// decide returns what to do after an attempt that ended at now with outcome o.
func (p *retryPolicy) decide(o outcome, now time.Time) verdict {
	if o.madeProgress(now) && p.backoff != nil {
		p.backoff.Reset()
	}
	p.count(o)

	err := o.reason()
	switch {
	case o.once && !o.opened.IsZero() && o.err == io.EOF:
		return verdict{done: true} // the response is complete, whatever was called since
	case !o.replayable && err == ErrReconnect:
		return verdict{err: io.ErrUnexpectedEOF, done: true}
	case !o.replayable, isPermanent(err):
		return verdict{err: err, done: true}
	case p.tlsAlerts >= maxTLSAlerts:
		return verdict{err: o.err, done: true}
	}
	v := verdict{
		err:       err,
		earliest:  o.started.Add(minAttemptInterval),
		closeIdle: o.timedOut() || p.refusals > 1,
	}
	if p.timeouts > 1 && o.connReused {
		v.abandon = o.conn
	}
	if err == ErrReconnect && o.skipWait {
		v.wait = max(0, v.earliest.Sub(now))
		return v
	}
	wait, ok := p.nextWait(o.retryAfter)
	v.wait, v.done = wait, !ok && err != ErrReconnect
	return v
}

// count counts timeouts, TLS alerts, and responses that were refused or had no events.
func (p *retryPolicy) count(o outcome) {
	if o.responded {
		p.timeouts = 0
	}
	switch {
	case !o.timedOut():
		p.timeouts = 0
	case o.conn != nil: // a timeout while dialing is not one of a connection
		p.timeouts++
	}
	if o.tlsAlert {
		p.tlsAlerts++
	} else {
		p.tlsAlerts = 0
	}
	switch {
	case o.gotEvent:
		p.refusals = 0
	case isRefusal(o.err), !o.opened.IsZero() && o.err == io.EOF:
		p.refusals++
	}
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
	if isPermanentType(err) {
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

// isPermanentType reports whether err is, by its type, a failure that another attempt would not
// change: an untrusted certificate, an invalid port, a server that does not speak TLS.
func isPermanentType(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		address      *net.AddrError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &hostname) || errors.As(err, &invalid) || errors.As(err, &address) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

const maxTLSAlerts = 3 // in a row: one may come of a server that is being reconfigured

// isTLSAlert reports whether err is an alert with which a server rejects the certificate or the TLS
// version of the client. Package tls has no types for the alerts that it receives over TCP.
func isTLSAlert(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return false
	}
	switch op.Err.Error() {
	case "tls: certificate required", "tls: unknown certificate authority",
		"tls: bad certificate", "tls: protocol version not supported":
		return true
	}
	return false
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

// parseRetryAfter returns the wait that a response asks for: in milliseconds, in seconds or until a
// date. It returns zero if there is none.
func parseRetryAfter(h http.Header) time.Duration {
	for _, name := range [...]string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if d, ok := parseMilliseconds(strings.TrimSpace(h.Get(name))); ok {
			return d
		}
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, uint64(math.MaxInt64/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// parseMilliseconds parses a decimal number that may have a fraction.
func parseMilliseconds(s string) (time.Duration, bool) {
	if strings.Trim(s, "0123456789.") != "" {
		return 0, false // ParseFloat also accepts signs, exponents, hexadecimal digits and Inf
	}
	ms, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	const most = float64(math.MaxInt64 / time.Millisecond)
	if ms >= most {
		return math.MaxInt64, true
	}
	return time.Duration(ms * float64(time.Millisecond)), true
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
