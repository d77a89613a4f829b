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

// A Listener is an in-memory [net.Listener], like bufconn of grpc. It accepts the
// connections made by its DialContext. An [http.Server] and an [http.Transport]
// that are connected by it work inside a [testing/synctest] bubble as they do on
// sockets:
//
//   - Each direction of a connection holds up to 64 KiB that were sent and not
//     yet received. Then the writer blocks.
//   - After one end is closed, the other end reads the remaining data and then
//     gets [io.EOF].
//   - After SetLinger(0), Close resets the connection.
//
// Most tests use [NewMemoryServer] or [NewTransport]. A Listener is for a server
// with special settings:
//
//	l := ssetest.Listen()
//	server := &http.Server{Handler: h, WriteTimeout: time.Minute}
//	go server.Serve(l)
//	client := &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	bubble string // in which Listen was called
}

// Listen returns a new Listener. It must be called inside the bubble that uses it.
func Listen() *Listener {
	return &Listener{
		conns: make(chan net.Conn), closed: make(chan struct{}), bubble: currentBubble(),
	}
}

const errOtherBubble = "the server in memory was made outside the synctest bubble that uses it; " +
	"make it inside the function that is passed to synctest.Test"

// DialContext connects to the listener. It ignores the address. If the listener is
// closed, the error matches [syscall.ECONNREFUSED]. DialContext panics if it is called
// in another bubble than Listen.
func (l *Listener) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if currentBubble() != l.bubble {
		panic("ssetest: " + errOtherBubble)
	}
	toServer, toClient := newPipe(), newPipe()
	select {
	case <-ctx.Done():
		return nil, opError("dial", context.Cause(ctx))
	case <-l.closed:
		return nil, opError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case l.conns <- &memoryConn{in: toServer, out: toClient, linger: -1}:
		return &memoryConn{in: toClient, out: toServer, linger: -1}, nil
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

// Close implements [net.Listener]. It does not close the connections.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener]. The address, sse.test, is not in the DNS.
func (l *Listener) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "memory" }

func (addr) String() string { return "sse.test" }

func opError(op string, err error) error {
	return &net.OpError{Op: op, Net: addr{}.Network(), Addr: addr{}, Err: err}
}

// A memoryConn is one end of a connection.
type memoryConn struct {
	in, out *pipe
	mu      sync.Mutex
	linger  int
}

func (c *memoryConn) Read(b []byte) (int, error) { return c.in.read(b) }

func (c *memoryConn) Write(b []byte) (int, error) { return c.out.write(b) }

func (c *memoryConn) LocalAddr() net.Addr { return addr{} }

func (c *memoryConn) RemoteAddr() net.Addr { return addr{} }

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	return c.in.setDeadline(&c.in.readDeadline, t)
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	return c.out.setDeadline(&c.out.writeDeadline, t)
}

func (c *memoryConn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetLinger works like that of [net.TCPConn] for 0: Close then resets the
// connection. Other values have no effect.
func (c *memoryConn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linger = sec
	return nil
}

func (c *memoryConn) Close() error {
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
