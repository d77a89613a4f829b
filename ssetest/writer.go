package ssetest

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A Writer writes an event stream as the answer of a handler:
//
//	func ticks(w http.ResponseWriter, r *http.Request) {
//		out, err := ssetest.NewWriter(w, r)
//		if err != nil {
//			http.Error(w, err.Error(), http.StatusInternalServerError)
//			return
//		}
//		defer out.Close()
//		out.KeepAlive(15 * time.Second)
//		for t := range clock(r.Context()) {
//			if err := out.Send(sse.Event{Data: t.String()}); err != nil {
//				return // the client has gone
//			}
//		}
//	}
//
// It is for tests, demonstrations and small services (mind that this package
// links package testing). It is no broker: it knows
// no topics, keeps no events and sends none twice; what a client missed (the
// request's Last-Event-ID header says where it stopped) is the handler's to
// send. For all that see Mercure (https://mercure.rocks), a hub and a protocol,
// or put NATS JetStream, Redis Streams or a database behind the handler.
//
// All methods may be called from several goroutines until the handler returns.
// Each event is written whole and flushed.
type Writer struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	ctx  context.Context
	turn chan struct{} // holds one token while somebody writes; a mutex would not block durably
	buf  []byte

	// Belongs to who has the turn.
	closed bool
	idle   time.Duration // 0: no keep-alive
	last   time.Time     // of the last write
	timer  *time.Timer
}

// writeTime is how long a client may take to let one write through.
const writeTime = time.Minute

// NewWriter begins the answer to r, and sends its header at once: status 200
// and, where w's header has no other value for them,
//
//	Content-Type: text/event-stream
//	Cache-Control: no-cache
//	X-Accel-Buffering: no
//
// The server's ReadTimeout and WriteTimeout would end the stream; they are
// lifted, and instead each write has to be through within a minute.
//
// The error matches [http.ErrNotSupported] if w can't flush; nothing is written
// then.
func NewWriter(w http.ResponseWriter, r *http.Request) (*Writer, error) {
	out := &Writer{w: w, rc: http.NewResponseController(w), ctx: r.Context(), turn: make(chan struct{}, 1), last: time.Now()}
	var added []string
	for _, h := range [...][2]string{
		{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"},
	} {
		if _, ok := w.Header()[h[0]]; !ok {
			w.Header().Set(h[0], h[1])
			added = append(added, h[0])
		}
	}
	out.rc.SetReadDeadline(time.Time{}) // where w has no deadlines there are none to lift
	out.rc.SetWriteDeadline(time.Now().Add(writeTime))
	if err := out.rc.Flush(); err != nil {
		for _, name := range added {
			w.Header().Del(name)
		}
		return nil, err
	}
	out.rc.SetWriteDeadline(time.Time{})
	return out, nil
}

// Send writes ev. An event that can't be written is an [*sse.FieldError], and
// the stream can go on without it; any other error says that the client can't be
// reached any more. Once the request's context is done, as it is when the client
// has gone, that is [context.Cause] of it; after Close it is [io.ErrClosedPipe].
func (w *Writer) Send(ev sse.Event) error {
	return w.write(ev.Append)
}

// Comment writes a comment, which clients skip.
func (w *Writer) Comment(text string) error {
	return w.write(func(b []byte) ([]byte, error) { return sse.AppendComment(b, text), nil })
}

// Retry tells the client how long to wait before it connects again.
func (w *Writer) Retry(d time.Duration) error {
	return w.write(func(b []byte) ([]byte, error) { return sse.AppendRetry(b, d), nil })
}

// KeepAlive writes an empty comment whenever nothing else was written for idle,
// so that no proxy takes the connection for dead; the standard (9.2.7) advises
// 15 seconds. With idle <= 0 it stops. It ends with Close.
func (w *Writer) KeepAlive(idle time.Duration) {
	w.turn <- struct{}{}
	defer w.release()
	w.idle = max(idle, 0)
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if w.idle > 0 && !w.closed {
		w.timer = time.AfterFunc(w.idle-time.Since(w.last), w.keepAlive)
	}
}

func (w *Writer) keepAlive() {
	w.turn <- struct{}{}
	defer w.release()
	if w.closed || w.timer == nil {
		return
	}
	if rest := w.idle - time.Since(w.last); rest > 0 {
		w.timer.Reset(rest)
		return
	}
	if w.flush(sse.AppendComment(w.buf[:0], "")) == nil {
		w.timer.Reset(w.idle)
	}
}

// Close ends the keep-alive and waits for a write under way; after it nothing is
// written. A handler has to call it before it returns, best by defer; the
// stream ends when the handler has returned. The error is always nil.
func (w *Writer) Close() error {
	w.turn <- struct{}{}
	defer w.release()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	return nil
}

func (w *Writer) write(appendTo func([]byte) ([]byte, error)) error {
	w.turn <- struct{}{}
	defer w.release()
	if w.closed {
		return io.ErrClosedPipe
	}
	b, err := appendTo(w.buf[:0])
	if err != nil {
		return err
	}
	return w.flush(b)
}

func (w *Writer) release() { <-w.turn }

// flush sends b; the caller has the turn.
func (w *Writer) flush(b []byte) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	if cap(b) <= 64<<10 {
		w.buf = b
	}
	now := time.Now()
	w.rc.SetWriteDeadline(now.Add(writeTime))
	_, err := w.w.Write(b)
	if err == nil {
		err = w.rc.Flush()
	}
	if err == nil {
		w.rc.SetWriteDeadline(time.Time{}) // on HTTP/2 it would end a stream that is idle
	}
	w.last = now
	return err
}
