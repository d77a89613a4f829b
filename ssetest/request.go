package ssetest

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// A Request describes a request that a [Server] received.
type Request struct {
	Time   time.Time // when the header arrived; virtual time in a bubble
	Method string
	URL    *url.URL // path and query only
	Host   string
	Header http.Header
	Body   []byte // the first 1 MiB
}

// LastEventID returns the value of the Last-Event-ID header. The boolean ok
// reports whether the request has this header.
func (r Request) LastEventID() (id string, ok bool) {
	_, ok = r.Header["Last-Event-Id"]
	return r.Header.Get("Last-Event-ID"), ok
}

func summary(r Request) string {
	if id, ok := r.LastEventID(); ok {
		return fmt.Sprintf("%s %v, Last-Event-ID %q", r.Method, r.URL, id)
	}
	return fmt.Sprintf("%s %v", r.Method, r.URL)
}
