package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// A stream is a Writer for handlers that send what a Writer does not: parts of
// events, and bytes of any kind.
type stream struct {
	w   http.ResponseWriter
	r   *http.Request
	out *ssetest.Writer
	err error // the first failure; after it nothing is written
}

func (s *stream) start() { s.out, s.err = ssetest.NewWriter(s.w, s.r) }

func (s *stream) event(ev sse.Event) {
	if s.err == nil {
		s.err = s.out.Send(ev)
	}
}

func (s *stream) comment(text string) {
	if s.err == nil {
		s.err = s.out.Comment(" " + text)
	}
}

func (s *stream) retry(d time.Duration) {
	if s.err == nil {
		s.err = s.out.Retry(d)
	}
}

// raw writes bytes as they are. It is used where no keep-alive could come
// between them.
func (s *stream) raw(text string) {
	if s.err != nil {
		return
	}
	if _, s.err = s.w.Write([]byte(text)); s.err == nil {
		s.err = http.NewResponseController(s.w).Flush()
	}
}

// part writes an event up to the middle of its data.
func (s *stream) part(ev sse.Event) {
	b, _ := ev.Append(nil)
	data := strings.Index(string(b), "data")
	s.raw(string(b[:(data+len(b))/2]))
}

// pause waits, and reports whether the client is still there.
func (s *stream) pause(d time.Duration) bool {
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
