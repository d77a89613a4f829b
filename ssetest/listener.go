package ssetest

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A Listener is a network of its own, in memory: it accepts the connections
// that its DialContext makes. With both ends wired to it, an [http.Server] and
// an [http.Transport] work inside a [testing/synctest] bubble as they do on
// sockets: each direction of a connection holds up to 64 KiB that were sent and
// not yet received, closing one end gives the other [io.EOF] after what was
// sent, and SetLinger(0) makes Close a reset.
//
// Most tests want [NewMemoryServer] or [NewTransport]. A Listener is for a
// server with settings of its own:
//
//	l := ssetest.Listen()
//	server := &http.Server{Handler: h, WriteTimeout: time.Minute}
//	go server.Serve(l)
//	client := &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Listen returns a Listener. Call it inside the bubble that uses it.
func Listen() *Listener {
	return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext connects to the listener, whatever the address says. It returns
// an error that matches [syscall.ECONNREFUSED] when the listener is closed.
func (l *Listener) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	there, back := newPipe(), newPipe()
	select {
	case <-ctx.Done():
		return nil, opError("dial", context.Cause(ctx))
	case <-l.closed:
		return nil, opError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case l.conns <- &conn{in: there, out: back, linger: -1}:
		return &conn{in: back, out: there, linger: -1}, nil
	}
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, opError("accept", net.ErrClosed)
	case c := <-l.conns:
		return c, nil
	}
}

// Close implements [net.Listener]. Connections that were made stay.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener]. The address is a name that no DNS has.
func (l *Listener) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "memory" }

func (addr) String() string { return "sse.test" }

func opError(op string, err error) error {
	return &net.OpError{Op: op, Net: addr{}.Network(), Addr: addr{}, Err: err}
}

// A conn is one end of a connection.
type conn struct {
	in, out *pipe
	mu      sync.Mutex
	linger  int
}

func (c *conn) Read(b []byte) (int, error) { return c.in.read(b) }

func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }

func (c *conn) LocalAddr() net.Addr { return addr{} }

func (c *conn) RemoteAddr() net.Addr { return addr{} }

func (c *conn) SetReadDeadline(t time.Time) error { return c.in.setDeadline(&c.in.readBy, t) }

func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.setDeadline(&c.out.writeBy, t) }

func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetLinger is that of [net.TCPConn], for the one thing it is used for here:
// with 0 Close resets the connection.
func (c *conn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linger = sec
	return nil
}

func (c *conn) Close() error {
	c.mu.Lock()
	reset := c.linger == 0
	c.mu.Unlock()
	if reset {
		c.out.closeWrite(opError("read", os.NewSyscallError("read", syscall.ECONNRESET)))
		c.in.closeRead(syscall.ECONNRESET)
	} else {
		c.out.closeWrite(io.EOF)
		c.in.closeRead(syscall.EPIPE)
	}
	return nil
}
