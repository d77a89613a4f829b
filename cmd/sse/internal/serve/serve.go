// Package serve is a server of example streams, for people who write clients.
package serve

import (
	"cmp"
	"context"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamwriter"

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

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// The limits of the server. It is meant for one person.
const (
	maxStreams     = 100     // streams at the same time
	maxRequestBody = 1 << 20 // bytes
	requestTimeout = 10 * time.Second
	maxReplay      = 1000 // events that a client that reconnects gets at once
	defaultAddr    = "127.0.0.1:8787"
)

//go:embed page.html
var page string

// Paces says how fast some of the streams are.
type Paces struct {
	Word time.Duration // between the words of /llm
	Byte time.Duration // between the bytes of /slow
}

// DefaultPaces are paces that suit a person.
var DefaultPaces = Paces{Word: 40 * time.Millisecond, Byte: time.Second / 20}

// Run runs a server of example streams on addr until ctx is done, and returns the exit code. An
// addr without a host is on the loopback interface. If addr is empty, it is 127.0.0.1:8787.
func Run(ctx context.Context, addr string, paces Paces, stdout, stderr io.Writer) int {
	addr, err := parseAddr(cmp.Or(addr, defaultAddr))
	if err != nil {
		return errtext.PrintUsage(stderr, fmt.Errorf("serve: %w", err))
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		errtext.Print(stderr, "serve", err)
		return errtext.ExitError
	}
	fmt.Fprintf(stdout, "serving http://%s/ (Ctrl-C ends it)\n"+
		"  /events /flaky /slow /big /weird /llm"+
		" (also POST /v1/chat/completions and /v1/messages)\n", l.Addr())
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		fmt.Fprintln(stderr, "sse: other machines can reach this server")
	}
	server := &http.Server{
		Handler:           NewHandler(time.Now(), paces, stderr),
		ReadHeaderTimeout: requestTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	err = server.Serve(l)
	if sig := (errtext.Signal{}); errors.As(context.Cause(ctx), &sig) {
		return errtext.ExitStatus(sig).Code
	}
	errtext.Print(stderr, "serve", err)
	return errtext.ExitError
}

// parseAddr returns the address to listen on. Only an address with a host can be reached from other
// machines.
func parseAddr(addr string) (string, error) {
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", errors.New("bad address; want a port, or host:port")
	}
	return addr, nil
}

// A streams is the handler of the server.
type streams struct {
	mux   http.ServeMux
	start time.Time // of the streams that have one event each pace
	paces Paces
	slots chan struct{} // holds one element for each stream
	flaky atomic.Int64  // the number of requests for /flaky

	mu  sync.Mutex
	log io.Writer
}

// NewHandler returns the handler of a server that began at start. It logs requests to log.
func NewHandler(start time.Time, paces Paces, log io.Writer) http.Handler {
	s := &streams{start: start, paces: paces, slots: make(chan struct{}, maxStreams), log: log}
	s.mux.HandleFunc("GET /{$}", s.index)
	for pattern, f := range map[string]func(*streamwriter.Writer){
		"GET /events":               s.events,
		"GET /flaky":                s.unreliable,
		"GET /slow":                 s.slow,
		"GET /big":                  s.big,
		"GET /weird":                s.weird,
		"GET /llm":                  s.llm,
		"POST /llm":                 s.llm,
		"POST /v1/chat/completions": s.llm,
		"POST /v1/messages":         s.llm,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f(streamwriter.New(w, r))
		})
	}
	return s
}

// contentSecurityPolicy allows what page.html uses and nothing else.
const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; " +
	"script-src 'unsafe-inline'; connect-src 'self'; img-src data:"

// index sends the page, or the events to a client that accepts only an event stream.
func (s *streams) index(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept") == "text/event-stream" {
		s.events(streamwriter.New(w, r))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	io.WriteString(w, page)
}

// ServeHTTP implements http.Handler. It allows every web page to read the streams, because nothing
// in them is secret, and limits the number of streams.
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
		http.Error(w, "too many streams at the same time", http.StatusServiceUnavailable)
		return
	}
	s.logRequest(r)
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(requestTimeout))
	rc.SetWriteDeadline(time.Now().Add(requestTimeout)) // a Writer sets its own deadlines
	r.Body = http.MaxBytesReader(w, r.Body, maxRequestBody)
	s.mux.ServeHTTP(w, r)
}

// logRequest writes a line about r to the log.
func (s *streams) logRequest(r *http.Request) {
	line := time.Now().Format("15:04:05") + " " + r.Method + " " + escape.Line(r.URL.Path)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		line += " after id " + escape.Line(id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.log, line)
}
