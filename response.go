package sse

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	maxErrorBody     = 4 << 10 // bytes of a refused response that are read
	errorBodyTimeout = 5 * time.Second
)

// A ResponseError reports a response that is not an event stream.
type ResponseError struct {
	StatusCode int         // for example 503
	Status     string      // for example "503 Service Unavailable"
	Header     http.Header // as received
	Body       []byte      // the first 4 KiB, or what arrived of them within 5 seconds
}

// Error returns the status, the reason if the status is 200, the beginning of the body, and the
// wait that the server asks for, which a Stream limits to one hour.
func (e *ResponseError) Error() string {
	s := "sse: " + sanitize([]byte(e.Status), 64)
	if e.StatusCode == http.StatusOK {
		if encoding := contentEncoding(e.Header); encoding != "" {
			s += ": undecoded Content-Encoding " + sanitize([]byte(encoding), 64)
		} else {
			types := strings.Join(e.Header.Values("Content-Type"), ", ")
			if types == "" {
				types = "missing"
			}
			s += ": Content-Type is " + sanitize([]byte(types), 64) + ", not text/event-stream"
		}
	}
	if body := sanitize(e.Body, 512); body != "" {
		s += ": " + body
	}
	if after := min(e.RetryAfter(), maxReconnectionTime); after > 0 {
		s += " (retry after " + after.Round(time.Second).String() + ")"
	}
	return s
}

// RetryAfter returns the wait that the response asks for in its Retry-After header, in seconds or
// until a date. It returns zero if there is none. A Stream observes it if it repeats the request.
func (e *ResponseError) RetryAfter() time.Duration { return parseRetryAfter(e.Header) }

// DefaultCheckResponse decides whether a response is an event stream if Client.CheckResponse is
// nil. It returns nil for a response with status 200 and media type text/event-stream whose body is
// not compressed.
//
// For any other response it returns an error that wraps a [*ResponseError], and reads at most 4 KiB
// of the body for at most 5 seconds. The error also wraps a *backoff.PermanentError, so that a
// Client does not repeat the request, unless the status is 408, 425, 429, 500, 502, 503, 504, 520
// to 524 or 529. The standard does not repeat the request for these either.
//
// The media type is that of the last valid Content-Type, compared without regard to case. Its
// parameters are ignored: an event stream is always UTF-8.
func DefaultCheckResponse(resp *http.Response) error {
	// An empty body has nothing to decode.
	decoded := contentEncoding(resp.Header) == "" || resp.Header.Get("Content-Length") == "0"
	if resp.StatusCode == http.StatusOK && mediaType(resp.Header) == "text/event-stream" && decoded {
		return nil
	}
	err := &ResponseError{
		StatusCode: resp.StatusCode,
		Status:     resp.Status,
		Header:     resp.Header,
		Body:       readErrorBody(resp.Body),
	}
	if err.Status == "" {
		err.Status = strconv.Itoa(err.StatusCode) + " " + http.StatusText(err.StatusCode)
	}
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

// readErrorBody returns the beginning of body. A read error only cuts it short.
func readErrorBody(body io.ReadCloser) []byte {
	timer := time.AfterFunc(errorBodyTimeout, func() { body.Close() })
	defer timer.Stop()
	b, _ := io.ReadAll(io.LimitReader(body, maxErrorBody))
	return b
}

// contentEncoding returns a Content-Encoding that net/http has not decoded, or "". Values that are
// not codings, such as "none", leave the body unchanged: section 2.2.4 of the Fetch standard.
// Servers send them to keep a proxy from compressing.
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

// mediaType returns the essence of the MIME type in h, extracted as section 2.2.2.1 of the Fetch
// standard says.
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
