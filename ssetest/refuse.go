package ssetest

import (
	"context"
	"net"
	"net/http"
	"os"
	"syscall"
)

// Refuse takes the place of a handler in the script of a [Server] and makes the
// next connection attempt of the client of [Server.Client] fail with an error that
// matches [syscall.ECONNREFUSED]. No request is made, so [Server.Requests] does not
// contain one, but the connection counts in failure messages.
//
//	srv := ssetest.NewServer(t,
//		ssetest.Conn{ssetest.Send(events[0])},
//		ssetest.Refuse(), // the server restarts
//		ssetest.Refuse(),
//		ssetest.Conn{ssetest.Send(events[1])},
//	)
//
// Only dialing can be refused. With [NewTLSServer], the Server closes the connection
// after the response that precedes Refuse, so that the client must dial again. That
// is not possible if the response is cut before its header.
func Refuse() http.Handler { return refuse{} }

type refuse struct{}

func (refuse) String() string { return "Refuse()" }

// ServeHTTP closes the connection. It is called if the request was not made by the
// client of Server.Client or if the connection was already open.
func (refuse) ServeHTTP(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// setDial makes the client call dial unless the script says Refuse. If dial is nil,
// it is that of httptest.
func (s *Server) setDial(dial dialFunc) *http.Transport {
	tr := s.httpsrv.Client().Transport.(*http.Transport)
	if dial == nil {
		dial = tr.DialContext
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext // before Go 1.26
	}
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if !s.refuses(true) {
			return dial(ctx, network, addr)
		}
		a := s.httpsrv.Listener.Addr()
		err := os.NewSyscallError("connect", syscall.ECONNREFUSED)
		return nil, &net.OpError{Op: "dial", Net: a.Network(), Addr: a, Err: err}
	}
	return tr
}

// refuses reports whether the next connection must be refused. If advance is set,
// it continues with the script.
func (s *Server) refuses(advance bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.next == len(s.script) {
		return false
	}
	_, ok := s.script[s.next].(refuse)
	if ok && advance {
		s.next++
		s.refused++
	}
	return ok
}
