package sse

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

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

// A ResponseError is an answer that is no event stream.
type ResponseError struct {
	StatusCode int         // 503
	Status     string      // "503 Service Unavailable"
	Header     http.Header // as received
	Body       []byte      // the first 4 KiB, or what of them came within 5 seconds
}

// Error says the status, what is wrong if that is 200, the first words of the body, and when to come back.
func (e *ResponseError) Error() string {
	s := "sse: " + printable([]byte(e.Status), 64)
	if e.StatusCode == http.StatusOK {
		if enc := encoding(e.Header); enc != "" {
			s += ": undecoded Content-Encoding " + printable([]byte(enc), 64)
		} else {
			s += ": Content-Type is " + printable([]byte(contentTypes(e.Header)), 64) + ", not text/event-stream"
		}
	}
	if body := printable(e.Body, 512); body != "" {
		s += ": " + body
	}
	if after := e.RetryAfter(); after > 0 {
		s += " (retry after " + after.Round(time.Second).String() + ")"
	}
	return s
}

// printable returns at most n bytes of b as one line without control characters.
func printable(b []byte, n int) string {
	b = appendUTF8(nil, b)
	more := len(b) > n
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		} else if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(b[:cutUTF8(b, n)]))
	s = strings.Join(strings.Fields(s), " ")
	if more {
		s += "…"
	}
	return s
}

// DefaultCheckResponse is what a [Client] does with a response where its CheckResponse is nil. It
// returns nil for 200 with text/event-stream, without a compression that nobody has undone. For anything
// else it reads at most 4 KiB of the body, for at most 5 seconds (then it closes the body), and returns a
// [*ResponseError]; in a backoff.PermanentError (use errors.As) unless the status is 408, 425, 429, 500,
// 502, 503, 504, 520 to 524 or 529. The standard, and so a browser, gives up on these, too.
//
// The type is that of the last valid Content-Type, without regard to case or parameters. The text
// is UTF-8 whatever the parameters say.
func DefaultCheckResponse(resp *http.Response) error {
	if resp.StatusCode == http.StatusOK && contentType(resp.Header) == "text/event-stream" &&
		(encoding(resp.Header) == "" || resp.Header.Get("Content-Length") == "0") { // nothing is left to decode
		return nil
	}
	err := &ResponseError{StatusCode: resp.StatusCode, Status: resp.Status, Header: resp.Header, Body: errorBody(resp.Body)}
	if err.Status == "" {
		err.Status = strconv.Itoa(err.StatusCode) + " " + http.StatusText(err.StatusCode)
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		520, 521, 522, 523, 524, // a Cloudflare that does not reach the server
		529: // overloaded
		return err
	}
	return backoff.Permanent(err)
}

func errorBody(body io.ReadCloser) []byte {
	stop := time.AfterFunc(maxErrorTime, func() { body.Close() })
	defer stop.Stop()
	b, _ := io.ReadAll(io.LimitReader(body, maxErrorBody)) // an error cuts the text, no more
	return b
}

// encoding returns a Content-Encoding that net/http has left to us. What is no coding, such as "none" (which
// keeps a proxy from compressing), leaves the body as it is: section 2.2.4 of the Fetch standard.
func encoding(h http.Header) string {
	all := strings.Join(h.Values("Content-Encoding"), ", ")
	for c := range strings.SplitSeq(strings.ToLower(all), ",") {
		switch strings.TrimPrefix(strings.TrimSpace(c), "x-") {
		case "gzip", "deflate", "br", "zstd", "compress", "dcb", "dcz", "aes128gcm", "exi", "pack200-gzip":
			return strings.TrimSpace(all)
		}
	}
	return ""
}

func contentTypes(h http.Header) string {
	if types := strings.Join(h.Values("Content-Type"), ", "); types != "" {
		return types
	}
	return "missing"
}

// contentType extracts the essence of a MIME type as section 2.2.2.1 of the Fetch standard has it.
func contentType(h http.Header) (essence string) {
	for _, v := range splitHeader(strings.Join(h.Values("Content-Type"), ",")) {
		v, _, _ = strings.Cut(v, ";")
		v = strings.ToLower(strings.Trim(v, " \t\r\n"))
		typ, sub, ok := strings.Cut(v, "/")
		if ok && isToken(typ) && isToken(sub) && v != "*/*" {
			essence = v
		}
	}
	return essence
}

// splitHeader splits at the commas that are not in a quoted string.
func splitHeader(s string) []string {
	quoted, escaped := false, false
	return strings.FieldsFunc(s, func(c rune) bool {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		}
		return c == ',' && !quoted
	})
}

func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", c))
	}) < 0
}

// RetryAfter returns the wait that the answer asks for in a Retry-After header, in seconds or until a
// date: zero where it asks for none. For a stream that can be repeated the Client waits by itself.
func (e *ResponseError) RetryAfter() time.Duration { return retryAfter(e.Header) }

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

