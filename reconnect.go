package sse

import (
	"crypto/tls"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	defaultReconnectionTime = time.Second
	maxReconnectionTime     = time.Hour   // whatever a server asks for
	provedAfter             = time.Minute // a connection open for so long was worth its while
	maxErrorBody            = 4 << 10
	maxErrorTime            = 5 * time.Second
	maxRedirects            = 10
	maxCause                = 1 << 10 // bytes of an error in the log
)

// AutoIdle, as a Client's IdleTimeout, means a timeout learned from the stream itself: three
// times the longest gap between two arrivals, and at least 30 seconds; and three times what it was where
// a new connection was silent for so long, too, so that a stream that falls quiet is not cut for ever.
// Only gaps in which the caller waited count. Until four are known there is no timeout: neither a server
// that never sends headers nor a stream that is silent from its beginning is noticed. A request that
// can't be repeated is not cut off on a guess. Where the server's heartbeat is known, say a time instead.
const AutoIdle time.Duration = -1

const (
	minAutoIdle  = 30 * time.Second
	autoIdleGaps = 4
	blocked      = time.Millisecond // a read that took so long waited for the server
)

// ErrIdleTimeout says that no byte came for a Client's IdleTimeout. Its Timeout method returns true.
var ErrIdleTimeout error = timeoutError("sse: idle timeout: no byte from the server")

const errHeaderTimeout = timeoutError("sse: timeout: no answer in time")

type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (e timeoutError) Timeout() bool { return true }

// ErrReconnect is what Client.OnRetry gets as the reason after Stream.Reconnect. It ends no stream.
var ErrReconnect = errors.New("sse: reconnect asked for")

var errClosed = errors.New("sse: stream closed")

// DefaultBackoff returns the policy of a Client whose Backoff is nil: what it adds to the
// reconnection time begins at 250 to 750 ms, doubles each time up to 30 to 90 seconds, and it
// never stops.
func DefaultBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(500*time.Millisecond),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(time.Minute),
		backoff.WithMaxElapsedTime(0), // 15 minutes by default
	)
}

// A pacer says how long to wait before the next connection.
type pacer struct {
	newPolicy func() backoff.BackOff
	policy    backoff.BackOff // nil before its first use
}

// wait returns how long to wait where the server asked for floor. It is false where the policy
// says to stop: that leaves floor.
func (p *pacer) wait(floor time.Duration) (time.Duration, bool) {
	if p.policy == nil {
		if p.newPolicy != nil {
			p.policy = p.newPolicy()
		}
		if p.policy == nil {
			p.policy = DefaultBackoff()
		}
		p.policy.Reset()
	}
	floor = min(max(floor, 0), maxReconnectionTime)
	d := p.policy.NextBackOff()
	if d < 0 { // backoff.Stop
		return floor, false
	}
	return floor + min(d, math.MaxInt64-floor), true
}

// reset is called when a connection that proved itself ends.
func (p *pacer) reset() {
	if p.policy != nil {
		p.policy.Reset()
	}
}

// An idleness learns how long a stream is silent when nothing is wrong.
type idleness struct {
	mu      sync.Mutex
	last    time.Time     // when bytes came last, if that is known
	longest time.Duration // gap between two arrivals
	gaps    int
	quiet   bool // there was none on this connection
}

// begin is called at the beginning of a connection.
func (i *idleness) begin() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last, i.quiet = time.Time{}, true
}

// cut is called where the timeout has ended a connection. One that was quiet from its beginning does not
// look dead: the server may have nothing to say.
func (i *idleness) cut() {
	timeout := i.timeout()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.quiet {
		i.longest = max(i.longest, timeout)
	}
}

// read takes note of a read that brought bytes. Only a blocked read ends when the bytes arrive. One
// that follows at once brings the rest of them; another finds what came while the caller was busy.
func (i *idleness) read(start, end time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case end.Sub(start) < blocked:
		if start.Sub(i.last) >= blocked {
			end = time.Time{} // when they came is not known
		}
	case !i.last.IsZero():
		i.longest = max(i.longest, end.Sub(i.last))
		i.gaps++
		i.quiet = false
	}
	i.last = end
}

func (i *idleness) timeout() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.gaps < autoIdleGaps:
		return 0
	case i.longest > math.MaxInt64/3:
		return math.MaxInt64
	}
	return max(minAutoIdle, 3*i.longest)
}

func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, uint64(math.MaxInt64/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// permanent reports whether a failure would only come again.
func permanent(err error) bool {
	var marked *backoff.PermanentError
	return errors.As(err, &marked) || errors.Is(err, ErrEventTooLarge)
}

// doError returns an error of http.Client.Do without secrets, marked where it is permanent.
func doError(err error) error {
	err = redact(err)
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return backoff.Permanent(err)
	}
	// What comes later in the text may be a quotation of the server.
	text := strings.TrimPrefix(errors.Unwrap(err).Error(), "net/http: HTTP/1.x transport connection broken: ")
	for _, s := range requestErrors {
		if strings.HasPrefix(text, s) {
			return backoff.Permanent(err)
		}
	}
	return err
}

// requestErrors are what net/http says, without a type, of a request that it will not send.
var requestErrors = []string{
	"unsupported protocol scheme",
	"net/http: invalid method",
	"net/http: invalid header field",
	"http: nil Request.URL",
	"http: no Host in request URL",
	"http: Request.RequestURI can't be set in client requests",
	"http: ContentLength=",         // with a body of another length
	"http: Request.ContentLength=", // with no body
	badLocation,
}

const badLocation = "failed to parse Location header"
