// Package streamwriter writes responses that may be incomplete event streams, for the servers of
// the command.
package streamwriter

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A Writer writes the response of a handler. In addition to what an sse.Writer does, it sends
// incomplete events and arbitrary bytes. After the first error it writes nothing.
type Writer struct {
	Response http.ResponseWriter
	Request  *http.Request
	Err      error // the first error

	out *sse.Writer
}

// New returns a Writer for the response to r. The response begins when Start is called.
func New(w http.ResponseWriter, r *http.Request) *Writer {
	return &Writer{Response: w, Request: r}
}

// Start sends the header of the response.
func (w *Writer) Start() { w.out, w.Err = sse.NewWriter(w.Response, w.Request) }

// Event sends ev.
func (w *Writer) Event(ev sse.Event) {
	if w.Err == nil {
		w.Err = w.out.Send(ev)
	}
}

// Comment sends a comment line.
func (w *Writer) Comment(text string) {
	if w.Err == nil {
		w.Err = w.out.Comment(" " + text)
	}
}

// Retry sends a retry field.
func (w *Writer) Retry(d time.Duration) {
	if w.Err == nil {
		w.Err = w.out.Retry(d)
	}
}

// Raw sends text unchanged. A keep-alive comment must not become due while a line is incomplete.
func (w *Writer) Raw(text string) {
	if w.Err != nil {
		return
	}
	if _, w.Err = w.Response.Write([]byte(text)); w.Err == nil {
		w.Err = http.NewResponseController(w.Response).Flush()
	}
}

// Partial sends ev up to the middle of its data.
func (w *Writer) Partial(ev sse.Event) {
	b, _ := ev.Append(nil)
	data := strings.Index(string(b), "data")
	w.Raw(string(b[:(data+len(b))/2]))
}

// Pause waits for d, and reports whether the client is still connected.
func (w *Writer) Pause(d time.Duration) bool {
	if w.Err != nil {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.Request.Context().Done():
		w.Err = w.Request.Context().Err()
		return false
	}
}
