package ssetest

import (
	"net"
	"os"
	"sync"
	"time"
)

// pipeSize is the number of bytes that a pipe holds before its writer blocks.
const pipeSize = 64 << 10

// A pipe is one direction of a connection. It waits on a sync.Cond, because that
// blocks durably in a synctest bubble.
type pipe struct {
	mu            sync.Mutex
	cond          sync.Cond
	buf           []byte // written and not yet read
	readErr       error  // returned to the reader after buf is empty; nil if the writer is open
	writeErr      error  // returned to the writer; nil if the reader is open
	readDeadline  deadline
	writeDeadline deadline
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
		case p.writeErr != nil: // the reader is closed
			return 0, opError("read", net.ErrClosed)
		case p.readDeadline.passed:
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
		case p.readErr != nil: // the writer is closed
			return n, opError("write", net.ErrClosed)
		case p.writeDeadline.passed:
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

// closeWrite closes the writing end. After buf, the reader gets err.
func (p *pipe) closeWrite(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readErr == nil {
		p.readErr = err
	}
	p.writeDeadline.stop()
	p.cond.Broadcast()
}

// closeRead closes the reading end and discards buf. The writer gets err.
func (p *pipe) closeRead(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writeErr == nil {
		p.writeErr = err
	}
	p.buf = nil
	p.readDeadline.stop()
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
		if d.timer == timer { // the timer has not been stopped or replaced
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
