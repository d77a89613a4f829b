package ssetest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server responds to the requests of a test as its script says: to the first
// request with the first handler of the script, to the second request with the
// second handler. A handler is a [Conn], which is a list of steps, [Each], which
// handles all further requests, [Refuse], which refuses a connection, or any other
// [http.Handler], such as [http.RedirectHandler].
//
// The Server is closed at the end of the test. The test fails if a connection of
// the script was not requested or a step was not reached. It also fails as soon
// as there are more requests than handlers. The response to such a request is
// 204 No Content, which stops a client of event streams. The script for a client
// that reconnects therefore ends with Conn{Status(http.StatusNoContent)}, which
// stops the client, or with a [Stall], during which the test stops it. After the
// end of the test the response is 503.
//
// The Server closes the connection after each response. Every request therefore
// has its own connection, and net/http does not silently repeat a request. With
// [NewTLSServer] all requests share one HTTP/2 connection instead.
//
// A Server is also an [http.Handler], so a test can run the script in a server of
// its own. That server must be closed before the Server.
type Server struct {
	URL string // http://host or https://host, without a trailing slash

	tb      testing.TB
	origin  origin
	bubble  string // in which the server was made, if in memory
	memory  bool
	httpsrv *httptest.Server
	cancel  context.CancelFunc // cancels the contexts of all requests
	once    sync.Once          // guards Close

	handlers    sync.WaitGroup // running handlers
	mu          sync.Mutex     // protects the fields below
	script      []http.Handler
	next        int            // index into script
	refused     int            // number of connections that Refuse has refused
	recorded    map[string]int // number of steps that replayed a file, by its name
	exchanges   []*exchange
	requests    []Request
	closed      bool
	allowUnused bool
}

// NewServer starts a server on a port of 127.0.0.1.
//
// Waiting for a socket does not block durably, so the server cannot be used in a
// [testing/synctest] bubble. Use [NewMemoryServer] there.
func NewServer(tb testing.TB, script ...http.Handler) *Server {
	tb.Helper()
	l := listenTCP(tb, "NewServer")
	s := newServer(tb, script)
	s.start(l)
	s.setDial(nil)
	return s
}

// NewTLSServer starts a server on a port of 127.0.0.1 that speaks HTTP/2 over
// TLS. The client returned by [Server.Client] trusts its certificate.
func NewTLSServer(tb testing.TB, script ...http.Handler) *Server {
	tb.Helper()
	l := listenTCP(tb, "NewTLSServer")
	s := newServer(tb, script)
	s.httpsrv.Listener = l
	s.httpsrv.EnableHTTP2 = true
	s.httpsrv.StartTLS()
	s.URL = s.httpsrv.URL
	s.setDial(nil)
	return s
}

// listenTCP listens on a port of 127.0.0.1, unless it is called in a bubble.
func listenTCP(tb testing.TB, caller string) net.Listener {
	tb.Helper()
	if currentBubble() != "" {
		tb.Fatalf("ssetest: %s was called inside a synctest bubble, where waiting for a socket "+
			"stops the clock; use NewMemoryServer", caller)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("ssetest: %v", err)
	}
	return l
}

// NewMemoryServer starts a server that is reachable only through the client
// returned by [Server.Client], under any host name. It uses no network. If it is
// called inside a [testing/synctest] bubble, it runs in virtual time, and only code
// in that bubble may use the client.
//
// Both ends are net/http and only the connection between them is in memory, so a
// test that passes here also passes on sockets.
func NewMemoryServer(tb testing.TB, script ...http.Handler) *Server {
	tb.Helper()
	s := newServer(tb, script)
	l := Listen()
	s.memory, s.bubble = true, l.bubble
	s.start(l)
	tr := s.setDial(l.DialContext)
	tr.ReadBufferSize, tr.WriteBufferSize = 1<<10, 1<<10 // allocated for each connection
	return s
}

// NewTransport returns a transport whose requests are served by h, under any host
// name. It uses net/http at both ends, in memory, and works inside a
// [testing/synctest] bubble. The server is closed at the end of the test, which
// waits for h to return.
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

func newServer(tb testing.TB, script []http.Handler) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{tb: tb, origin: newOrigin(tb), script: script, cancel: cancel}
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

// Client returns a client that can reach the server. Its Transport is an
// [*http.Transport], which may be wrapped or changed before the first request.
func (s *Server) Client() *http.Client {
	s.tb.Helper()
	if s.memory && currentBubble() != s.bubble {
		s.AllowUnused()
		s.tb.Fatalf("ssetest: %s%s", s.origin, errOtherBubble)
	}
	return s.httpsrv.Client()
}

