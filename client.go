package sse

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
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
