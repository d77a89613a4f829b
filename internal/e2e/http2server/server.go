// Package http2server provides an HTTP/2 server that misbehaves on demand. It is written in frames,
// because the server of net/http cannot be made to break the protocol.
package http2server

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"

	"github.com/seed-0d85b69d/sse/internal/e2e/dialer"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
	"golang.org/x/net/http2"
)

// A Behavior says how a Server responds to requests.
type Behavior int

const (
	Serve       Behavior = iota // with the events after Last-Event-ID
	GoAway                      // with GOAWAY for all streams and the end of the connection
	Close                       // with the end of the connection, before any request
	Refuse                      // with RST_STREAM and the code REFUSED_STREAM
	Unavailable                 // with status 503
	Empty                       // with an event stream that ends at once
	Ignore                      // not at all
)

// Stats are the counters of a Server.
type Stats struct {
	Connections int // accepted
	Open        int // not yet closed, as far as the server knows
	Requests    int
}

// A Server is an HTTP/2 server for the events of Log. Its methods may be called from any goroutine.
type Server struct {
	Log *eventlog.Log

	// LogOf, if non-nil, returns the log for a path, instead of Log.
	LogOf func(path string) *eventlog.Log

	// OnRequest, if non-nil, is called with the number of each request, counted from 1, before
	// the server responds.
	OnRequest func(n int)

	cert     *tls.Certificate // nil without TLS
	url      string
	listener net.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	behavior Behavior
	stats    Stats
	conns    map[*conn]struct{}
	silent   chan struct{} // closed when the silence ends; nil if there is none
	closed   bool
}

// Start returns a Server that listens on 127.0.0.1. If useTLS is true, it has a certificate, which
// the transport of Transport accepts.
func Start(log *eventlog.Log, useTLS bool) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{Log: log, url: "http://" + l.Addr().String()}
	if useTLS {
		cert, err := newCertificate()
		if err != nil {
			l.Close()
			return nil, err
		}
		s.cert, s.url = cert, "https://"+l.Addr().String()
	}
	s.Serve(l)
	return s, nil
}

// Serve starts to accept the connections of l, and returns. It must be called once, and not after
// Start.
func (s *Server) Serve(l net.Listener) {
	s.listener = l
	s.conns = make(map[*conn]struct{})
	s.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.serving.Go(func() { s.serveConn(c) })
		}
	})
}

// URL returns the address of a Server that Start returned.
func (s *Server) URL() string { return s.url }

// Addr returns the host and port of the listener.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Transport returns a transport that speaks HTTP/2 only, accepts the certificate of s and dials
// with d.
func (s *Server) Transport(d *dialer.Dialer) *http.Transport {
	t := d.Transport(true)
	if s.cert != nil {
		t.Protocols.SetHTTP2(true)
		t.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		t.TLSClientConfig.RootCAs.AddCert(s.cert.Leaf)
	}
	return t
}

// SetBehavior sets how s responds to the requests that follow.
func (s *Server) SetBehavior(b Behavior) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behavior = b
}

// Stats returns the current counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Silence makes s stop reading and writing, while it accepts connections and keeps them open.
func (s *Server) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent == nil && !s.closed {
		s.silent = make(chan struct{})
	}
}

// Resume ends the effect of Silence.
func (s *Server) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent != nil {
		close(s.silent)
		s.silent = nil
	}
}

// waitSilence blocks while s is silent.
func (s *Server) waitSilence() {
	s.mu.Lock()
	silent := s.silent
	s.mu.Unlock()
	if silent != nil {
		<-silent
	}
}

// Drain makes s send a GOAWAY that accepts the streams so far, and then end all of them, on each
// connection.
func (s *Server) Drain() {
	for _, c := range s.open() {
		c.drain()
	}
}

// Cut closes all connections in the middle of their streams.
func (s *Server) Cut() {
	for _, c := range s.open() {
		c.close()
	}
}

func (s *Server) open() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

// Close closes the listener and all connections, and waits for their goroutines.
func (s *Server) Close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Resume()
	s.Cut()
	s.serving.Wait()
}

// serveConn serves one connection until it ends.
func (s *Server) serveConn(nc net.Conn) {
	if s.cert != nil {
		nc = tls.Server(nc, &tls.Config{
			Certificates: []tls.Certificate{*s.cert},
			NextProtos:   []string{http2.NextProtoTLS},
		})
	}
	c := newConn(s, nc)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.stats.Connections++
	s.stats.Open++
	s.mu.Unlock()

	c.serve()
	c.close()
	c.streaming.Wait()
	s.mu.Lock()
	delete(s.conns, c)
	s.stats.Open--
	s.mu.Unlock()
}

// request counts a request and returns how to respond to it.
func (s *Server) request() Behavior {
	s.mu.Lock()
	s.stats.Requests++
	n := s.stats.Requests
	s.mu.Unlock()
	if s.OnRequest != nil {
		s.OnRequest(n)
	}
	return s.currentBehavior()
}

func (s *Server) logOf(path string) *eventlog.Log {
	if s.LogOf != nil {
		return s.LogOf(path)
	}
	return s.Log
}

func (s *Server) currentBehavior() Behavior {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behavior
}