// AllowUnused turns off the report of connections and steps that were not used.
func (s *Server) AllowUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowUnused = true
}

// countRecorded returns how often it was called for file before.
func (s *Server) countRecorded(file string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recorded == nil {
		s.recorded = map[string]int{}
	}
	n := s.recorded[file]
	s.recorded[file]++
	return n
}

// Requests returns the requests received so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Close closes all connections, waits for the handlers to return and reports the
// connections and steps that were not used. It is called at the end of the test.
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
		// httptest.Server.Close waits neither for hijacked connections nor for HTTP/2.
		s.handlers.Wait()
		s.reportUnused()
	})
}

func (s *Server) reportUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.allowUnused {
		return
	}
	for _, x := range s.exchanges {
		steps := x.unreached()
		switch {
		case x.done:
		case x.running:
			s.errorf("connection %d: step %v panicked or called FailNow", x.n, x.conn[x.step])
		case x.step < len(x.conn) && len(steps) > 0:
			s.errorf("connection %d: the client disconnected at step %v; steps not reached: %v",
				x.n, x.conn[x.step], list(steps))
		case x.step < len(x.conn):
			s.errorf("connection %d: the client disconnected before the end of step %v",
				x.n, x.conn[x.step])
		default:
			s.errorf("connection %d: steps not reached after %d bytes of the body: %v",
				x.n, x.sent, list(steps))
		}
	}
	if len(s.requests)+s.refused == 0 && len(s.script) > 0 {
		s.errorf("no request was received; does the test use the client of Server.Client?")
	}
	for i, h := range s.script[s.next:] {
		switch h := h.(type) {
		case *each:
		case Conn:
			s.errorf("connection %d was not requested: %v", s.next+i+1, list(h))
		case refuse:
			s.errorf("connection %d was not requested: %v", s.next+i+1, h)
		default:
			s.errorf("connection %d was not requested: %T", s.next+i+1, h)
		}
	}
}

func (s *Server) errorf(format string, args ...any) {
	s.tb.Errorf("ssetest: "+s.origin.String()+format, args...)
}

func list(steps []Step) string {
	var names []string
	for _, s := range steps {
		names = append(names, s.String())
	}
	return "{" + strings.Join(names, ", ") + "}"
}

// maxBody is the number of bytes kept of the body of a request.
const maxBody = 1 << 20

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := Request{
		Time: time.Now(), Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header.Clone(),
	}
	if r.Body != http.NoBody {
		var err error
		if req.Body, err = io.ReadAll(io.LimitReader(r.Body, maxBody)); err != nil {
			panic(http.ErrAbortHandler) // the client disconnected, or the body is malformed
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(req.Body), r.Body), r.Body}
	}
	h, n := s.nextHandler(req)
	if n == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer s.handlers.Done()
	if r.ProtoMajor == 2 && s.refuses(false) {
		w.Header().Set("Connection", "close") // makes the HTTP/2 server close the connection
	}
	e, isEach := h.(*each)
	if isEach {
		h = e.handler(r)
	}
	if h == nil {
		s.errorf("connection %d: the handler is nil; the response is 204", n)
		h = http.HandlerFunc(noContent)
	}
	c, ok := h.(Conn)
	if !ok {
		h.ServeHTTP(w, r)
		return
	}
	x := newExchange(c, w, r)
	x.srv, x.n = s, n
	if !isEach {
		s.mu.Lock()
		s.exchanges = append(s.exchanges, x)
		s.mu.Unlock()
	}
	x.run()
}

// nextHandler stores req and returns the handler for it and its number. The
// number is zero if the server is closed.
func (s *Server) nextHandler(req Request) (http.Handler, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0
	}
	s.handlers.Add(1)
	s.requests = append(s.requests, req)
	n := len(s.requests) + s.refused
	if s.next == len(s.script) {
		s.errorf("request %d (%s): the script has no handler left; the response is 204",
			n, summary(req))
		return http.HandlerFunc(noContent), n
	}
	h := s.script[s.next]
	if _, ok := h.(refuse); ok {
		s.errorf("connection %d: Refuse came too late, because the connection was already open; "+
			"does the test use the client of Server.Client?", n)
	}
	if _, ok := h.(*each); !ok {
		s.next++
	}
	return h, n
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
