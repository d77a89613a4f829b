package check

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/seed-0d85b69d/sse"
)

// checkHeader checks the status and the header. It reports whether the body can
// be checked.
func (c *checker) checkHeader(resp *http.Response) bool {
	c.checkRedirects(resp)
	if !c.checkStatus(resp) || !c.checkContentType(resp.Header.Values("Content-Type")) {
		return false
	}
	c.checkDelivery(resp)
	return c.checkEncoding(resp)
}

func (c *checker) checkStatus(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusOK:
		return true
	case http.StatusNoContent:
		c.addResponse("no-content", "The status 204 tells clients not to reconnect.")
		return false
	}
	body := ""
	err := sse.DefaultCheckResponse(resp)
	if re := (*sse.ResponseError)(nil); errors.As(err, &re) && len(re.Body) > 0 {
		body = fmt.Sprintf(" The server says %.500q.", re.Body)
	}
	c.addResponse("status", "The status is %d: clients accept only 200, and browsers do not "+
		"try again.%s", resp.StatusCode, body)
	return false
}

// accepted reports whether a client of this library accepts the header.
func accepted(h http.Header) bool {
	resp := &http.Response{StatusCode: http.StatusOK, Header: h, Body: http.NoBody}
	return sse.DefaultCheckResponse(resp) == nil
}

func (c *checker) checkContentType(values []string) bool {
	if len(values) == 0 {
		c.addResponse("content-type", "There is no Content-Type: clients accept only "+
			"text/event-stream.")
		return true
	}
	all := strings.Join(values, ", ")
	if strings.Contains(all, ",") {
		c.addResponse("multiple-content-types", "The Content-Type is %q, and it depends on the "+
			"client which of several values counts. Send only one.", clip(all, maxQuote))
	}
	last := values[len(values)-1]
	if !accepted(http.Header{"Content-Type": values}) {
		c.addResponse("content-type", "The Content-Type is %q: clients accept only "+
			"text/event-stream.", clip(all, maxQuote))
		// With another type the body may still be an event stream, but not with these.
		last = strings.ToLower(last)
		return !strings.Contains(last, "html") && !strings.Contains(last, "json") &&
			!strings.Contains(last, "xml")
	}
	if _, params, err := mime.ParseMediaType(last); err == nil {
		charset, ok := params["charset"]
		if ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
			c.addResponse("charset", "The charset %q is ignored: an event stream is always "+
				"decoded as UTF-8.", clip(charset, maxQuote))
		}
	}
	return true
}

// checkDelivery checks the headers that make caches and proxies delay events.
func (c *checker) checkDelivery(resp *http.Response) {
	h := resp.Header
	cc := cacheDirectives(h.Values("Cache-Control"))
	isSet := func(name string) bool { return cc[name] != "" && cc[name] != "0" }
	switch {
	case cc["no-store"] != "" || cc["no-cache"] != "":
	case isSet("max-age") || isSet("s-maxage") || cc["public"] != "":
		c.addResponse("cacheable", "Caches may store this stream and send it to other clients. "+
			"Send Cache-Control: no-cache (or no-store).")
	case isGet(resp) && cc["max-age"] == "":
		c.addResponse("missing-cache-control", "No Cache-Control prevents caches from storing "+
			"this stream. Send Cache-Control: no-cache (or no-store).")
	}
	switch buffering := h.Get("X-Accel-Buffering"); {
	case strings.EqualFold(buffering, "no"):
	case buffering != "":
		c.addResponse("x-accel-buffering", "X-Accel-Buffering: %q allows nginx to delay events. "+
			"Send X-Accel-Buffering: no.", clip(buffering, maxQuote))
	default:
		c.addResponse("missing-x-accel-buffering", "If there is an nginx in front of the server, "+
			"it may delay events. X-Accel-Buffering: no prevents this. "+
			"(An nginx that obeys this header removes it.)")
	}
	if h.Get("Content-Length") != "" {
		c.addResponse("content-length", "The Content-Length shows that the response was complete "+
			"before it was sent. Leave it out and send each event when it happens.")
	}
}

func (c *checker) checkEncoding(resp *http.Response) bool {
	encoding := strings.Join(resp.Header.Values("Content-Encoding"), ", ")
	header := http.Header{
		"Content-Type":     {"text/event-stream"},
		"Content-Encoding": {encoding},
	}
	switch {
	case resp.Uncompressed || !accepted(header):
		c.addResponse("compressed", "The stream is compressed. The compressor must be flushed "+
			"after each event, or clients receive it late.")
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		c.addResponse("unknown-encoding", "The Content-Encoding %q is not a content coding: "+
			"browsers ignore it, and some clients refuse it. To prevent proxies from compressing, "+
			"send Cache-Control: no-transform.", clip(encoding, maxQuote))
		return true
	default:
		return true
	}
	if resp.Uncompressed {
		return true
	}
	if resp.Request != nil && resp.Request.Header.Get("Accept-Encoding") != "" {
		c.addResponse("not-decoded", "The body has the encoding %q, which this check does not "+
			"decode. Make the request without Accept-Encoding.", clip(encoding, maxQuote))
	} else {
		c.addResponse("unrequested-encoding", "The body has the encoding %q, which was not "+
			"requested, so clients cannot decode it. Send an encoding that Accept-Encoding allows.",
			clip(encoding, maxQuote))
	}
	return false
}

func isGet(resp *http.Response) bool {
	return resp.Request == nil || resp.Request.Method == "" || resp.Request.Method == http.MethodGet
}

// cacheDirectives parses Cache-Control headers. The value of a directive without
// a value is "-".
func cacheDirectives(values []string) map[string]string {
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
