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
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return origin
	}
	return ""
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
