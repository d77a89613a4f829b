package inspect

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
	"github.com/seed-0d85b69d/sse/internal/recording"
)

// A store keeps the beginning of a recording, within the limits of recording.Read.
type store struct {
	limit int // bytes of memory

	mu        sync.Mutex
	lines     [][]byte
	size      int
	responses int
	full      bool
	dropped   bool // a line was not kept
}

const lineOverhead = 32 // bytes of memory in addition to a line

// Write keeps p, which is a line of a recording, unless the store is full.
func (s *store) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = s.full || s.size+len(p)+lineOverhead > min(s.limit, recording.MaxSize) ||
		len(s.lines) == recording.MaxChunks
	if s.full {
		s.dropped = true
		return 0, recording.ErrFull
	}
	s.lines = append(s.lines, bytes.Clone(p))
	s.size += len(p) + lineOverhead
	return len(p), nil
}

// incomplete returns what is missing, or "" if nothing is.
func (s *store) incomplete() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dropped {
		return ""
	}
	kept := s.size - len(s.lines)*lineOverhead
	return "only the first " + units.Bytes(int64(kept)) + " of the recording were kept (--memory)"
}

// isEmpty reports whether nothing was recorded.
func (s *store) isEmpty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines) == 0
}

// reader returns a reader of the recording so far.
func (s *store) reader() io.Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := net.Buffers(slices.Clone(s.lines))
	return &b
}

// transport returns an http.RoundTripper that records the responses of base in s.
func (s *store) transport(base http.RoundTripper) http.RoundTripper {
	return &recordingTransport{recording.NewTransport(base, s), s}
}

// A recordingTransport is an http.RoundTripper that records responses in its store, but not more
// than a recording may have.
type recordingTransport struct {
	recorded http.RoundTripper
	s        *store
}

// RoundTrip implements http.RoundTripper.
func (r *recordingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r.s.mu.Lock()
	r.s.full = r.s.full || r.s.responses == recording.MaxResponses
	r.s.mu.Unlock()
	resp, err := r.recorded.RoundTrip(req)
	if err == nil {
		r.s.mu.Lock()
		r.s.responses++
		r.s.mu.Unlock()
	}
	return resp, err
}

// CloseIdleConnections closes the idle connections of the base transport.
func (r *recordingTransport) CloseIdleConnections() {
	if t, ok := r.recorded.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
