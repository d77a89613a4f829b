package ssetest

import (
	"net/http"
	"sync"
)

// Each calls f for this and every further request of the script and runs the
// handler that f returns. The argument n is the number of requests that f was
// called for before, so it starts at 0. (Failure messages number the connections
// of the whole script, starting at 1.) Steps of these connections that are not
// reached are not reported.
//
// The following server replays its events and cuts each connection somewhere:
//
//	ssetest.Each(func(n int, r *http.Request) http.Handler {
//		cut := ssetest.After(rand.IntN(1000), ssetest.Cut())
//		return ssetest.Conn{cut, ssetest.Replay(events...)}
//	})
//
// Calls of f do not overlap, so f needs no lock. It must not block.
func Each(f func(n int, r *http.Request) http.Handler) http.Handler {
	return &each{f: f}
}

type each struct {
	f  func(int, *http.Request) http.Handler
	mu sync.Mutex
	n  int
}

func (e *each) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.handler(r).ServeHTTP(w, r)
}

func (e *each) handler(r *http.Request) http.Handler {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.n
	e.n++
	return e.f(n, r)
}
