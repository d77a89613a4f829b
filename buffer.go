package sse

import (
	"bytes"
	"math"
	"math/bits"
	"sync"
	"weak"
)

const (
	// smallBuffer is the size of the buffer that an idle Parser keeps.
	smallBuffer = 1 << 10

	// largeBuffer is the size of the buffer of a busy Parser, and of its longest read. It fits in
	// the first-level cache, so that the bytes of a read are parsed while they are in it.
	largeBuffer = 32 << 10

	// padding is how many bytes of memory follow the bytes held, at least, so that a load of eight
	// bytes near the end needs no check.
	padding = 16
)

// A buffer holds the part of the stream that its Parser still needs. data[pos:end] has not been
// parsed. Values may refer to bytes before pos.
//
// The buffer remembers the results of its searches, so that no byte is searched twice for the same
// thing, however the stream is split into chunks.
type buffer struct {
	data []byte // at least padding bytes follow end
	pos  int    // the start of a line, unless Parser.state says otherwise
	end  int

	searched int // data[pos:searched] contains no line ending, and no NUL if it is an id line

	// These are the positions of the first LF, CR and non-ASCII byte at or after pos. The position
	// is end if there is none. It is unknown if less than pos.
	nextLF, nextCR, nextNonASCII int

	fastEnd int  // end if the invariants of fast.go hold for data[pos:end], or else 0
	full    bool // the last read filled all the memory it got

	small  []byte               // of smallBuffer bytes, allocated on first use
	pooled *[]byte              // data, if it is from the pool or large; otherwise nil
	large  weak.Pointer[[]byte] // the last buffer of more than largeBuffer bytes
}

// pool contains buffers of largeBuffer bytes that are not in use.
var pool = sync.Pool{New: func() any { b := make([]byte, largeBuffer); return &b }}

// lineEnd returns the position of the first CR or LF at or after from, or b.end if there is none.
// It searches for each of them separately, so that a stream without CR is searched for CR once per
// read and not once per line.
func (b *buffer) lineEnd(from int) int {
	if b.nextLF < from {
		b.nextLF = from + index(b.data[from:b.end], '\n')
	}
	if b.nextCR < from {
		b.nextCR = from + index(b.data[from:b.end], '\r')
	}
	return min(b.nextLF, b.nextCR)
}

// index returns the index of the first c in b, or len(b) if there is none.
func index(b []byte, c byte) int {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return i
	}
	return len(b)
}

// valid reports whether data[start:end] is valid UTF-8.
func (b *buffer) valid(start, end int) bool {
	if b.nextNonASCII < start {
		b.nextNonASCII = start + indexNonASCII(b.data[start:b.end])
	}
	if b.nextNonASCII >= end {
		return true
	}
	// The end of a value is often ASCII, and cheaper to recognize than to decode.
	for end-b.nextNonASCII > 8 && le.Uint64(b.data[end-8:])&highBits == 0 {
		end -= 8
	}
	return validUTF8(b.data[b.nextNonASCII:end])
}

// commit adds the n bytes that were written at end to the bytes held.
func (b *buffer) commit(n int) {
	end := b.end
	b.end += n
	b.fastEnd = 0
	if b.nextLF == end {
		b.nextLF = end + index(b.data[end:b.end], '\n')
	}
	if b.nextCR == end {
		b.nextCR = end + index(b.data[end:b.end], '\r')
	}
	if b.nextNonASCII == end {
		b.nextNonASCII = end + indexNonASCII(b.data[end:b.end])
	}
}

// commitPlain is commit for a few bytes that continue an incomplete line and do not end it. It
// reports whether it has committed them, in which case there is nothing new to parse. It does not
// commit bytes that may end the line, or that the buffer may have to grow for, because the size of
// the event must be checked before that.
func (b *buffer) commitPlain(n int) bool {
	end := b.end
	if n > 64 || b.pos == end || b.searched != end ||
		b.spare()-n < min(len(b.data), largeBuffer)/2 {
		return false
	}
	if !allPlain((*[64]byte)(b.data[end:]), n) {
		return false
	}
	if b.nextNonASCII == end {
		b.nextNonASCII += n
	}
	b.end += n
	b.searched, b.nextLF, b.nextCR = b.end, b.end, b.end
	return true // fastEnd is 0, because the line is incomplete
}

// spare returns how many bytes can be written at end.
func (b *buffer) spare() int { return len(b.data) - padding - b.end }

// readBuffer returns memory at end for a Read, at most largeBuffer bytes. It may call grow. The
// caller must have parsed all complete lines, and must call commit after the Read.
func (b *buffer) readBuffer(limit int, data, id, idBuffer *value) []byte {
	if b.full && len(b.data) < largeBuffer {
		b.grow(largeBuffer/2, limit, data, id, idBuffer)
	} else if b.data == nil || b.spare() < min(len(b.data), largeBuffer)/2 {
		b.grow(1, limit, data, id, idBuffer)
	}
	return b.data[b.end : b.end+min(b.spare(), largeBuffer)]
}

// grow makes room for at least n bytes at end. The unparsed bytes move to the front of the buffer
// if that frees at least half of it, and otherwise to a larger one, so that the cost of all moves
// is linear in the bytes read. The bytes of data move with them. id and idBuffer are copied out of
// the buffer.
func (b *buffer) grow(n, limit int, data, id, idBuffer *value) {
	id.detach(b)
	idBuffer.detach(b)
	kept := 0 // bytes of data, which move to the front
	if !data.owned {
		kept = data.len()
	}
	held := kept + b.end - b.pos
	old, oldPooled := b.data, b.pooled
	if need := held + n + padding; need > len(old) || held > len(old)/2 {
		b.allocate(bufferSize(need, held, limit))
	}
	if !data.owned {
		copy(b.data, old[data.start:data.end])
		data.start, data.end = 0, kept
	}
	copy(b.data[kept:], old[b.pos:b.end])
	shift := b.pos - kept
	b.pos, b.end, b.fastEnd, b.searched = kept, held, 0, b.searched-shift
	b.nextLF, b.nextCR, b.nextNonASCII = b.nextLF-shift, b.nextCR-shift, b.nextNonASCII-shift
	if b.pooled != oldPooled {
		putBuffer(oldPooled)
	}
}

// bufferSize returns the size of a buffer that has room for need bytes, of which held are held now.
//
// The sizes are powers of two until an event of limit bytes fits into twice the size. The next
// size is that of the largest event. So the memory of all buffers of one event is less than twice
// the limit, even if the garbage collector does not run.
func bufferSize(need, held, limit int) int {
	factor := 2
	if held < 1<<20 {
		factor = 4 // a large event takes fewer steps
	}
	size := max(need, factor*held)
	if size <= largeBuffer {
		return size
	}
	size = 1 << bits.Len(uint(size-1))
	if largest := limit + largeBuffer; limit < math.MaxInt/2 && size > largest/2 && need <= largest {
		return largest
	}
	return size
}

// allocate sets data to memory of at least n bytes.
//
// Memory of more than largeBuffer bytes does not go to the pool, where streams of small events
// would get it. A weak pointer keeps it for the next large event of this stream until the garbage
// collector runs, so that an idle stream does not hold it.
func (b *buffer) allocate(n int) {
	if n <= smallBuffer {
		b.small = make([]byte, smallBuffer)
		b.data, b.pooled = b.small, nil
		return
	}
	b.pooled = b.large.Value()
	if b.pooled == nil || len(*b.pooled) < n {
		if n <= largeBuffer {
			b.pooled = pool.Get().(*[]byte)
		} else {
			large := make([]byte, n)
			b.pooled = &large
			b.large = weak.Make(b.pooled)
		}
	}
	b.data = *b.pooled
}

// putBuffer returns b to the pool if it came from there.
func putBuffer(b *[]byte) {
	if b != nil && len(*b) == largeBuffer {
		pool.Put(b)
	}
}

// release frees memory that is not needed until more bytes arrive.
func (p *Parser) release() {
	p.eventType.release()
	if !p.lastID.idCached {
		p.lastID.idString = ""
	}
	if p.buf.pos == p.buf.end && (!p.data.set || p.data.owned) {
		p.buf.release(&p.lastID.value, &p.idBuffer.value)
	}
}

// release empties a buffer of which no byte is needed but those of id and idBuffer, which it
// copies. It releases the memory unless that is small or the stream is busy: the last read has
// filled it.
func (b *buffer) release(id, idBuffer *value) {
	id.detach(b)
	idBuffer.detach(b)
	b.pos, b.end, b.fastEnd, b.searched = 0, 0, 0, 0
	b.nextLF, b.nextCR, b.nextNonASCII = 0, 0, 0
	if b.pooled != nil && (!b.full || len(b.data) > largeBuffer) {
		putBuffer(b.pooled)
		b.data, b.pooled = b.small, nil
	}
}

// A value is a part of a buffer, or of memory of its own if it had to be decoded or has to outlive
// the bytes in the buffer.
type value struct {
	start, end int // of the data of the buffer, or of own if owned
	owned      bool
	own        []byte // reused
}

func (v *value) len() int { return v.end - v.start }

// bytes returns the bytes of v, a part of b.
func (v *value) bytes(b *buffer) []byte {
	data := b.data
	if v.owned {
		data = v.own
	}
	return data[v.start:v.end:v.end]
}

// assign makes v the part data[start:end] of a buffer.
func (v *value) assign(start, end int) { v.start, v.end, v.owned = start, end, false }

// detach copies the bytes of v out of b, unless v owns them.
func (v *value) detach(b *buffer) {
	if v.owned {
		return
	}
	if cap(v.own) > largeBuffer {
		v.own = nil // do not keep the memory of a large value for small ones
	}
	v.own = append(v.own[:0], b.data[v.start:v.end]...)
	v.start, v.end, v.owned = 0, len(v.own), true
}

// clear sets v to the empty value.
func (v *value) clear() {
	v.start, v.end, v.owned = 0, 0, false
	if cap(v.own) > largeBuffer {
		v.own = nil
	}
}

// joinLine appends an LF and data[start:end] to the value that ends at data[valueEnd]. It returns
// the new end of the value.
func joinLine(data []byte, valueEnd, start, end int) int {
	data[valueEnd] = '\n'
	return valueEnd + 1 + copy(data[valueEnd+1:], data[start:end])
}

// noCopy makes go vet report copies of a Parser, which would share its buffer.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// A fieldBuffer is the data buffer or the last event ID buffer.
type fieldBuffer struct {
	value
	set bool // by a field of this block
}

// A lastEventID is the last event ID string.
type lastEventID struct {
	value
	idString string // equal to value if idCached
	idCached bool
	changed  bool // a block has set the value; for Stream, which resets it
}
