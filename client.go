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

// A Client holds the configuration of the streams that it creates. The zero value is ready to use.
//
// A Client is safe for concurrent use as long as its fields are not modified. A [Stream] keeps a
// copy of its Client. A Client may be copied, for example to set other hooks for one stream.
//
// The functions in a Client and its Logger are called on the goroutine that calls Next. They may
// call Close, Reconnect, State, Stats and LastEventID of the Stream, and no other method of it.
type Client struct {
	// HTTPClient specifies the client that sends the requests. If nil, http.DefaultClient is used.
	// It is not modified. Its Timeout limits the wait for the response headers of each attempt, and
	// not the time that a stream lasts. An error of its CheckRedirect ends the stream. If its
	// Transport wraps another, it should also forward CloseIdleConnections, which the Stream calls
	// after repeated failures.
	HTTPClient *http.Client

	// ReconnectionTime specifies the least time to wait before the next attempt, until the server
	// sets another with a retry field. If zero, it is one second. If negative, there is no least
	// time.
	ReconnectionTime time.Duration

	// Backoff, if non-nil, returns a new backoff policy for a stream. If nil, DefaultBackoff is
	// used. The wait before an attempt is
	//
	//	min(max(reconnection time, Retry-After), 1 hour) + what the policy returns
	//
	// Retry-After is the header of a response that was not accepted.
	//
	// The policy is reset before its first use, and when a connection ends that delivered an event
	// or lasted a minute. If the policy returns backoff.Stop, the stream ends with the last error.
	// To give up after five consecutive failures:
	//
	//	Backoff: func() backoff.BackOff { return backoff.WithMaxRetries(sse.DefaultBackoff(), 4) }
	//
	// The package is github.com/cenkalti/backoff/v4. Its NewExponentialBackOff stops after 15
	// minutes unless WithMaxElapsedTime(0) is set. DefaultBackoff sets it.
	Backoff func() backoff.BackOff

	// IdleTimeout specifies how long to wait for data before the connection is considered dead. Set
	// it to more than the longest pause of the server. The time that the caller spends between two
	// calls to Next does not count. Before the response, IdleTimeout limits the time until all
	// headers have arrived, which includes DNS, dialing and redirects. If zero or negative, there
	// is no limit.
	//
	// Without IdleTimeout, TCP keep-alive detects a host that has vanished, with
	// http.DefaultTransport after about 165 seconds. It does not detect a server that no longer
	// sends behind a proxy that stays up. If many streams share an HTTP/2 connection, its pings
	// detect a dead connection for all of them: see SendPingTimeout of http.HTTP2Config. Its
	// WriteByteTimeout detects a peer that no longer reads.
	//
	// If the process was suspended during the wait, for example by SIGSTOP, a frozen cgroup or a
	// paused virtual machine, the limit is extended by a quarter, so that data that arrived in the
	// meantime is read before the connection is given up.
	//
	// After a timeout, of IdleTimeout or of HTTPClient, HTTPClient.CloseIdleConnections is called,
	// so that a dead HTTP/2 connection is not used again. It is also called after the second
	// response in a row that was refused or had no events, so that DNS and the load balancer are
	// asked again.
	IdleTimeout time.Duration

	// NoReconnect, if true, limits a stream to one attempt, whatever ends it: Prepare, dialing, a
	// response that is not accepted, or the end of the response. Err returns nil only if the
	// response ended cleanly or had status 204, or after Close.
	NoReconnect bool

	// MaxEventSize specifies the maximum size of an event in bytes, as in Parser. If zero, it is
	// DefaultMaxEventSize. If negative, there is no limit. A larger event ends the stream with an
	// error that wraps ErrEventTooLarge. The Stream does not reconnect, because the server would
	// send the same event again.
	MaxEventSize int

	// Prepare, if non-nil, is called with the request of each attempt before it is sent. It may
	// modify the request, for example to set a fresh token, a signature or another URL.
	//
	// If Prepare returns an error, the request is not sent. If the error is marked by Permanent,
	// the stream ends. After any other error another attempt follows, even for a POST.
	//
	// A response with status 401 ends the stream. To repeat the request with another token, let
	// CheckResponse return an error that is not final, for example the *ResponseError that
	// errors.As finds in the error of DefaultCheckResponse.
	Prepare func(*http.Request) error

	// CheckResponse, if non-nil, decides whether a response is the event stream. If nil,
	// DefaultCheckResponse is used. A response with status 204 always ends the stream, and
	// CheckResponse is not called with it.
	//
	// If CheckResponse returns an error, another attempt follows, unless the error is marked by
	// Permanent or the request may not be repeated. It may read the Body of a response that it
	// refuses, within IdleTimeout. It must not replace the Body. To decode or copy a body, use an
	// http.RoundTripper that also deletes Content-Encoding and Content-Length.
	//
	// A function that accepts every response would parse an error page as an empty stream. To
	// relax the rules, call DefaultCheckResponse and ignore only the errors you expect.
	CheckResponse func(*http.Response) error

	// OnOpen, if non-nil, is called with a copy of each response that has been accepted. The copy
	// has an empty Body.
	OnOpen func(*http.Response)

	// OnRetry, if non-nil, is called before each wait with the reason and the duration of the wait.
	// The reason is io.EOF if the response ended cleanly. It is ErrReconnect if Reconnect ended the
	// attempt or the connection. If Reconnect also skips the wait, the wait is at most one second.
	OnRetry func(err error, wait time.Duration)

	// OnComment, if non-nil, is called with the text of each comment, as in Parser.
	OnComment func(text string)

	// OnIgnored, if non-nil, is called with each line that the standard ignores and that is not a
	// comment, as in Parser. Such lines often come from a server that does not send an event
	// stream.
	OnIgnored func(line string)

	// Logger, if non-nil, receives one record for each change of state:
	//
	//	DEBUG sse: connecting
	//	INFO  sse: open           status
	//	WARN  sse: retrying       wait, status, cause
	//	INFO  sse: closed         status, cause
	//	ERROR sse: closed         status, cause
	//
	// Each record has url (without user information and query), attempt and last_event_id. It has
	// status only if a response was accepted, was refused or has status 204, and cause only if
	// there is an error. The last record has level INFO if Err is nil or matches context.Canceled.
	Logger *slog.Logger
}

