package inspect

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/internal/check"
)

// An observingTransport is an http.RoundTripper that shows each request and its response to a run.
type observingTransport struct {
	base http.RoundTripper
	run  *run
}

// RoundTrip implements http.RoundTripper.
func (t *observingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r := t.run
	traced, wait := request.TraceHeader(req, func(proto string, fields [][2]string) {
		r.requestSent(req, proto, fields)
	})
	resp, err := t.base.RoundTrip(traced)
	if err != nil {
		return nil, err
	}
	wait()
	r.mu.Lock()
	attempt := r.attempt
	r.responded = time.Now()
	r.mu.Unlock()
	if isRedirect(resp) {
		r.responseReceived(resp, nil)
		return resp, nil
	}
	if resp.StatusCode == http.StatusNoContent { // checkResponse is not called
		r.responseReceived(resp, nil)
	}
	check.Watch(resp, func(f check.Finding) { r.found(attempt, f) })
	return resp, nil
}

// CloseIdleConnections closes the idle connections of the base transport.
func (t *observingTransport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// isRedirect reports whether an http.Client follows resp.
func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// requestSent is called when the header fields of req were sent.
func (r *run) requestSent(req *http.Request, proto string, fields [][2]string) {
	r.mu.Lock()
	attempt := r.attempt
	r.mu.Unlock()
	r.send(kindRequest, kindRequest, requestSent{
		T:       r.since(time.Now()),
		Attempt: attempt,
		Method:  req.Method,
		URL:     shortText(redact.URL(req.URL)),
		Proto:   proto,
		Headers: maskFields(fields),
	})
}

// checkResponse decides whether resp is the stream.
func (r *run) checkResponse(resp *http.Response) error {
	err := sse.DefaultCheckResponse(resp)
	var body []byte
	refused := (*sse.ResponseError)(nil)
	if errors.As(err, &refused) && resp.Header.Get("Content-Encoding") == "" {
		body = refused.Body
	}
	r.responseReceived(resp, body)
	return err
}

// responseReceived shows the last response, and the beginning of its body if it was refused.
func (r *run) responseReceived(resp *http.Response, body []byte) {
	r.mu.Lock()
	attempt, at := r.attempt, r.responded
	r.mu.Unlock()
	r.send(kindResponse, kindResponse, responseReceived{
		T:          r.since(at),
		Attempt:    attempt,
		Status:     resp.StatusCode,
		StatusText: statusText(resp),
		Proto:      resp.Proto,
		Headers:    headerFields(resp.Header),
		Redirected: resp.Request != nil && resp.Request.Response != nil,
		Body:       strings.ToValidUTF8(string(body), "\ufffd"),
	})
}

// statusText returns the status of resp without its code.
func statusText(resp *http.Response) string {
	text := strings.TrimPrefix(resp.Status, strconv.Itoa(resp.StatusCode))
	return shortText(strings.ToValidUTF8(strings.TrimSpace(text), "\ufffd"))
}
