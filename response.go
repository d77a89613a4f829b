package sse

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v4"
)

const (
	maxErrorBody     = 4 << 10 // bytes of a refused response that are read
	errorBodyTimeout = 5 * time.Second
	closeTimeout     = 100 * time.Millisecond // until a Read ends after Close
)

var errErrorBodyTimeout = &timeoutError{
	text: "sse: timeout: the body of the response is not complete",
}

// A ResponseError reports a response that is not an event stream, or that contains no events.
type ResponseError struct {
	StatusCode int         // for example 503
	Status     string      // for example "503 Service Unavailable"
	Header     http.Header // as received

	// Body is the first 4 KiB of the body, or what arrived of them within 5 seconds. If the
	// response was an event stream without events, it is the first 4 KiB of the lines that the
	// standard ignores.
	Body []byte

	// Err is the error that ended the reading of the body early, if any.
	Err error

	// Method and URL are those of the request that was refused, after redirects. The URL has no
	// user information, no query and no fragment, and is cut to 2 KiB. They are empty if the
	// response has no request.
	Method string
	URL    string

	redirect string // how the request came to URL
	remedy   string // what to do about it
	noEvents bool   // the response was accepted, but had no events
}

// newResponseError returns a ResponseError for resp. The beginning of its body is body, whose
// reading ended with err.
func newResponseError(resp *http.Response, body []byte, err error) *ResponseError {
	e := &ResponseError{
		StatusCode: resp.StatusCode,
		Status:     resp.Status,
		Header:     resp.Header,
		Body:       body,
		Err:        err,
	}
	if e.Status == "" {
		e.Status = strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode)
	}
	req := resp.Request
	if req == nil {
		return e
	}
	e.Method, e.URL = cmp.Or(req.Method, http.MethodGet), redactURL(req.URL)
	first := req
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	if first != req {
		e.redirect = fmt.Sprintf("%s %s was redirected with %d to %s %s",
			cmp.Or(first.Method, http.MethodGet), redactURL(first.URL),
			req.Response.StatusCode, e.Method, e.URL)
	}
	switch {
	case contentEncoding(e.Header) != "" && first.Header.Get("Accept-Encoding") != "":
		e.remedy = "remove Accept-Encoding from the request, so that net/http decodes the response"
	case (e.StatusCode == http.StatusTemporaryRedirect ||
		e.StatusCode == http.StatusPermanentRedirect) && hasBody(req) && req.GetBody == nil:
		e.remedy = "the redirect was not followed because the request has a body but no GetBody"
	}
	return e
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// Error returns the status, the reason if the status is 200, the redirect that led to the response,
// the beginning of the body if that is text, and the wait that the server asks for, which a Stream
// limits to one hour.
func (e *ResponseError) Error() string {
	var s strings.Builder
	s.WriteString("sse: " + sanitize([]byte(e.Status), 64))
	encoding := contentEncoding(e.Header)
	switch {
	case e.noEvents:
		s.WriteString(": the response contains no events, but other text")
	case e.StatusCode != http.StatusOK:
	case encoding != "":
		s.WriteString(": undecoded Content-Encoding " + sanitize([]byte(encoding), 64))
	default:
		types := strings.Join(e.Header.Values("Content-Type"), ", ")
		if types == "" {
			types = "missing"
		}
		s.WriteString(": Content-Type is " + sanitize([]byte(types), 64) +
			", not text/event-stream")
	}
	if e.redirect != "" {
		s.WriteString(": " + e.redirect)
	}
	if encoding == "" && !isBinary(e.Body) {
		if body := sanitize(e.Body, 512); body != "" {
			s.WriteString(": " + body)
		}
	}
	if e.remedy != "" {
		s.WriteString(" (" + e.remedy + ")")
	}
	if after := min(e.RetryAfter(), maxReconnectionTime); after > 0 {
		s.WriteString(" (retry after " + roundWait(after).String() + ")")
	}
	return s.String()
}

// Unwrap returns e.Err.
func (e *ResponseError) Unwrap() error { return e.Err }

// roundWait rounds a wait for display.
func roundWait(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// isBinary reports whether b is not text: more than a quarter of its characters are control
// characters or invalid UTF-8. Text of a server may contain a few of them.
func isBinary(b []byte) bool {
	count := 0
	for _, r := range string(b) {
		if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
			count++
		}
	}
	return 4*count > utf8.RuneCount(b)
}

// RetryAfter returns the wait that the response asks for. The headers Retry-After-Ms and
// X-Ms-Retry-After-Ms, in milliseconds, take precedence over Retry-After, in seconds or until a
// date. RetryAfter returns zero if there is none. A Stream observes it if it repeats the request.
func (e *ResponseError) RetryAfter() time.Duration { return parseRetryAfter(e.Header) }

