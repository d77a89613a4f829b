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
func (addr) String() string  { return "sse.test" }

func opError(op string, err error) error {
	return &net.OpError{Op: op, Net: addr{}.Network(), Addr: addr{}, Err: err}
}

// A conn is one end of a connection.
type conn struct {
	in, out *pipe
	mu      sync.Mutex
	linger  int
}

func (c *conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }
func (c *conn) LocalAddr() net.Addr         { return addr{} }
func (c *conn) RemoteAddr() net.Addr        { return addr{} }

func (c *conn) SetReadDeadline(t time.Time) error  { return c.in.setDeadline(&c.in.readBy, t) }
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

// pipeSize is how much a pipe takes from its writer ahead of its reader.
const pipeSize = 64 << 10

// A pipe is one direction of a connection. It waits on a sync.Cond, because
// that blocks durably, as a bubble needs it.
type pipe struct {
	mu       sync.Mutex
	cond     sync.Cond
	buf      []byte // sent and not yet received
	readErr  error  // what the reader gets after buf; nil: more may come
	writeErr error  // what the writer gets; nil: the reader is there
	readBy   deadline
	writeBy  deadline
}

type deadline struct {
	passed bool
	timer  *time.Timer
}

func newPipe() *pipe {
	p := &pipe{}
	p.cond.L = &p.mu
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.writeErr != nil: // closed by the reader itself
			return 0, opError("read", net.ErrClosed)
		case p.readBy.passed:
			return 0, opError("read", os.ErrDeadlineExceeded)
		case len(b) == 0:
			return 0, nil
		case len(p.buf) > 0:
			n := copy(b, p.buf)
			p.buf = p.buf[n:]
			p.cond.Broadcast()
			return n, nil
		case p.readErr != nil:
			return 0, p.readErr
		}
		p.cond.Wait()
	}
}

func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.readErr != nil: // closed by the writer itself
			return n, opError("write", net.ErrClosed)
		case p.writeBy.passed:
			return n, opError("write", os.ErrDeadlineExceeded)
		case p.writeErr != nil:
			return n, opError("write", os.NewSyscallError("write", p.writeErr))
		case len(b) == 0:
			return n, nil
		}
		if m := min(len(b), pipeSize-len(p.buf)); m > 0 {
			p.buf = append(p.buf, b[:m]...)
			b = b[m:]
			n += m
			p.cond.Broadcast()
			continue
		}
		p.cond.Wait()
	}
}

// closeWrite is the writer's last word.
func (p *pipe) closeWrite(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readErr == nil {
		p.readErr = err
	}
	p.writeBy.stop()
	p.cond.Broadcast()
}

// closeRead drops what was not received, and lets no more in.
func (p *pipe) closeRead(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writeErr == nil {
		p.writeErr = err
	}
	p.buf = nil
	p.readBy.stop()
	p.cond.Broadcast()
}

func (p *pipe) setDeadline(d *deadline, t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.stop()
	d.passed = false
	if !t.IsZero() {
		if wait := time.Until(t); wait <= 0 {
			d.passed = true
		} else {
			d.start(p, wait)
		}
	}
	p.cond.Broadcast()
	return nil
}

func (d *deadline) start(p *pipe, wait time.Duration) {
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if d.timer == timer { // not stopped or replaced in the meantime
			d.passed = true
			p.cond.Broadcast()
		}
	})
	d.timer = timer
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