// harmless are the headers that a redirect may take to any host: they say how to answer, not whom.
var harmless = map[string]bool{
	"Accept": true, "Accept-Charset": true, "Accept-Encoding": true, "Accept-Language": true,
	"Cache-Control": true, "Content-Encoding": true, "Content-Language": true, "Content-Type": true,
	"Idempotency-Key": true, "X-Idempotency-Key": true, "Last-Event-Id": true, "Pragma": true,
	"Referer": true, "User-Agent": true,
}

// discreet takes from r, to which a redirect leads, the headers that are not for the one it goes to.
func discreet(r *http.Request, via []*http.Request) {
	away, secure := false, false
	for _, u := range append(via[:len(via):len(via)], r) {
		secure = secure || u.URL.Scheme == "https"
		away = away || secure && u.URL.Scheme != "https" || !within(u.URL.Hostname(), via[0].URL.Hostname())
	}
	for name, values := range r.Header {
		switch key := http.CanonicalHeaderKey(name); {
		case away && !harmless[key]:
			delete(r.Header, name)
		case key == "Referer" && len(values) > 0:
			if ref := referer(values[0], r.URL); ref != "" {
				r.Header[name] = []string{ref}
			} else {
				delete(r.Header, name)
			}
		}
	}
}

// within reports whether host is parent or a subdomain of it, as net/http has it.
func within(host, parent string) bool {
	host, parent = fold(host), fold(parent)
	return host == parent || strings.HasSuffix(host, "."+parent) && !strings.ContainsAny(host, ":%")
}

// fold is host in lower case, if it is ASCII. Of other letters it is not known which are the same.
func fold(host string) string {
	if strings.IndexFunc(host, func(c rune) bool { return c >= utf8.RuneSelf }) >= 0 {
		return host
	}
	return strings.ToLower(host)
}

// referer is what a request for to may say of where it comes from: all to the same host, scheme and host
// to another, and nothing without TLS of what has it.
func referer(ref string, to *url.URL) string {
	u, err := url.Parse(ref)
	switch {
	case err != nil || u.Host == "" || u.Scheme == "https" && to.Scheme != "https":
		return ""
	case u.Host != to.Host:
		return u.Scheme + "://" + u.Host + "/"
	}
	return ref
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

// redact returns err without user info and query in the URL of a *url.Error.
func redact(err error) error {
	if p, ok := err.(*backoff.PermanentError); ok {
		return backoff.Permanent(redact(p.Err))
	}
	uerr, ok := err.(*url.Error)
	if !ok {
		return err
	}
	bare, inner := "", redact(uerr.Err)
	if u, err := url.Parse(uerr.URL); err == nil {
		bare = bareURL(u)
	} else if uerr.Op == "parse" {
		what, _, _ := strings.Cut(inner.Error(), `"`) // the text may quote a part of a password
		inner = errors.New(strings.TrimSpace(what))
	} else if strings.Contains(uerr.URL, "@") {
		inner = errors.New("invalid URL") // likewise
	}
	if inner != nil && strings.HasPrefix(inner.Error(), badLocation) {
		inner = errors.New(badLocation) // the text quotes the location
	}
	if header := textproto.ProtocolError(""); errors.As(inner, &header) {
		what, _, _ := strings.Cut(header.Error(), ":")
		inner = textproto.ProtocolError(what) // the text quotes the line, and that may be a location
	}
	return &url.Error{Op: uerr.Op, URL: bare, Err: inner}
}

// bareURL returns u without user info, query and fragment: it may be logged. What was written
// without "//" has no part that is known to be no user info.
func bareURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	bare := *u
	bare.User, bare.Opaque, bare.RawQuery, bare.ForceQuery, bare.Fragment, bare.RawFragment = nil, "", "", false, "", ""
	return bare.String()
}

// contextError is how a context ended: it matches its Err, its Cause, and a refusal that came before a
// deadline.
type contextError struct {
	text string
	errs []error
}

func (e *contextError) Error() string   { return e.text }
func (e *contextError) Unwrap() []error { return e.errs }

func ended(ctx context.Context, failure error) error {
	e := &contextError{ctx.Err().Error(), []error{ctx.Err()}}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(ctx.Err(), cause) {
		e.text += ": " + cause.Error()
		e.errs = append(e.errs, cause)
	}
	if failure != nil && ctx.Err() == context.DeadlineExceeded { // who cancels has a reason of their own
		e.text += " (before that: " + failure.Error() + ")"
		if refused := (*ResponseError)(nil); errors.As(failure, &refused) {
			e.errs = append(e.errs, refused)
		}
	}
	if e.text == ctx.Err().Error() {
		return ctx.Err()
	}
	return e
}
