package ssetest

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/seed-0d85b69d/sse"
)

// header checks status and header, and says whether the body is worth reading.
func (c *checker) header(resp *http.Response) bool {
	add := func(s Severity, rule, section, format string, args ...any) {
		c.addAt(0, 0, s, rule, section, format, args...)
	}
	switch {
	case resp.StatusCode == http.StatusNoContent:
		add(Info, "no-content", "9.2.3", "The status 204 tells clients to stop: they do not connect again.")
		return false
	case resp.StatusCode != http.StatusOK:
		says := ""
		if re := (*sse.ResponseError)(nil); errors.As(sse.DefaultCheckResponse(resp), &re) && len(re.Body) > 0 {
			says = fmt.Sprintf(" The server says %.500q.", re.Body)
		}
		add(Error, "status", "9.2.3", "The status is %d: clients take only 200 for a stream, and browsers do not try again.%s", resp.StatusCode, says)
		return false
	}
	h := resp.Header
	if !c.contentType(h.Values("Content-Type"), add) {
		return false
	}
	get := resp.Request == nil || resp.Request.Method == "" || resp.Request.Method == http.MethodGet
	cc := directives(h.Values("Cache-Control"))
	fresh := func(name string) bool { return cc[name] != "" && cc[name] != "0" }
	switch {
	case cc["no-store"] != "" || cc["no-cache"] != "":
	case fresh("max-age") || fresh("s-maxage") || cc["public"] != "":
		add(Warning, "cacheable", "9.2.3", "Caches may keep this stream and hand it out again: send Cache-Control: no-cache (or no-store).")
	case get && cc["max-age"] == "":
		add(Info, "cache-control", "9.2.3", "No Cache-Control tells caches to stay away: send Cache-Control: no-cache (or no-store).")
	}
	switch buffering := h.Get("X-Accel-Buffering"); {
	case strings.EqualFold(buffering, "no"):
	case buffering != "":
		add(Warning, "accel-buffering", "9.2.7", "X-Accel-Buffering: %q lets nginx hold events back: send X-Accel-Buffering: no.", clip(buffering))
	default:
		add(Info, "accel-buffering", "9.2.7", "An nginx on the way would hold events back: X-Accel-Buffering: no tells it not to (nginx removes that header where it obeys it).")
	}
	if h.Get("Content-Length") != "" {
		add(Warning, "content-length", "9.2.7", "A Content-Length says that the answer is made in advance: leave it out, and send each event when it happens.")
	}
	encoding := strings.Join(h.Values("Content-Encoding"), ", ")
	if resp.Uncompressed || !accepted(http.Header{"Content-Type": {"text/event-stream"}, "Content-Encoding": {encoding}}) {
		add(Info, "compressed", "9.2.7", "The stream is compressed: the compressor has to be flushed after each event, or clients get it late.")
		if resp.Uncompressed {
			return true
		}
		if resp.Request != nil && resp.Request.Header.Get("Accept-Encoding") != "" {
			add(Warning, "not-decoded", "9.2.5", "The body has the encoding %q, which this check does not decode: ask without Accept-Encoding.", clip(encoding))
		} else {
			add(Error, "not-decoded", "9.2.5", "The body has the encoding %q, which was not asked for: clients can't read it. Send what Accept-Encoding allows.", clip(encoding))
		}
		return false
	}
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		add(Info, "unknown-encoding", "9.2.5", "The Content-Encoding %q is none: browsers read the body as it is, some clients refuse it. Cache-Control: no-transform keeps proxies from compressing, too.", clip(encoding))
	}
	return true
}

// accepted says what the library makes of a header.
func accepted(h http.Header) bool {
	return sse.DefaultCheckResponse(&http.Response{StatusCode: http.StatusOK, Header: h, Body: http.NoBody}) == nil
}

func (c *checker) contentType(values []string, add func(Severity, string, string, string, ...any)) bool {
	if len(values) == 0 {
		add(Error, "content-type", "9.2.3", "There is no Content-Type: clients refuse what is not text/event-stream.")
		return true
	}
	all := strings.Join(values, ", ")
	if strings.Contains(all, ",") {
		add(Warning, "content-types", "9.2.3", "The Content-Type is %q, and clients differ in which of several they take: send one.", clip(all))
	}
	last := values[len(values)-1]
	if !accepted(http.Header{"Content-Type": values}) {
		add(Error, "content-type", "9.2.3", "The Content-Type is %q: clients refuse what is not text/event-stream.", clip(all))
		last = strings.ToLower(last)
		return !strings.Contains(last, "html") && !strings.Contains(last, "json") && !strings.Contains(last, "xml") // it may be one all the same
	}
	if _, params, err := mime.ParseMediaType(last); err == nil {
		if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
			add(Warning, "charset", "9.2.5", "The charset %q is ignored: an event stream is always read as UTF-8.", clip(charset))
		}
	}
	return true
}

// directives splits a Cache-Control header; a directive without a value is "-".
func directives(values []string) map[string]string {
	m := map[string]string{}
	for _, d := range strings.Split(strings.Join(values, ","), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(d), "=")
		if !ok {
			value = "-"
		}
		m[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	return m
}
