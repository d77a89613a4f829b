package ssetest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed-0d85b69d/sse"
)

// These errors end an exchange before its last step.
var (
	errEnd        = errors.New("end of the response")
	errClientGone = errors.New("the client has disconnected")
)

// An exchange is one request and the response that the steps of a Conn make.
type exchange struct {
	conn        Conn
	step        int  // index of the step that is running
	done        bool // no further step is expected to run
	running     bool // a step runs; if this is true at the end, the step panicked
	headerSent  bool
	leftWaiting bool // the client disconnected while the step waited, not while it sent

	w  http.ResponseWriter
	rc *http.ResponseController
	r  *http.Request

	srv *Server // nil if the Conn does not belong to a Server
	n   int     // number of the connection, starting at 1

	sent       int       // bytes of the body
	triggers   []trigger // ordered by at
	chunkSize  int       // if zero, chunks are not limited
	gzip       *gzip.Writer
	compressed bytes.Buffer // output of gzip
}

// A trigger is a step to run when at bytes of the body have been sent.
type trigger struct {
	at   int
	step Step
}

func newExchange(c Conn, w http.ResponseWriter, r *http.Request) *exchange {
	return &exchange{conn: c, w: w, r: r, rc: http.NewResponseController(w)}
}

// run runs the steps. If the connection must not end cleanly it panics with
// http.ErrAbortHandler, as net/http requires.
func (x *exchange) run() {
	for i, step := range x.conn {
		if rest := x.conn[i+1:]; step.last && slices.ContainsFunc(rest, isNotFinal) {
			x.errorf("steps after %v are never reached: %v", step, list(rest))
		}
		x.step, x.running = i, true
		err := step.run(x)
		x.running = false
		switch err {
		case nil:
		case errEnd:
			x.done = true
			return
		default:
			// A client that disconnects while the server sends may miss steps that only end
			// the response.
			if !x.leftWaiting && !slices.ContainsFunc(x.unreached(), isNotFinal) {
				x.done = true
			}
			panic(http.ErrAbortHandler)
		}
	}
	x.step = len(x.conn)
	x.ensureHeader()
	x.done = len(x.triggers) == 0
	x.closeGzip()
}

func isNotFinal(s Step) bool { return !s.final }

// unreached returns the steps that were expected to run and have not.
func (x *exchange) unreached() []Step {
	if x.done {
		return nil
	}
	var steps []Step
	for _, t := range x.triggers {
		steps = append(steps, After(t.at, t.step))
	}
	return append(steps, x.conn[min(x.step+1, len(x.conn)):]...)
}

func (x *exchange) closeGzip() {
	if x.gzip != nil {
		x.gzip.Close()
		x.writeBody(x.takeCompressed())
	}
}

func (x *exchange) ensureHeader() error {
	if x.headerSent {
		return nil
	}
	return x.sendHeader(http.StatusOK, nil)
}

func (x *exchange) sendHeader(code int, header []string) error {
	if x.headerSent {
		x.errorf("Status(%d): the header has already been sent", code)
		return nil
	}
	h := x.w.Header()
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	if code == http.StatusOK && h["Content-Type"] == nil {
		h.Set("Content-Type", "text/event-stream")
		if h["Cache-Control"] == nil {
			h.Set("Cache-Control", "no-cache")
		}
	}
	return x.writeHeader(code)
}

// writeHeader sends the status code and the header fields that have been set.
func (x *exchange) writeHeader(code int) error {
	x.w.WriteHeader(code)
	if code < 200 && code != http.StatusSwitchingProtocols {
		return nil // an informational response comes before the header
	}
	x.headerSent = true
	return x.flush()
}

// errorf reports a test error. If there is no test it panics, which makes the
// request fail.
func (x *exchange) errorf(format string, args ...any) {
	if x.srv == nil {
		panic(fmt.Sprintf("ssetest: "+format, args...))
	}
	x.srv.errorf("connection %d: "+format, append([]any{x.n}, args...)...)
}

// send encodes events in batches, because the response may end after few of
// them.
func (x *exchange) send(events []sse.Event) error {
	var b []byte
	for _, ev := range events {
		var err error
		if b, err = ev.Append(b); err != nil {
			x.errorf("cannot send the event with id %q: %v", ev.ID, err)
		}
		if len(b) >= 4<<10 || len(x.triggers) > 0 && x.sent+len(b) >= x.triggers[0].at {
			if err := x.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	return x.write(b)
}

// write sends b, compressed if Gzip was run.
func (x *exchange) write(b []byte) error {
	if err := x.ensureHeader(); err != nil {
		return err
	}
	if x.gzip != nil {
		x.gzip.Write(b)
		x.gzip.Flush()
		b = x.takeCompressed()
	}
	return x.writeBody(b)
}

func (x *exchange) takeCompressed() []byte {
	b := bytes.Clone(x.compressed.Bytes())
	x.compressed.Reset()
	return b
}

// writeBody sends b in chunks that end where a trigger or Chunks requires it, and
// runs the triggers.
func (x *exchange) writeBody(b []byte) error {
	for {
		for len(x.triggers) > 0 && x.triggers[0].at <= x.sent {
			step := x.triggers[0].step
			x.triggers = x.triggers[1:]
			if step.final {
				x.gzip = nil // its pending output is lost
			}
			if err := step.run(x); err != nil {
				return err
			}
		}
		if len(b) == 0 {
			return nil
		}
		n := len(b)
		if x.chunkSize > 0 {
			n = min(n, x.chunkSize)
		}
		if len(x.triggers) > 0 {
			n = min(n, x.triggers[0].at-x.sent)
		}
		if err := x.writeChunk(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		x.sent += n
	}
}

func (x *exchange) writeChunk(b []byte) error {
	if x.r.Method == http.MethodHead {
		return nil
	}
	switch _, err := x.w.Write(b); {
	case errors.Is(err, http.ErrContentLength):
		x.errorf("the body is longer than its Content-Length")
		return errEnd
	case err != nil && !errors.Is(err, http.ErrBodyNotAllowed):
		return errClientGone
	}
	return x.flush()
}

func (x *exchange) flush() error {
	err := x.rc.Flush()
	if x.r.Method == http.MethodHead {
		return nil // the response may have ended with its header
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errClientGone
	}
	return nil
}

// A trackingWriter is the ResponseWriter of Do. It records in the exchange what
// is written.
type trackingWriter struct {
	http.ResponseWriter
	x *exchange
}

func (t trackingWriter) WriteHeader(code int) {
	t.x.headerSent = t.x.headerSent || code >= 200
	t.ResponseWriter.WriteHeader(code)
}

func (t trackingWriter) Write(b []byte) (int, error) {
	t.x.headerSent = true
	n, err := t.ResponseWriter.Write(b)
	t.x.sent += n
	return n, err
}

// Flush implements [http.Flusher].
func (t trackingWriter) Flush() {
	t.x.headerSent = true
	t.x.flush()
}

// Unwrap returns the ResponseWriter for [http.ResponseController].
func (t trackingWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }
