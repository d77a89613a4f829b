package ssetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server answers the requests of a test as its script says: the first request
// as the first handler of the script, the second as the second. A handler is a
// [Conn] for a connection in steps, [Each] for all further requests, or any
// other [http.Handler], such as [http.RedirectHandler].
//
// At the end of the test it is closed, and the test fails if a connection of
// the script was not asked for or a step was not reached: the report names
// them. The test fails as well, at once, with a request that the script has no
// handler for; it is answered 204 No Content, so that a client of event streams
// stops. So a script for a client that reconnects ends with a Conn of
// Status(http.StatusNoContent), which ends the client, or with one of [Stall],
// where the test ends it. After the end of the test the answer is 503.
//
// The server closes a connection after each answer. So every request comes on a
// connection of its own, and none is repeated by net/http unseen. With
// [NewTLSServer] all requests share one HTTP/2 connection instead.
//
// A Server is an [http.Handler], too: the same script can serve where a test
// has a server of its own, which is to be closed before the Server.
type Server struct {
	URL string // of the form http://host, without a slash at its end

	tb      testing.TB
	httpsrv *httptest.Server
	cancel  context.CancelFunc // ends the context of all requests
	once    sync.Once

	handlers    sync.WaitGroup // at work
	mu          sync.Mutex
	script      []http.Handler
	next        int // of script
	plays       []*play
	requests    []Request
	closed      bool
	allowUnused bool
}

// A Request is one request that a [Server] got.
type Request struct {
	Time   time.Time // when its header was there; in a bubble, virtual time
	Method string
	URL    *url.URL // as the server sees it: path and query
	Host   string
	Header http.Header
	Body   []byte // at most the first 1 MiB
}

// LastEventID returns the value of the request's Last-Event-ID header, and
// whether there was one.
func (r Request) LastEventID() (id string, ok bool) {
	_, ok = r.Header["Last-Event-Id"]
	return r.Header.Get("Last-Event-ID"), ok
}

// NewServer starts a server on a port of 127.0.0.1.
//
// Time is real there, and a socket never blocks durably, so that it is of no
// use in a [testing/synctest] bubble: see [NewMemoryServer].
func NewServer(tb testing.TB, script ...http.Handler) *Server {
	tb.Helper()
	s := newServer(tb, script)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("ssetest: %v", err)
	}
	s.start(l)
	return s
}

// NewTLSServer starts a server on a port of 127.0.0.1 that speaks HTTP/2 over
// TLS. The client that [Server.Client] returns trusts it.
func NewTLSServer(tb testing.TB, script ...http.Handler) *Server {
	tb.Helper()
	s := newServer(tb, script)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("ssetest: %v", err)
	}
	s.httpsrv.Listener = l
	s.httpsrv.EnableHTTP2 = true
	s.httpsrv.StartTLS()
	s.URL = s.httpsrv.URL
	return s
}

// NewMemoryServer starts a server without a network. Only the client that
// [Server.Client] returns reaches it, under any host name. Called inside a
// [testing/synctest] bubble it lives in virtual time.
//
// It is net/http at both ends, and only the wire between them is made of
// memory: what passes here passes on sockets.
func NewMemoryServer(tb testing.TB, script ...http.Handler) *Server {
	tb.Helper()
	s := newServer(tb, script)
	l := Listen()
	s.start(l)
	tr := s.Client().Transport.(*http.Transport)
	tr.DialContext = l.DialContext
	tr.ReadBufferSize, tr.WriteBufferSize = 1<<10, 1<<10 // for each connection anew
	return s
}

// NewTransport returns a transport in memory, with h served by net/http at its
// other end, under any host name. It is for handlers of one's own, and works
// inside a [testing/synctest] bubble. At the end of the test the server is
// closed; the test waits for h to return.
func NewTransport(tb testing.TB, h http.Handler) *http.Transport {
	l := Listen()
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	srv.Start()
	tb.Cleanup(func() {
		l.Close()
		srv.CloseClientConnections()
		srv.Close()
	})
	tr := srv.Client().Transport.(*http.Transport)
	tr.DialContext = l.DialContext
	return tr
}

// Each answers this and every further request of a script as f says. It counts
// the requests from 0. What is not reached of these connections fails no test.
//
// A server that has its events replayed, and breaks off somewhere each time:
//
//	ssetest.Each(func(n int, r *http.Request) http.Handler {
//		return ssetest.Conn{ssetest.After(rand.IntN(1000), ssetest.Cut()), ssetest.Replay(events...)}
//	})
//
// The calls of f do not overlap, so that it needs no lock of its own; it must not
// wait for anything.
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

