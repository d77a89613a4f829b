package inspect

import (
	"bytes"
	"io"
	"sync"
)

// A store is a writer of a recording that keeps its beginning.
type store struct {
	limit int

	mu      sync.Mutex
	lines   [][]byte
	size    int
	dropped int64 // bytes that were not kept
}

// Write keeps p, which is a line of a recording, unless a line was dropped before. It never fails.
func (s *store) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped > 0 || s.size+len(p)+lineOverhead > s.limit {
		s.dropped += int64(len(p))
		return len(p), nil
	}
	s.lines = append(s.lines, bytes.Clone(p))
	s.size += len(p) + lineOverhead
	return len(p), nil
}

const lineOverhead = 32 // bytes of memory in addition to the line

// reader returns a reader of the recording so far.
func (s *store) reader() io.Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	readers := make([]io.Reader, len(s.lines))
	for i, line := range s.lines {
		readers[i] = bytes.NewReader(line)
	}
	return io.MultiReader(readers...)
}
