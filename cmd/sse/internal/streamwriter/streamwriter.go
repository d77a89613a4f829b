package streamwriter

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// A Writer writes the response of a handler. In addition to what an ssetest.Writer does, it
// sends incomplete events and arbitrary bytes. After the first error it writes nothing.
type Writer struct {
	Response http.ResponseWriter
	Request  *http.Request
	out      *ssetest.Writer
	Err      error
}

// New returns a streamWriter for the response to r. Nothing is written before start.
func New(w http.ResponseWriter, r *http.Request) *Writer {
	return &Writer{Response: w, Request: r}
}

// Start sends the header of the response.
func (s *Writer) Start() { s.out, s.Err = ssetest.NewWriter(s.Response, s.Request) }

// Event sends ev.
func (s *Writer) Event(ev sse.Event) {
	if s.Err == nil {
		s.Err = s.out.Send(ev)
	}
}

// Comment sends a comment line.
func (s *Writer) Comment(text string) {
	if s.Err == nil {
		s.Err = s.out.Comment(" " + text)
	}
}

// Retry sends a retry field.
func (s *Writer) Retry(d time.Duration) {
	if s.Err == nil {
		s.Err = s.out.Retry(d)
	}
}

// Raw sends text unchanged. The caller must call it often enough that no keep-alive comment of the
// ssetest.Writer is sent within a line.
func (s *Writer) Raw(text string) {
	if s.Err != nil {
		return
	}
	if _, s.Err = s.Response.Write([]byte(text)); s.Err == nil {
		s.Err = http.NewResponseController(s.Response).Flush()
	}
}

// Partial sends ev up to the middle of its data.
func (s *Writer) Partial(ev sse.Event) {
	b, _ := ev.Append(nil)
	data := strings.Index(string(b), "data")
	s.Raw(string(b[:(data+len(b))/2]))
}

// Pause waits for d, and reports whether the client is still connected.
func (s *Writer) Pause(d time.Duration) bool {
	if s.Err != nil {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.Request.Context().Done():
		s.Err = s.Request.Context().Err()
		return false
	}
}
