package inspect

import (
	"bytes"
	"io"
	"net"
	"slices"
	"sync"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
	"github.com/seed-0d85b69d/sse/internal/recording"
)

// A store keeps the beginning of a recording.
type store struct {
	limit int // bytes of memory

	mu      sync.Mutex
	lines   lines
	limited io.Writer // writes to lines
	size    int
	full    string // why nothing more is kept, or ""
}

// newStore returns a store that uses at most limit bytes of memory.
func newStore(limit int) *store {
	s := &store{limit: limit}
	s.limited = recording.Limit(&s.lines)
	return s
}

// lines are the lines of a recording.
type lines [][]byte

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	*l = append(*l, bytes.Clone(p))
	return len(p), nil
}

const lineOverhead = 32 // bytes of memory in addition to a line

// Write keeps p, which is a line of a recording, unless the store is full.
func (s *store) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full == "" && s.size+len(p)+lineOverhead > s.limit {
		s.full = "--memory"
	}
	if s.full == "" {
		if _, err := s.limited.Write(p); err != nil {
			s.full = err.Error()
		}
	}
	if s.full != "" {
		return 0, recording.ErrFull
	}
	s.size += len(p) + lineOverhead
	return len(p), nil
}

// incomplete returns what is missing, or "" if nothing is.
func (s *store) incomplete() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full == "" {
		return ""
	}
	kept := s.size - len(s.lines)*lineOverhead
	return "only the first " + units.Bytes(int64(kept)) + " of the recording were kept (" +
		s.full + ")"
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
