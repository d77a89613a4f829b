package sse

import "slices"

const (
	maxTypes      = 16 // number of types in the cache
	maxCachedType = 64 // length of the longest type in the cache, in bytes
)

// A typeBuffer is the event type buffer, and a cache of the last few types of the stream, so that
// most events need no allocation for their type.
type typeBuffer struct {
	set   bool       // the buffer contains last.name; otherwise it is empty
	last  cachedType // the last type, whether in the cache or not
	cache []cachedType
}

// A cachedType is an event type, and the line that names it.
//
// Most event lines of a stream are equal to the one before. The fast path recognizes such a line
// by comparing words, without a call: its first 16 bytes with head, and the last 16, which may
// overlap the first, with tail.
type cachedType struct {
	name string
	line string    // with its LF; empty if it did not end in LF or was not valid UTF-8
	head [2]uint64 // the first 16 bytes of line
	mask [2]uint64 // which bits of head belong to line, if that is shorter
	tail [16]byte  // the last 16 bytes of line, if that is longer than 16 bytes
}

// setType sets the event type buffer to data[start:end], the value of the event field whose line
// starts at line.
func (p *Parser) setType(line, start, end int) {
	p.inBlock = true
	b := &p.buf
	name := b.data[start:end]
	if b.valid(start, end) {
		p.eventType.setTo(name, b.data[line:end+1])
	} else {
		p.eventType.setTo(appendUTF8(nil, name), nil)
	}
}

// setTo sets the buffer to name, which was the value of line if that is not nil.
func (t *typeBuffer) setTo(name, line []byte) {
	t.set = len(name) > 0
	if len(name) == 0 {
		return
	}
	if len(name) > maxCachedType {
		t.last = cachedType{name: string(name)}
		return
	}
	i := slices.IndexFunc(t.cache, func(c cachedType) bool { return c.name == string(name) })
	if i < 0 {
		if len(t.cache) == maxTypes {
			t.cache = slices.Delete(t.cache, 0, 1)
		}
		i = len(t.cache)
		t.cache = append(t.cache, newCachedType(name, line))
	}
	t.last = t.cache[i]
}

// len returns the length of the event type buffer.
func (t *typeBuffer) len() int {
	if t.set {
		return len(t.last.name)
	}
	return 0
}

// release frees the memory of a type that is too long for the cache.
func (t *typeBuffer) release() {
	if !t.set && len(t.last.name) > maxCachedType {
		t.last = cachedType{}
	}
}

// newCachedType returns the cachedType for name, and for line if that is not nil and ends in LF.
func newCachedType(name, line []byte) cachedType {
	n := len(line)
	if n == 0 || line[n-1] != '\n' {
		return cachedType{name: string(name)}
	}
	t := cachedType{line: string(line)}
	t.name = t.line[n-1-len(name) : n-1]
	if n > 16 {
		t.tail = [16]byte(line[n-16:])
	}
	var head, mask [16]byte
	for i := range copy(head[:], line) {
		mask[i] = 0xff
	}
	for i := range t.head {
		t.head[i], t.mask[i] = le.Uint64(head[8*i:]), le.Uint64(mask[8*i:])
	}
	return t
}

// matchHead reports whether the first 16 bytes of a line, in the words x and y, are those of t. It
// returns true if t has no line.
func (t *cachedType) matchHead(x, y uint64) bool {
	return (x^t.head[0])&t.mask[0]|(y^t.head[1])&t.mask[1] == 0
}

// matchTail reports whether t has a line, and b[pos:] starts with it. It must be called only if
// matchHead has returned true for b[pos:].
func (t *cachedType) matchTail(b []byte, pos int) bool {
	n := len(t.line)
	if n > len(b)-pos {
		return false
	}
	if n <= 16 {
		return n > 0
	}
	return *(*[16]byte)(b[pos+n-16:]) == t.tail &&
		(n <= 32 || string(b[pos+16:pos+n]) == t.line[16:])
}