func newServer(tb testing.TB, script []http.Handler) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{tb: tb, script: script, cancel: cancel}
	s.httpsrv = &httptest.Server{Config: &http.Server{
		Handler:     s,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	tb.Cleanup(s.Close)
	return s
}

func (s *Server) start(l net.Listener) {
	s.httpsrv.Config.SetKeepAlivesEnabled(false)
	s.httpsrv.Listener = l
	s.httpsrv.Start()
	s.URL = s.httpsrv.URL
}

// Client returns a client that reaches the server. Its Transport is an
// [*http.Transport] that may be wrapped or changed before the first request.
func (s *Server) Client() *http.Client { return s.httpsrv.Client() }

// AllowUnused says that connections and steps of the script may stay unused.
func (s *Server) AllowUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowUnused = true
}

// Requests returns the requests that the server got so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Close breaks all connections off, waits until their handlers have returned
// and reports what was not used. The end of the test calls it.
func (s *Server) Close() {
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.cancel()
		if s.httpsrv.Listener != nil {
			s.httpsrv.Listener.Close()
			s.httpsrv.CloseClientConnections()
			s.httpsrv.Close()
		}
		s.handlers.Wait() // the server above does not wait for hijacked connections nor HTTP/2
		s.reportUnused()
	})
}

func (s *Server) reportUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.allowUnused {
		return
	}
	for _, p := range s.plays {
		steps := p.unplayed()
		switch {
		case p.done:
		case p.step < len(p.conn) && len(steps) > 0:
			s.tb.Errorf("ssetest: connection %d: the client left at %v; not reached: %v", p.n, p.conn[p.step], list(steps))
		case p.step < len(p.conn):
			s.tb.Errorf("ssetest: connection %d: the client left at %v, before its end", p.n, p.conn[p.step])
		default:
			s.tb.Errorf("ssetest: connection %d: not reached with %d bytes sent: %v", p.n, p.sent, list(steps))
		}
	}
	if len(s.requests) == 0 && len(s.script) > 0 {
		s.tb.Errorf("ssetest: no request came: does the client use the one that Server.Client returns?")
	}
	for i, h := range s.script[s.next:] {
		switch h := h.(type) {
		case *each:
		case Conn:
			s.tb.Errorf("ssetest: connection %d was not asked for: %v", s.next+i+1, list(h))
		default:
			s.tb.Errorf("ssetest: connection %d was not asked for: %T", s.next+i+1, h)
		}
	}
}

func list(steps []Step) string {
	var names []string
	for _, s := range steps {
		names = append(names, s.String())
	}
	return "{" + strings.Join(names, ", ") + "}"
}

// maxBody is how much of a request's body is kept.
const maxBody = 1 << 20

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := Request{Time: time.Now(), Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header.Clone()}
	if r.Body != http.NoBody {
		var err error
		if req.Body, err = io.ReadAll(io.LimitReader(r.Body, maxBody)); err != nil {
			panic(http.ErrAbortHandler) // the client left, or lied about the length
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(req.Body), r.Body), r.Body}
	}
	h, n := s.record(req)
	if h == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer s.handlers.Done()
	e, forEach := h.(*each)
	if forEach {
		h = e.handler(r)
	}
	c, ok := h.(Conn)
	if !ok {
		h.ServeHTTP(w, r)
		return
	}
	p := newPlay(c, w, r)
	p.tb, p.n = s.tb, n
	if !forEach {
		s.mu.Lock()
		s.plays = append(s.plays, p)
		s.mu.Unlock()
	}
	p.run()
}

// record notes a request, and returns the handler for it and its number. There
// is none once the server is closed.
func (s *Server) record(req Request) (http.Handler, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0
	}
	s.handlers.Add(1)
	s.requests = append(s.requests, req)
	n := len(s.requests)
	if s.next == len(s.script) {
		s.tb.Errorf("ssetest: request %d (%s) is one more than the script has; answered 204", n, summary(req))
		return http.HandlerFunc(noContent), n
	}
	h := s.script[s.next]
	if _, ok := h.(*each); !ok {
		s.next++
	}
	return h, n
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func summary(r Request) string {
	if id, ok := r.LastEventID(); ok {
		return fmt.Sprintf("%s %v, Last-Event-ID %q", r.Method, r.URL, id)
	}
	return fmt.Sprintf("%s %v", r.Method, r.URL)
}
