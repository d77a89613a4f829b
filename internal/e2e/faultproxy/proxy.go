// Package faultproxy provides a TCP proxy on 127.0.0.1 that delays, drops and resets.
package faultproxy

import (
	"errors"
	"net"
	"sync"
	"time"
)

// A Proxy forwards TCP connections to a target. Its methods may be called from any goroutine.
type Proxy struct {
	target   string
	listener net.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	changed  sync.Cond // any of the fields below, or a connection, has changed
	conns    map[*conn]struct{}
	held     bool // nothing is forwarded
	closed   bool
	accepted int
	open     int
	delay    func() time.Duration
	limit    func(n int) (bytes int, reset bool)
}

// Start returns a Proxy that forwards to target, a host and port.
func Start(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: l, conns: make(map[*conn]struct{})}
	p.changed.L = &p.mu
	p.serving.Go(p.accept)
	return p, nil
}

// Addr returns the host and port of p.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Accepted returns the number of connections that clients have made.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Open returns the number of connections that their clients have not closed.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// SetDelay makes p wait for delay() before it forwards each chunk of bytes. If delay is nil, p does
// not wait.
func (p *Proxy) SetDelay(delay func() time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// SetLimit ends each connection that follows when it has forwarded a number of bytes to the client.
// limit is called with the number of the connection, counted from 1. It returns the number of
// bytes, and whether the connection is reset or closed. If limit is nil, there is no limit.
func (p *Proxy) SetLimit(limit func(n int) (bytes int, reset bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = limit
}

// Hold makes p forward nothing until Resume is called. Bytes sent in the meantime are forwarded
// afterwards, as after packet loss that TCP repairs.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
}

// Drop is like Hold, but the open connections stay open and forward nothing again, also after
// Resume, as if a router had lost its state.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
	for c := range p.conns {
		c.dropped = true
	}
}

// Resume ends the effect of Hold and Drop.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	p.changed.Broadcast()
}

// Reset resets all connections.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.endLocked(true)
	}
	p.changed.Broadcast()
}

// Close closes the listener and all connections, and waits for their goroutines.
func (p *Proxy) Close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		c.endLocked(false)
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	p.serving.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // for example, too many open files
			<-time.After(10 * time.Millisecond)
			continue
		}
		p.mu.Lock()
		p.accepted++
		p.open++
		c := &conn{proxy: p, client: client.(*net.TCPConn), limit: -1, done: make(chan struct{})}
		if p.limit != nil {
			c.limit, c.reset = p.limit(p.accepted)
		}
		p.conns[c] = struct{}{}
		if p.closed {
			c.endLocked(false)
		}
		p.changed.Broadcast()
		p.mu.Unlock()
		p.serving.Go(c.serve)
	}
}

// A conn is a connection of a client and one to the target. Its fields after proxy are guarded by
// proxy.mu once serve runs, except limit and reset.
type conn struct {
	proxy   *Proxy
	client  *net.TCPConn
	server  *net.TCPConn // nil until dialed
	limit   int          // bytes that may still be sent to the client; negative: no limit
	reset   bool         // at the limit
	dropped bool
	ended   bool
	done    chan struct{} // closed when ended is set
}

// end closes both connections.
func (c *conn) end(reset bool) {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	c.endLocked(reset)
	c.proxy.changed.Broadcast()
}

// endLocked is like end. The caller holds proxy.mu and must wake those who wait for changed.
func (c *conn) endLocked(reset bool) {
	if c.ended {
		return
	}
	c.ended = true
	close(c.done)
	for _, tcp := range []*net.TCPConn{c.client, c.server} {
		if tcp == nil {
			continue
		}
		if reset {
			tcp.SetLinger(0)
		}
		tcp.Close()
	}
}

// serve forwards in both directions until one end closes.
func (c *conn) serve() {
	p := c.proxy
	fromClient := c.receive(c.client, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open--
		if c.dropped {
			c.endLocked(false)
		}
		p.changed.Broadcast()
	})
	defer func() {
		c.end(false)
		for range fromClient { // until the client is counted as gone
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
	}()
	if !c.pass() {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	p.mu.Lock()
	c.server = server.(*net.TCPConn)
	ended := c.ended
	p.mu.Unlock()
	if ended {
		server.Close()
		return
	}

	var sending sync.WaitGroup
	sending.Go(func() {
		c.send(c.server, fromClient, nil)
		c.end(false)
	})
	fromServer := c.receive(c.server, func() {})
	c.send(c.client, fromServer, &c.limit)
	c.end(c.reset && c.limit == 0)
	for range fromServer {
	}
	sending.Wait()
}

// receive reads from src, also while nothing is forwarded, so that the end of src is noticed. It
// calls ended at the end of src.
func (c *conn) receive(src *net.TCPConn, ended func()) <-chan []byte {
	chunks := make(chan []byte, 256)
	c.proxy.serving.Go(func() {
		defer close(chunks)
		defer ended()
		for {
			b := make([]byte, 16<<10)
			n, err := src.Read(b)
			if n > 0 {
				select {
				case chunks <- b[:n]:
				case <-c.done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	return chunks
}

// send writes the chunks to dst, within limit if it is not nil.
func (c *conn) send(dst *net.TCPConn, chunks <-chan []byte, limit *int) {
	for b := range chunks {
		if !c.pass() {
			return
		}
		if limit != nil && *limit >= 0 {
			b = b[:min(len(b), *limit)]
			*limit -= len(b)
		}
		if _, err := dst.Write(b); err != nil || limit != nil && *limit == 0 {
			return
		}
	}
	c.pass() // the end of a connection is held like its bytes
}

// pass waits until a chunk may be forwarded. It returns false if the connection has ended.
func (c *conn) pass() bool {
	p := c.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.delay != nil && !c.ended {
		d := p.delay()
		p.mu.Unlock()
		select {
		case <-time.After(d):
		case <-c.done:
		}
		p.mu.Lock()
	}
	for (p.held || c.dropped) && !c.ended {
		p.changed.Wait()
	}
	return !c.ended
}