// Get returns a [Stream] of the events at url, using a zero Client. The stream ends when ctx ends,
// or as [Stream.Err] describes. If url is invalid, the first call to Next returns false and Err
// returns the reason.
func Get(ctx context.Context, url string) *Stream { return new(Client).Get(ctx, url) }

// Get returns a [Stream] of the events at url. The stream ends when ctx ends. If url is invalid,
// the first call to Next returns false and Err returns the reason.
func (c *Client) Get(ctx context.Context, url string) *Stream {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		s := c.Stream(new(http.Request))
		s.reqErr = redactError(err)
		return s
	}
	return c.Stream(req)
}

// Stream returns a [Stream] that sends req and delivers the events of its response, and reconnects
// as needed. It does nothing before the first call to Next. The stream ends when the context of req
// ends.
//
// The Stream sends a clone of req, which is not modified. A Last-Event-ID header of req says where
// to resume. If req has no Accept or Cache-Control header, the Stream sets them. Each attempt
// starts at the URL of req, with a body from its GetBody, if that is set. When the stream ends, the
// Body of req is closed.
//
// As in a browser, a request that is safe to repeat is repeated after each end of its response,
// even after a clean end. To read a single response, stop at its final event, such as "[DONE]", or
// set NoReconnect. The safe methods are GET, HEAD, OPTIONS, TRACE, QUERY and REPORT. If such a
// request has a body but no GetBody, the stream ends with an error before anything is sent.
//
// A request with another method is sent only once. The stream of a POST therefore ends with its
// response, even if that is a 429 or 503, or if the connection fails.
//
// A request with an Idempotency-Key or X-Idempotency-Key header is repeated after a failure, but
// not after a clean end. If the connection is cut, it is repeated only if no event was delivered,
// or if the last event delivered had an ID from which the server can resume.
//
// If a redirect leads to a host that is neither the same nor a subdomain, or from https to http,
// only headers that cannot contain credentials are sent to it, such as Accept and Last-Event-ID.
// HTTPClient.CheckRedirect may set others. As in net/http, a redirect with status 307 or 308
// repeats the body.
func (c *Client) Stream(req *http.Request) *Stream {
	s := &Stream{client: *c, req: req.Clone(req.Context()), url: redactURL(req.URL)}
	s.http = *cmp.Or(c.HTTPClient, http.DefaultClient)
	s.headerTimeout, s.http.Timeout = s.http.Timeout, 0
	checkRedirect := redirectPolicy(s.http.CheckRedirect)
	s.http.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		s.conn.trace.stop()
		defer s.conn.trace.start()
		return checkRedirect(r, via)
	}
	s.policy.newBackoff = c.Backoff
	s.policy.reconnectionTime = cmp.Or(c.ReconnectionTime, defaultReconnectionTime)

	h := s.req.Header
	if h == nil {
		h = make(http.Header)
		s.req.Header = h
	}
	var last []byte
	for name, values := range h { // the standard writes Last-Event-ID, net/http Last-Event-Id
		if strings.EqualFold(name, "Last-Event-ID") && len(values) > 0 {
			last = []byte(values[0])
			delete(h, name)
		}
	}
	last, ok := sendableID(last)
	if !ok {
		s.reqErr = errors.New("sse: the Last-Event-ID header of the request contains " +
			"a control character or is longer than 4 KiB")
	}
	s.lastID = last

	s.reader = Reader{
		MaxEventSize: c.MaxEventSize, OnComment: c.OnComment, OnIgnored: c.OnIgnored,
	}
	s.reader.p.onIgnored = func(line []byte) { s.conn.ignored.add(line) }
	s.reader.p.setLastEventID(last)
	s.reader.p.onID = s.acceptID
	return s
}
