package ssetest

import "net/http"

// A Conn specifies what a server does on one connection: it runs the steps in
// order. Everything that a step sends is flushed.
//
// If no [Status] comes first, the first step that sends something starts the
// response with status 200, Content-Type text/event-stream and Cache-Control
// no-cache. After the last step the response ends cleanly, so Conn{} is a stream
// without events.
//
// A Conn is usually part of the script of a [Server], but it is an
// [http.Handler] and works in any server. There, it panics instead of reporting
// a test error.
type Conn []Step

// ServeHTTP implements [http.Handler].
func (c Conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	newExchange(c, w, r).run()
}
