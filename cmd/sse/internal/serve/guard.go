package serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
)

// The limits of the server. It is meant for one person.
const (
	maxStreams     = 100     // streams at the same time
	maxRequestBody = 1 << 20 // bytes
)

// A guard is a handler that logs and limits the requests for another handler.
type guard struct {
	next  http.Handler
	allow func(origin string) string // returns the Access-Control-Allow-Origin, or ""
	slots chan struct{}              // holds one element for each stream

	mu  sync.Mutex
	log io.Writer
}

func newGuard(next http.Handler, allow func(string) string, log io.Writer) http.Handler {
	return &guard{next: next, allow: allow, slots: make(chan struct{}, maxStreams), log: log}
}

// allowAll lets every web page read the responses.
func allowAll(string) string { return "*" }

// allowLocal lets the web pages of this machine read the responses.
func allowLocal(origin string) string {
	if u, err := url.Parse(origin); err == nil && isLocal(u.Hostname()) {
		return origin
	}
	return ""
}

// isLocal reports whether host always names this machine.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// requireLocalHost returns a handler that refuses requests whose Host header names another machine.
// It may be the name of an attacker whose DNS leads to this machine, so that a browser takes the
// attacker's page for a page of this server, and lets it read the responses.
func requireLocalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u := (&url.URL{Host: r.Host}); r.Host != "" && !isLocal(u.Hostname()) {
			http.Error(w, "a recording is replayed only for the host localhost or 127.0.0.1; "+
				"sse serve 0.0.0.0:PORT replays it for every host", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if origin := g.allow(r.Header.Get("Origin")); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Headers", "*, Authorization")
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		h.Set("Retry-After", "5")
		http.Error(w, "too many streams at the same time", http.StatusServiceUnavailable)
		return
	}
	g.logRequest(r)
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(webserver.RequestTimeout))
	rc.SetWriteDeadline(time.Now().Add(webserver.RequestTimeout)) // a Writer sets its own deadlines
	r.Body = http.MaxBytesReader(w, r.Body, maxRequestBody)
	g.next.ServeHTTP(w, r)
}

// logRequest writes a line about r to the log.
func (g *guard) logRequest(r *http.Request) {
	line := time.Now().Format("15:04:05") + " " + r.Method + " " + escape.Line(r.URL.Path)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		line += " after id " + escape.Line(id)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	fmt.Fprintln(g.log, line)
}
