package main

import (
	"context"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"

	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of the server: it is small, and for one person.
const (
	maxStreams  = 100     // streams at once
	maxAsk      = 1 << 20 // bytes of a request's body
	askTimeout  = 10 * time.Second
	maxReplay   = 1000 // events that a client who comes back gets at once
	defaultAddr = "127.0.0.1:8787"
)

//go:embed page.html
var page string

// serve runs a server of streams for people who write clients.
func serve(ctx context.Context, args []string, std stdio) int {
	addr := defaultAddr
	switch {
	case len(args) == 1 && !strings.HasPrefix(args[0], "-"):
		addr = args[0]
	case len(args) > 0:
		return usage(std, "serve takes one argument, an address such as 8787 or 0.0.0.0:8787")
	}
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr // another address only if it is told
	}
	if _, port, err := net.SplitHostPort(addr); err != nil || !isPort(port) {
		return usage(std, "serve: bad address; want a port, or host:port")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintf(std.err, "sse: serve: %s\n", message(err))
		return exitError
	}
	fmt.Fprintf(std.out, "serving http://%s/ (Ctrl-C ends it)\n"+
		"  /events /flaky /slow /big /weird /llm (also by POST, to /v1/chat/completions and /v1/messages)\n", l.Addr())
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		fmt.Fprintln(std.err, "sse: others than this machine can reach it")
	}
	server := &http.Server{
		Handler:           newStreams(time.Now(), std.err),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	err = server.Serve(l)
	if sig := (interrupted{}); errors.As(context.Cause(ctx), &sig) {
		_, _, code := (&session{}).ending(sig)
		return code
	}
	fmt.Fprintf(std.err, "sse: serve: %s\n", message(err))
	return exitError
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// streams is the server's handler.
type streams struct {
	mux   http.ServeMux
	start time.Time
	slots chan struct{}
	flaky atomic.Int64

	mu  sync.Mutex
	log io.Writer
}

func newStreams(start time.Time, log io.Writer) *streams {
	s := &streams{start: start, slots: make(chan struct{}, maxStreams), log: log}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") == "text/event-stream" {
			s.events(&stream{w: w, r: r})
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:")
		io.WriteString(w, page)
	})
	for path, f := range map[string]func(*stream){
		"GET /events": s.events, "GET /flaky": s.unsteady, "GET /slow": s.slow, "GET /big": s.big, "GET /weird": s.weird,
		"GET /llm": s.llm, "POST /llm": s.llm, "POST /v1/chat/completions": s.llm, "POST /v1/messages": s.llm,
	} {
		s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { f(&stream{w: w, r: r}) })
	}
	return s
}

// ServeHTTP lets any page read the streams, as nothing in them is secret,
// and no more clients at once than there are slots.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Headers", "*, Authorization")
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		h.Set("Retry-After", "5")
		http.Error(w, "too many streams at once", http.StatusServiceUnavailable)
		return
	}
	line := time.Now().Format("15:04:05") + " " + r.Method + " " + escape.Line(r.URL.Path)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		line += " after id " + escape.Line(id)
	}
	s.mu.Lock()
	fmt.Fprintln(s.log, line)
	s.mu.Unlock()
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(askTimeout))
	rc.SetWriteDeadline(time.Now().Add(askTimeout)) // until a Writer sets its own
	r.Body = http.MaxBytesReader(w, r.Body, maxAsk)
	s.mux.ServeHTTP(w, r)
}
