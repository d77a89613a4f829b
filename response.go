package sse

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
)

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
