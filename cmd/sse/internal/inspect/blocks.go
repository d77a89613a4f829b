package inspect

import (
	"bytes"
	"sync"
)

// A splitter divides a stream into blocks, as section 9.2.6 of the standard does, and keeps the
// beginning of each block that dispatches an event. The concatenation of all blocks is the stream.
type splitter struct {
	mu     sync.Mutex
	blocks []rawBlock // those that dispatch an event, in their order
	block  rawBlock   // the current one

	// The current line.
	head    []byte // its first bytes, which are enough to recognize a data field
	length  int64
	isFirst bool // the line is the first of the stream
	afterCR bool // the line before ended in CR, so a LF belongs to its end
}

// A rawBlock is the beginning of a block. A block contains the lines up to a blank line, and that
// line. If a CRLF is received in two parts, the LF is in the next block.
type rawBlock struct {
	raw     []byte
	cut     bool // raw is not the whole block
	hasData bool // there is a data field, so the block dispatches an event
}

const (
	byteOrderMark = "\ufeff"
	maxLineHead   = len(byteOrderMark + "data:")
)

// reset begins a new stream.
func (s *splitter) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks, s.block, s.head, s.length = nil, rawBlock{}, s.head[:0], 0
	s.isFirst, s.afterCR = true, false
}

// write adds bytes to the stream.
func (s *splitter) write(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.afterCR && len(p) > 0 {
		s.afterCR = false
		if p[0] == '\n' {
			s.block.add(p[:1])
			p = p[1:]
		}
	}
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			s.addText(p)
			return
		}
		s.addText(p[:i])
		end := i + 1
		if p[i] == '\r' {
			if end == len(p) {
				s.afterCR = true
			} else if p[end] == '\n' {
				end++
			}
		}
		s.block.add(p[i:end])
		s.endLine()
		p = p[end:]
	}
}

// addText adds b to the current line.
func (s *splitter) addText(b []byte) {
	s.block.add(b)
	s.length += int64(len(b))
	s.head = append(s.head, b[:min(len(b), maxLineHead-len(s.head))]...)
}

// endLine ends the current line and, if it is blank, the current block.
func (s *splitter) endLine() {
	head, length := s.head, s.length
	if rest, ok := bytes.CutPrefix(head, []byte(byteOrderMark)); ok && s.isFirst {
		head, length = rest, length-int64(len(byteOrderMark))
	}
	isData := bytes.HasPrefix(head, []byte("data:")) || length == 4 && string(head) == "data"
	s.block.hasData = s.block.hasData || isData
	if length == 0 {
		if s.block.hasData {
			s.blocks = append(s.blocks, s.block)
		}
		s.block = rawBlock{}
	}
	s.head, s.length, s.isFirst = s.head[:0], 0, false
}

// add adds bytes to the block.
func (b *rawBlock) add(p []byte) {
	if len(p) > maxData-len(b.raw) {
		p, b.cut = p[:maxData-len(b.raw)], true
	}
	b.raw = append(b.raw, p...)
}

// next returns the block of the next event.
func (s *splitter) next() rawBlock {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.blocks) == 0 {
		return rawBlock{}
	}
	b := s.blocks[0]
	s.blocks = s.blocks[1:]
	return b
}
