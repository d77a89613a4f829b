package sse

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"sync"
	"weak"
)

const (
	smallWindow = 1 << 10  // what an idle stream holds
	largeWindow = 32 << 10 // fits in the first cache: what a read brought is scanned while hot
	padding     = 16       // bytes behind the end, so that eight-byte loads need no check
)

// A window is the part of the stream that a parser holds. A byte is searched for a line end once,
// however the stream is cut.
type window struct {
	win  []byte // win[pos:end] is not yet parsed
	pos  int    // the start of a line
	end  int    // at least padding bytes follow
	seen int    // there is no line end in win[pos:seen]
	lf   int    // the first LF at or after pos, end for none; less than pos: not known
	cr   int    // the first CR, likewise
	high int    // the first byte that is not ASCII, likewise
	full bool   // the last read filled the window

	ready int // the loop in next may take lines up to here: end, or 0 for what was not measured

	own []byte               // the small window
	box *[]byte              // what win is in; nil: win is own
	big weak.Pointer[[]byte] // a window larger than largeWindow, while the collector has not seen it unused
}

// pool has windows of largeWindow bytes that are not in use.
var pool = sync.Pool{New: func() any { b := make([]byte, largeWindow); return &b }}

// A span is a part of the window, or apart from it: it was decoded, or the window has moved on.
type span struct {
	a, e  int // win[a:e] or buf[a:e]
	apart bool
	buf   []byte
}

func (s *span) len() int { return s.e - s.a }

func (s *span) bytes(win []byte) []byte {
	if s.apart {
		win = s.buf
	}
	return win[s.a:s.e:s.e]
}

// keep copies s out of the window.
func (s *span) keep(win []byte) {
	if !s.apart {
		if cap(s.buf) > largeWindow {
			s.buf = nil // that of a large id does not stay
		}
		s.buf = append(s.buf[:0], win[s.a:s.e]...)
		s.a, s.e, s.apart = 0, len(s.buf), true
	}
}

// clear empties s. A large buffer does not stay.
func (s *span) clear() {
	s.a, s.e, s.apart = 0, 0, false
	if cap(s.buf) > largeWindow {
		s.buf = nil
	}
}

// lineEnd returns the position of the first CR or LF at or after from, and end if there is none.
// A stream without CR pays for one search of each window, not of each line.
func (w *window) lineEnd(from int) int {
	if w.lf < from {
		w.lf = from + index(w.win[from:w.end], '\n')
	}
	if w.cr < from {
		w.cr = from + index(w.win[from:w.end], '\r')
	}
	return min(w.lf, w.cr)
}

// index returns the index of the first c in b, and len(b) if there is none.
func index(b []byte, c byte) int {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return i
	}
	return len(b)
}

// valid reports whether win[a:e] is well-formed UTF-8.
func (w *window) valid(a, e int) bool {
	if w.high < a {
		w.high = a + indexHigh(w.win[a:w.end])
	}
	if w.high >= e {
		return true
	}
	// What follows the last byte that is not ASCII need not be decoded: 0.94 of the time of utf8.
	for e-w.high > 8 && binary.LittleEndian.Uint64(w.win[e-8:])&high == 0 {
		e -= 8
	}
	return validUTF8(w.win[w.high:e])
}

// commit takes n bytes written at the end.
func (w *window) commit(n int) {
	end := w.end
	w.end += n
	w.ready = 0
	if w.lf == end {
		w.lf = end + index(w.win[end:w.end], '\n')
	}
	if w.cr == end {
		w.cr = end + index(w.win[end:w.end], '\r')
	}
	if w.high == end {
		w.high = end + indexHigh(w.win[end:w.end])
	}
}

// commitText is commit for a few bytes that go on with a held line, and reports whether they do
// no more than that: then there is nothing to parse yet. 0.7 of the time of small reads.
func (w *window) commitText(n int) bool {
	end := w.end
	if n > 64 || w.pos == end || w.seen != end || w.room()-n < min(len(w.win), largeWindow)/2 {
		return false // the size of the event is looked at before the window grows
	}
	if !isText((*[64]byte)(w.win[end:]), n) {
		return false
	}
	if w.high == end {
		w.high += n
	}
	w.end += n
	w.seen, w.lf, w.cr = w.end, w.end, w.end
	return true
}

func (w *window) room() int { return len(w.win) - padding - w.end }

// free returns a part of the window to read into. Whoever calls it has called Next until that
// returned false, and calls commit.
func (p *Parser) free() []byte {
	if p.full && len(p.win) < largeWindow {
		p.makeRoom(largeWindow / 2)
	} else if p.win == nil || p.room() < min(len(p.win), largeWindow)/2 {
		p.makeRoom(1)
	}
	return p.win[p.end : p.end+min(p.room(), largeWindow)]
}

// makeRoom makes room for n bytes at the end. What is still needed moves to the front of the
// window if that frees half of it or more, or else to a larger one: linear in the bytes read.
func (p *Parser) makeRoom(n int) {
	p.keepIDs()
	begun := 0
	if !p.data.apart {
		begun = p.data.len()
	}
	live := begun + p.end - p.pos
	old, oldBox := p.win, p.box
	if need := live + n + padding; need > len(old) || live > len(old)/2 {
		grow := 2
		if live < 1<<20 {
			grow = 4 // few steps to a large event
		}
		p.take(max(need, grow*live))
	}
	if !p.data.apart {
		copy(p.win, old[p.data.a:p.data.e])
		p.data.a, p.data.e = 0, begun
	}
	copy(p.win[begun:], old[p.pos:p.end])
	moved := p.pos - begun
	p.pos, p.end, p.ready, p.seen = begun, live, 0, p.seen-moved
	p.lf, p.cr, p.high = p.lf-moved, p.cr-moved, p.high-moved
	if p.box != oldBox {
		give(oldBox)
	}
}

// take makes the window one of at least n bytes. A window for large events stays with the stream
// until the collector finds it unused: an idle stream does not hold it.
func (w *window) take(n int) {
	if n <= smallWindow {
		w.own = make([]byte, smallWindow)
		w.win, w.box = w.own, nil
		return
	}
	w.box = w.big.Value()
	if w.box == nil || len(*w.box) < n {
		if n <= largeWindow {
			w.box = pool.Get().(*[]byte)
		} else {
			b := make([]byte, 1<<bits.Len(uint(n-1)))
			w.box = &b
			w.big = weak.Make(w.box)
		}
	}
	w.win = *w.box
}

// give returns a window that came from the pool.
func give(box *[]byte) {
	if box != nil && len(*box) == largeWindow {
		pool.Put(box)
	}
}

// rest is called when there is nothing more to parse. An empty window starts anew, and the stream
// holds no more than a small one unless it is busy.
func (p *Parser) rest() {
	if !p.hasType && len(p.last.name) > maxType {
		p.last = knownType{}
	}
	if !p.idMade {
		p.idText = ""
	}
	if p.pos < p.end || p.hasData && !p.data.apart {
		return
	}
	p.keepIDs()
	p.pos, p.end, p.ready, p.seen, p.lf, p.cr, p.high = 0, 0, 0, 0, 0, 0, 0
	if p.box != nil && (!p.full || len(p.win) > largeWindow) {
		give(p.box)
		p.win, p.box = p.own, nil
	}
}

// keepIDs copies the ids out of the window.
func (p *Parser) keepIDs() {
	p.id.keep(p.win)
	if p.hasID {
		p.nextID.keep(p.win)
	}
}

// noCopy makes go vet report copies: two parsers would share a window.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
