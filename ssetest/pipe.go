package ssetest

import (
	"net"
	"os"
	"sync"
	"time"
)

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