// DefaultCheckResponse decides whether a response is an event stream if Client.CheckResponse is
// nil. It returns nil for a response with status 200 and media type text/event-stream whose body is
// not compressed.
//
// For any other response it returns an error that wraps a [*ResponseError], and reads at most 4 KiB
// of the body for at most 5 seconds. The error is final, as if marked by [Permanent], unless the
// status is 408, 425, 429, 500, 502, 503, 504, 520 to 524 or 529. The standard and browsers do not
// repeat the request after these statuses. The caller must close the body.
//
// The media type is that of the last valid Content-Type, compared without regard to case. Its
// parameters are ignored: an event stream is always UTF-8.
func DefaultCheckResponse(resp *http.Response) error {
	// An empty body has nothing to decode.
	decoded := contentEncoding(resp.Header) == "" || resp.Header.Get("Content-Length") == "0"
	if resp.StatusCode == http.StatusOK && mediaType(resp.Header) == "text/event-stream" && decoded {
		return nil
	}
	body, readErr := readErrorBody(resp.Body)
	err := newResponseError(resp, body, readErr)
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout,
		520, 521, 522, 523, 524, // Cloudflare cannot reach the server
		529: // the server is overloaded
		return err
	}
	return backoff.Permanent(err)
}

// readErrorBody returns the beginning of body, and the error that cut it short, if any. It reads on
// a goroutine of its own, because net/http does not close a compressed body while a Read waits for
// its gzip header. Such a Read ends with its connection.
func readErrorBody(body io.ReadCloser) ([]byte, error) {
	if body == nil { // net/http always sets it, but a test may not
		return nil, nil
	}
	done := make(chan errorBody, 1)
	go func() {
		var b errorBody
		defer func() {
			b.panicked = recover()
			done <- b
		}()
		b.text, b.err = io.ReadAll(io.LimitReader(body, maxErrorBody))
	}()
	timer := time.NewTimer(errorBodyTimeout)
	defer timer.Stop()
	select {
	case b := <-done:
		return b.result()
	case <-timer.C:
	}
	go body.Close() // may wait for the Read
	timer.Reset(closeTimeout)
	select {
	case b := <-done:
		return b.result()
	case <-timer.C:
		return nil, errErrorBodyTimeout
	}
}

// An errorBody is what readErrorBody has read on its goroutine.
type errorBody struct {
	text     []byte
	err      error
	panicked any // the value of a panic of the body, or nil
}

// result returns what was read. It passes a panic on to the caller, who can recover it.
func (b errorBody) result() ([]byte, error) {
	if b.panicked != nil {
		panic(b.panicked)
	}
	return b.text, b.err
}

// contentEncoding returns a Content-Encoding that net/http has not decoded, or "". Values that are
// not codings, such as "none", leave the body unchanged, as in the steps of the Fetch standard to
// "handle content codings". Servers send such values to keep a proxy from compressing.
func contentEncoding(h http.Header) string {
	all := strings.Join(h.Values("Content-Encoding"), ", ")
	for c := range strings.SplitSeq(strings.ToLower(all), ",") {
		switch strings.TrimPrefix(strings.TrimSpace(c), "x-") {
		case "gzip", "deflate", "br", "zstd", "compress", "dcb", "dcz", "aes128gcm", "exi",
			"pack200-gzip":
			return strings.TrimSpace(all)
		}
	}
	return ""
}

// mediaType returns the essence of the MIME type in h, as the steps of the Fetch standard to
// "extract a MIME type" find it.
func mediaType(h http.Header) (essence string) {
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

// splitHeader splits a header value at the commas that are outside quoted strings.
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

// isToken reports whether s, in lower case, is a token as in RFC 9110.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' ||
			strings.ContainsRune("!#$%&'*+-.^_`|~", c))
	}) < 0
}

// An ignoredText collects the beginning of the lines that the standard ignores, until an event or
// an id arrives. If none does, it is probably the text of an error.
type ignoredText struct {
	resp *http.Response // nil when nothing is collected any more
	text []byte
}

func (t *ignoredText) add(line []byte) {
	if t.resp == nil || len(line) == 0 || len(t.text) >= maxErrorBody {
		return
	}
	if len(t.text) > 0 {
		t.text = append(t.text, '\n')
	}
	t.text = append(t.text, line[:min(len(line), maxErrorBody-len(t.text))]...)
}

// stop ends the collection.
func (t *ignoredText) stop() { t.resp, t.text = nil, nil }

// err returns the error for a response that ended with readErr. It returns readErr if the response
// had an event or an id, or if nothing was ignored.
func (t *ignoredText) err(readErr error) error {
	if t.resp == nil || len(t.text) == 0 || errors.Is(readErr, ErrEventTooLarge) {
		return readErr
	}
	if readErr == io.EOF {
		readErr = nil
	}
	e := newResponseError(t.resp, t.text, readErr)
	e.noEvents = true
	return e
}
