package request

import (
	"io"
	"net/http"
	"sync/atomic"
)

// A Recorder is an http.RoundTripper that passes on what it sees: the headers of each exchange to
// Verbose, and the bytes of the open stream to OnRead.
type Recorder struct {
	Base    http.RoundTripper
	Verbose io.Writer      // if nil, headers are not shown
	OnRead  func(p []byte) // if nil, bytes are not passed on

	live   atomic.Bool  // the newest response was accepted as a stream
	status atomic.Int32 // of the newest response
}

// RoundTrip implements http.RoundTripper.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.live.Store(false)
	var wait func()
	if r.Verbose != nil {
		req, wait = traceTo(r.Verbose, req)
	}
	resp, err := r.Base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if r.Verbose != nil {
		wait()
		io.WriteString(r.Verbose, responseHeader(resp))
	}
	r.status.Store(int32(resp.StatusCode))
	if resp.StatusCode == http.StatusOK {
		resp.Body = r.Body(resp.Body)
	}
	return resp, nil
}

// CloseIdleConnections closes the idle connections of the base transport.
func (r *Recorder) CloseIdleConnections() {
	if base, ok := r.Base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// LastStatus returns the status of the newest response, or 0 if there was none.
func (r *Recorder) LastStatus() int { return int(r.status.Load()) }

// Opened tells r that the newest response was accepted as a stream. The bytes of other responses
// are not passed on.
func (r *Recorder) Opened() { r.live.Store(true) }

// Body returns a reader of b that passes on what is read while the stream is open.
func (r *Recorder) Body(b io.ReadCloser) io.ReadCloser { return &recordedBody{b, r} }

// A recordedBody passes on what is read from it.
type recordedBody struct {
	io.ReadCloser
	r *Recorder
}

// Read implements io.Reader.
func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && b.r.live.Load() && b.r.OnRead != nil {
		b.r.OnRead(p[:n])
	}
	return n, err
}
