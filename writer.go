package sse

import (
	"context"
	"io"
	"net/http"
	"time"
)

// A Writer writes an event stream as the response of a handler:
//
//	func ticks(w http.ResponseWriter, r *http.Request) {
//		out, err := sse.NewWriter(w, r)
//		if err != nil {
//			http.Error(w, err.Error(), http.StatusInternalServerError)
//			return
//		}
//		defer out.Close()
//		out.KeepAlive(15 * time.Second)
//		for t := range clock(r.Context()) {
//			if err := out.Send(sse.Event{Data: t.String()}); err != nil {
//				return // the client has disconnected
//			}
//		}
//	}
//
// A Writer is not a broker. It has no topics, and neither stores nor replays
// events. The handler must send what the client missed: the Last-Event-ID
// header of the request says which event the client received last. NATS
// JetStream, Redis Streams or a database can store the events behind the handler.
// Mercure (https://mercure.rocks) is a protocol and a hub that does all of this.
//
// The methods may be called from several goroutines until the handler returns.
// Each event is written as a whole and flushed.
type Writer struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	ctx  context.Context
	lock chan struct{} // a mutex that blocks durably in a synctest bubble

	// The following fields are protected by lock.
	buf       []byte
	closed    bool
	idle      time.Duration // of KeepAlive; zero if it is off
	lastWrite time.Time
	timer     *time.Timer
}

// writeTimeout is how long a write may take.
const writeTimeout = time.Minute

// NewWriter starts the response to r. It sends the header at once, with status 200
// and, unless the header of w already has other values for them,
//
//	Content-Type: text/event-stream
//	Cache-Control: no-cache
//	X-Accel-Buffering: no
//
// The ReadTimeout and WriteTimeout of the server would end the stream. NewWriter
// turns them off for this request. Instead, each write must complete within a
// minute.
//
// If w cannot flush, NewWriter writes nothing and returns an error that matches
// [http.ErrNotSupported]. Any other error means that the header could not be sent to the
// client.
func NewWriter(w http.ResponseWriter, r *http.Request) (*Writer, error) {
	out := &Writer{
		w: w, rc: http.NewResponseController(w), ctx: r.Context(),
		lock: make(chan struct{}, 1), lastWrite: time.Now(),
	}
	var added []string
	for _, h := range [...][2]string{
		{"Content-Type", "text/event-stream"},
		{"Cache-Control", "no-cache"},
		{"X-Accel-Buffering", "no"},
	} {
		if _, ok := w.Header()[h[0]]; !ok {
			w.Header().Set(h[0], h[1])
			added = append(added, h[0])
		}
	}
	// If w does not support deadlines, there are none to remove. The ReadTimeout still applies to
	// Flush, which reads the rest of the body of the request.
	out.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := out.rc.Flush(); err != nil {
		for _, name := range added {
			w.Header().Del(name)
		}
		return nil, err
	}
	out.rc.SetReadDeadline(time.Time{})
	out.rc.SetWriteDeadline(time.Time{})
	return out, nil
}

// Send writes ev. If ev cannot be encoded, Send returns a [*FieldError], and
// the stream can continue without it. Any other error means that the client can
// no longer be reached: if the context of the request is done, for example because
// the client has disconnected, it is the [context.Cause] of that context. After
// Close it is [io.ErrClosedPipe].
func (w *Writer) Send(ev Event) error {
	return w.write(ev.Append)
}

// Comment writes a comment, which clients ignore, as [AppendComment] does. Like
// Send, it returns an error if the client can no longer be reached.
func (w *Writer) Comment(text string) error {
	return w.write(func(b []byte) ([]byte, error) { return AppendComment(b, text), nil })
}

// Retry writes a retry field, which sets the reconnection time of the client, as
// [AppendRetry] does. Like Send, it returns an error if the client can no longer be
// reached.
func (w *Writer) Retry(d time.Duration) error {
	return w.write(func(b []byte) ([]byte, error) { return AppendRetry(b, d), nil })
}

// KeepAlive writes an empty comment whenever nothing else has been written for
// idle, so that proxies do not close the connection. Section 9.2.7 of the standard
// recommends 15 seconds. If idle <= 0, KeepAlive stops this. Close also stops it.
func (w *Writer) KeepAlive(idle time.Duration) {
	w.lock <- struct{}{}
	defer w.unlock()
	w.idle = max(idle, 0)
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if w.idle > 0 && !w.closed {
		w.timer = time.AfterFunc(w.idle-time.Since(w.lastWrite), w.keepAlive)
	}
}

func (w *Writer) keepAlive() {
	w.lock <- struct{}{}
	defer w.unlock()
	if w.closed || w.timer == nil {
		return
	}
	if rest := w.idle - time.Since(w.lastWrite); rest > 0 {
		w.timer.Reset(rest)
		return
	}
	if w.flush(AppendComment(w.buf[:0], "")) == nil {
		w.timer.Reset(w.idle)
	}
}

// Close stops the keep-alive and waits for a running write. Afterwards nothing is
// written. The handler must call Close before it returns. The response ends when
// the handler returns. The error is always nil.
func (w *Writer) Close() error {
	w.lock <- struct{}{}
	defer w.unlock()
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
	w.lock <- struct{}{}
	defer w.unlock()
	if w.closed {
		return io.ErrClosedPipe
	}
	b, err := appendTo(w.buf[:0])
	if err != nil {
		return err
	}
	return w.flush(b)
}

func (w *Writer) unlock() { <-w.lock }

// flush writes b and flushes it. The caller must hold the lock.
func (w *Writer) flush(b []byte) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	if cap(b) <= 64<<10 { // the memory of a large event is not kept
		w.buf = b
	}
	now := time.Now()
	w.rc.SetWriteDeadline(now.Add(writeTimeout))
	_, err := w.w.Write(b)
	if err == nil {
		err = w.rc.Flush()
	}
	if err == nil {
		w.rc.SetWriteDeadline(time.Time{}) // on HTTP/2 the deadline would end an idle stream
	}
	w.lastWrite = now
	return err
}
