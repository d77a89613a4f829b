package main

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// A recorder is an http.RoundTripper that passes on what it sees: the headers of each exchange to
// verbose, and the bytes of the open stream to onRead.
type recorder struct {
	base    *http.Transport
	verbose io.Writer      // if nil, headers are not shown
	onRead  func(p []byte) // if nil, bytes are not passed on

	live atomic.Bool // the newest response was accepted as a stream
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.live.Store(false)
	var wrote <-chan struct{}
	if r.verbose != nil {
		trace, shown := traceTo(r.verbose, req)
		req, wrote = req.WithContext(httptrace.WithClientTrace(req.Context(), trace)), shown
	}
	resp, err := r.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if r.verbose != nil {
		// HTTP/2 may report the request only after the response has arrived.
		select {
		case <-wrote:
		case <-time.After(time.Second):
		}
		io.WriteString(r.verbose, responseHeader(resp))
	}
	if resp.StatusCode == http.StatusOK {
		resp.Body = r.body(resp.Body)
	}
	return resp, nil
}

// CloseIdleConnections closes the idle connections of the base transport.
func (r *recorder) CloseIdleConnections() { r.base.CloseIdleConnections() }

// opened tells r that the newest response was accepted as a stream. The bytes of other responses
// are not passed on.
func (r *recorder) opened() { r.live.Store(true) }

// body returns a reader of b that passes on what is read while the stream is open.
func (r *recorder) body(b io.ReadCloser) io.ReadCloser { return &recordedBody{b, r} }

type recordedBody struct {
	io.ReadCloser
	r *recorder
}

// Read implements io.Reader.
func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && b.r.live.Load() && b.r.onRead != nil {
		b.r.onRead(p[:n])
	}
	return n, err
}
