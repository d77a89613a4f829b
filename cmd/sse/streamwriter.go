package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// A streamWriter writes the response of a handler. In addition to what an ssetest.Writer does, it
// sends incomplete events and arbitrary bytes. After the first error it writes nothing.
type streamWriter struct {
	w   http.ResponseWriter
	r   *http.Request
	out *ssetest.Writer
	err error
}

// newStreamWriter returns a streamWriter for the response to r. Nothing is written before start.
func newStreamWriter(w http.ResponseWriter, r *http.Request) *streamWriter {
	return &streamWriter{w: w, r: r}
}

// start sends the header of the response.
func (s *streamWriter) start() { s.out, s.err = ssetest.NewWriter(s.w, s.r) }

// event sends ev.
func (s *streamWriter) event(ev sse.Event) {
	if s.err == nil {
		s.err = s.out.Send(ev)
	}
}

// comment sends a comment line.
func (s *streamWriter) comment(text string) {
	if s.err == nil {
		s.err = s.out.Comment(" " + text)
	}
}

// retry sends a retry field.
func (s *streamWriter) retry(d time.Duration) {
	if s.err == nil {
		s.err = s.out.Retry(d)
	}
}

// raw sends text unchanged. The caller must call it often enough that no keep-alive comment of the
// ssetest.Writer is sent within a line.
func (s *streamWriter) raw(text string) {
	if s.err != nil {
		return
	}
	if _, s.err = s.w.Write([]byte(text)); s.err == nil {
		s.err = http.NewResponseController(s.w).Flush()
	}
}

// partial sends ev up to the middle of its data.
func (s *streamWriter) partial(ev sse.Event) {
	b, _ := ev.Append(nil)
	data := strings.Index(string(b), "data")
	s.raw(string(b[:(data+len(b))/2]))
}

// pause waits for d, and reports whether the client is still connected.
func (s *streamWriter) pause(d time.Duration) bool {
	if s.err != nil {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.r.Context().Done():
		s.err = s.r.Context().Err()
		return false
	}
}
