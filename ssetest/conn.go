package ssetest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

// A Conn is what a server does on one connection: its steps, one after the
// other. Nothing is held back: what a step sends is flushed.
//
// Where no [Status] came first, the first step that sends something begins the
// answer: 200, Content-Type text/event-stream, Cache-Control no-cache. After
// the last step the answer ends cleanly, so that Conn{} is a stream without
// events.
//
// A Conn belongs to the script of a [Server], but is an [http.Handler] and can
// serve anywhere. What would fail the test is a panic there.
type Conn []Step

// ServeHTTP implements [http.Handler].
func (c Conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	newPlay(c, w, r).run()
}

// What ends a play before its last step.
var (
	errEnd  = errors.New("end of the answer")
	errGone = errors.New("the client has gone")
)

// A play is a Conn at work.
type play struct {
	conn  Conn
	step  int  // the step at work
	done  bool // nothing more was to be done
	begun bool // the header is sent
	waits bool // the client left while the step at work waited, and not while it sent something

	w  http.ResponseWriter
	rc *http.ResponseController
	r  *http.Request

	tb testing.TB // nil outside a Server
	n  int        // the connection's number, from 1

	sent   int       // bytes of the body
	after  []trigger // by at, then in order
	chunk  int       // 0: no limit
	gzip   *gzip.Writer
	zipped bytes.Buffer
}

type trigger struct {
	at   int
	step Step
}

func newPlay(c Conn, w http.ResponseWriter, r *http.Request) *play {
	return &play{conn: c, w: w, r: r, rc: http.NewResponseController(w)}
}

// run plays the steps. It leaves by a panic, as net/http has it, where the
// connection is not to end cleanly.
func (p *play) run() {
	for i, step := range p.conn {
		p.step = i
		switch err := step.do(p); err {
		case nil:
		case errEnd:
			p.done = true
			return
		default: // the server closes where the client has not gone by itself
			p.done = p.done || !p.waits && !slices.ContainsFunc(p.unplayed(), func(s Step) bool { return !s.last })
			panic(http.ErrAbortHandler)
		}
	}
	p.step = len(p.conn)
	p.ensureBegun()
	p.done = len(p.after) == 0
	p.closeGzip()
}

func (p *play) closeGzip() {
	if p.gzip != nil {
		p.gzip.Close()
		p.out(p.takeZipped())
	}
}

// unplayed returns what was not reached.
func (p *play) unplayed() []Step {
	if p.done {
		return nil
	}
	var steps []Step
	for _, t := range p.after {
		steps = append(steps, After(t.at, t.step))
	}
	return append(steps, p.conn[min(p.step+1, len(p.conn)):]...)
}

func (p *play) ensureBegun() error {
	if p.begun {
		return nil
	}
	return p.begin(http.StatusOK, nil)
}

// begin sends the header.
func (p *play) begin(code int, header []string) error {
	if p.begun {
		p.errorf("Status(%d): the header was already sent", code)
		return nil
	}
	h := p.w.Header()
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	if code == http.StatusOK && h["Content-Type"] == nil {
		h.Set("Content-Type", "text/event-stream")
		if h["Cache-Control"] == nil {
			h.Set("Cache-Control", "no-cache")
		}
	}
	p.w.WriteHeader(code)
	if code < 200 && code != http.StatusSwitchingProtocols {
		return nil // informational: sent at once, and the header is still to come
	}
	p.begun = true
	return p.flush()
}

// errorf fails the test, or the request where there is no test.
func (p *play) errorf(format string, args ...any) {
	if p.tb == nil {
		panic(fmt.Sprintf("ssetest: "+format, args...))
	}
	p.tb.Errorf("ssetest: connection %d: "+format, append([]any{p.n}, args...)...)
}

// send encodes no further than it has to: a long history may be cut off soon.
func (p *play) send(events []sse.Event) error {
	var b []byte
	for _, ev := range events {
		var err error
		if b, err = ev.Append(b); err != nil {
			p.errorf("can't send the event with id %q: %v", ev.ID, err)
		}
		if len(b) >= 4<<10 || len(p.after) > 0 && p.sent+len(b) >= p.after[0].at {
			if err := p.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	return p.write(b)
}

func (p *play) write(b []byte) error {
	if err := p.ensureBegun(); err != nil {
		return err
	}
	if p.gzip != nil {
		p.gzip.Write(b)
		p.gzip.Flush()
		b = p.takeZipped()
	}
	return p.out(b)
}

func (p *play) takeZipped() []byte {
	b := bytes.Clone(p.zipped.Bytes())
	p.zipped.Reset()
	return b
}

// out sends b, in pieces that end where After or Chunks says.
func (p *play) out(b []byte) error {
	for {
		for len(p.after) > 0 && p.after[0].at <= p.sent {
			step := p.after[0].step
			p.after = p.after[1:]
			if step.last {
				p.gzip = nil // what it holds back is cut off
			}
			if err := step.do(p); err != nil {
				return err
			}
		}
		if len(b) == 0 {
			return nil
		}
		n := len(b)
		if p.chunk > 0 {
			n = min(n, p.chunk)
		}
		if len(p.after) > 0 {
			n = min(n, p.after[0].at-p.sent)
		}
		if p.r.Method != http.MethodHead {
			switch _, err := p.w.Write(b[:n]); {
			case errors.Is(err, http.ErrContentLength):
				p.errorf("the body is longer than its Content-Length")
				return errEnd
			case err != nil && !errors.Is(err, http.ErrBodyNotAllowed):
				return errGone
			}
			if err := p.flush(); err != nil {
				return err
			}
		}
		b = b[n:]
		p.sent += n
	}
}

func (p *play) flush() error {
	err := p.rc.Flush()
	if p.r.Method == http.MethodHead {
		return nil // the answer may be over already
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errGone
	}
	return nil
}

// A trackingWriter tells a play what Do wrote.
type trackingWriter struct {
	http.ResponseWriter
	p *play
}

func (t trackingWriter) WriteHeader(code int) {
	t.p.begun = t.p.begun || code >= 200
	t.ResponseWriter.WriteHeader(code)
}

func (t trackingWriter) Write(b []byte) (int, error) {
	t.p.begun = true
	n, err := t.ResponseWriter.Write(b)
	t.p.sent += n
	return n, err
}

// Flush is for handlers that know only http.Flusher.
func (t trackingWriter) Flush() {
	t.p.begun = true
	t.p.flush()
}

// Unwrap is for http.ResponseController.
func (t trackingWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }
