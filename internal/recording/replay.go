package recording

import (
	"net/http"
	"time"
)

// hopHeaders are the header fields that net/http sets, because they describe the
// connection and not the response.
var hopHeaders = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// CopyHeader adds to h, the header of a response of net/http, the recorded header
// without the fields that describe the connection.
func (r Response) CopyHeader(h http.Header) {
	h["Content-Type"] = nil // net/http would guess it otherwise
	for name, values := range r.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	for _, name := range hopHeaders {
		h.Del(name)
	}
}

// Duration returns the time from the request to the end of the response.
func (r Response) Duration() time.Duration {
	d := r.Gap + r.EndGap
	for _, c := range r.Chunks {
		d += c.Gap
	}
	return d
}
