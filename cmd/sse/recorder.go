package main

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// A tap is a transport that shows what passes: the headers to -v, the bytes
// of open streams to the counters, the watch and --raw.
type tap struct {
	base  *http.Transport
	v     io.Writer // -v; nil: silent
	stats *stats
	watch *watch
	raw   io.Writer       // nil: none
	fail  func(err error) // told when raw can't be written
	live  atomic.Bool     // the newest response is an open stream
}

func (t *tap) RoundTrip(req *http.Request) (*http.Response, error) {
	t.live.Store(false)
	var wrote <-chan struct{}
	if t.v != nil {
		trace, shown := traceTo(t.v, req)
		req, wrote = req.WithContext(httptrace.WithClientTrace(req.Context(), trace)), shown
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if t.v != nil {
		select { // HTTP/2 tells of the request when the answer may be here already
		case <-wrote:
		case <-time.After(time.Second):
		}
		io.WriteString(t.v, dump(resp))
	}
	if resp.StatusCode == http.StatusOK {
		resp.Body = &tapped{resp.Body, t}
	}
	return resp, nil
}

func (t *tap) CloseIdleConnections() { t.base.CloseIdleConnections() }

// saw takes note of bytes of an open stream.
func (t *tap) saw(p []byte) {
	t.stats.addBytes(len(p))
	t.watch.Write(p)
	if t.raw != nil {
		if _, err := t.raw.Write(p); err != nil {
			t.fail(err)
		}
	}
}

type tapped struct {
	io.ReadCloser
	t *tap
}

func (b *tapped) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && b.t.live.Load() {
		b.t.saw(p[:n])
	}
	return n, err
}
