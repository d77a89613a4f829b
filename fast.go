package sse

import (
	"bytes"
	"math/bits"
)

// The fast path.
//
// Nearly all lines of real streams are of one of four kinds:
//
//	data:…    with a value that is valid UTF-8
//	id:…      before the first data line of its block, with a value that is ASCII without NUL
//	event:…   equal to the last event line of the stream, which ended in LF
//	:         a comment without text and a blank line after it, both ending in LF, between blocks
//
// The loop in next parses these lines itself, a short one without a call. It passes every other
// line to Parser.line, which is the standard transcribed. The cases of the loop do what addData,
// dispatch, setID and setType do for such a line. A case changes the state of the Parser only after
// it has found that it can handle the line. If it cannot, it goes to slow, which calls line.
//
// Parser.slow turns the fast path off. TestFastPath and FuzzChunks compare the results with and
// without it.
//
// The fast path cannot deliver a wrong event because of these invariants. The method prepare
// establishes them, and sets fastEnd to say so.
//
//  1. fastEnd is either the end of the bytes held or 0, never in between. Every method that
//     changes the bytes held, or finds that the last line is incomplete, sets it to 0. So the loop
//     sees only bytes for which prepare has established the rest of this list.
//
//  2. pos is the start of a line. Neither a byte order mark, nor the LF of a CRLF cut in two, nor
//     the rest of a line that is being consumed can be next: prepare has called resumeLine, which
//     skips them. The loop calls skipLF, which may set the state to afterCR, but only if the CR is
//     the last byte held. Then the loop ends, and prepare calls resumeLine when more bytes arrive.
//
//  3. At least padding bytes of memory follow the bytes held, so that eight bytes may be loaded at
//     pos, and at pos+8, without a check. The bytes after the end are stale: a prefix or a line
//     ending that a load has found may lie there, and belong to a line that has not arrived. So
//     each case checks that the end of the line it has found is less than len(held), which implies
//     the same of every byte before it.
//
//  4. No event becomes too large. If each byte held became U+FFFD, which is three bytes long, the
//     event would still not exceed MaxEventSize. A line cannot add more to the event than it takes
//     from the bytes held, times three. So this remains true from line to line, and the loop need
//     not check sizes.
//
//  5. nextLF, nextCR and nextNonASCII are the positions of the first such byte at or after pos, or
//     the end if there is none, or less than pos. In the last case the position is unknown. So
//     "nextNonASCII >= eol" proves that the line is ASCII, and "nextNonASCII < eol" proves nothing.
//
//  6. Only the first mark of markNonText is reliable, because its subtraction borrows from the
//     next byte. No byte before the first mark can be a CR, LF or NUL. The first marked byte may
//     be any of these, or something else, so it is compared.
//
//  7. Data lines are joined in place. A line gives up "data:" and its line ending, and needs one
//     byte more than its value, for the LF before it. So the joined data ends before the next line,
//     and bytes that have not been parsed do not change. The joined data overwrites what lies
//     between two data lines of a block. An id after the first data line therefore goes to line,
//     which copies it. An id before that, and the last event ID, lie before the data and are not
//     overwritten. A type is a string of its own.
//
//  8. All buffers of the standard are empty if inBlock is false. So a blank line has no effect
//     then, and the loop may skip it together with the comment before it.

// These are prefixes of lines, and masks for as many bytes, as little-endian words.
const (
	dataPrefix = 'd' | 'a'<<8 | 't'<<16 | 'a'<<24 | ':'<<32
	idPrefix   = 'i' | 'd'<<8 | ':'<<16
	keepAlive  = ':' | '\n'<<8 | '\n'<<16

	mask3 = 1<<24 - 1
	mask5 = 1<<40 - 1
)

// next implements Next for both Parser and Reader, which saves a call per event. If it needs more
// bytes it reads from r, or returns false if r is nil.
func (p *Parser) next(r *Reader) bool {
	p.resetEvent()
refill:
	for p.buf.pos < p.buf.fastEnd || p.more(r) {
		data, pos := p.buf.data, p.buf.pos
		held := data[:p.buf.fastEnd:p.buf.fastEnd]
		for uint(pos) < uint(len(held)) { // a comparison as uint spares bounds checks
			head := data[pos : pos+padding : pos+padding]
			switch word := le.Uint64(head); {
			case word&mask5 == dataPrefix:
				// The line ends in the eight bytes after the prefix, or is searched for its end. The
				// start of the search does not depend on these bytes, so the processor need not
				// wait for them.
				start, eol, ending := pos+5, pos+13, byte(0)
				if marks := markNonText(le.Uint64(head[5:])); marks != 0 {
					n := 5 + bits.TrailingZeros64(marks)/8
					eol, ending = pos+n, head[n]
				}
				if uint(eol) >= uint(len(held)) {
					p.suspend(pos)
					continue refill
				}
				if ending != '\n' && ending != '\r' {
					// This is buffer.lineEnd, inlined by hand for the sake of long lines.
					lf := p.buf.nextLF
					if lf < eol {
						lf = eol + index(held[eol:], '\n')
						p.buf.nextLF = lf
					}
					if p.buf.nextCR < lf {
						if p.buf.nextCR < eol {
							p.buf.nextCR = eol + index(held[eol:], '\r')
						}
						lf = min(lf, p.buf.nextCR)
					}
					if eol = lf; uint(eol) >= uint(len(held)) {
						p.suspend(pos)
						continue refill
					}
					ending = held[eol]
				}
				if p.buf.nextNonASCII < eol && !p.buf.valid(start, eol) {
					goto slow
				}
				if head[5] == ' ' {
					start++
				}
				switch {
				case !p.data.set:
					p.data.start, p.data.end = start, eol
				case !p.data.owned:
					p.data.end = joinLine(held, p.data.end, start, eol)
				default:
					goto slow
				}
				if pos = eol + 1; ending == '\r' {
					pos = p.skipLF(pos)
				}
				p.data.set = true
				// Nearly always the blank line follows. Handling it here saves a turn of the loop.
				if uint(pos) < uint(len(held)) && held[pos] == ending {
					if pos++; ending == '\r' {
						pos = p.skipLF(pos)
					}
					if p.idBuffer.set {
						p.commitID()
					}
					p.buf.pos, p.inBlock, p.dispatched = pos, false, true
					return true
				}
				p.inBlock = true
				continue

			case word&mask3 == keepAlive && pos+3 <= len(held) && !p.inBlock && p.OnComment == nil:
				// A stream that has nothing else to send sends many of these in a row.
				for pos += 3; pos+3 <= len(held) && le.Uint64(data[pos:])&mask3 == keepAlive; {
					pos += 3
				}
				continue

			case p.eventType.last.matchHead(word, le.Uint64(head[8:])) &&
				p.eventType.last.matchTail(held, pos):
				pos += len(p.eventType.last.line)
				p.eventType.set, p.inBlock = true, true
				continue

			case word&mask3 == idPrefix && !p.data.set:
				// A line of up to 16 bytes needs no search.
				start, eol := pos+3, pos+16
				if marks := markNonText(le.Uint64(head[3:])); marks != 0 {
					eol = start + bits.TrailingZeros64(marks)/8
				} else if marks := markNonText(le.Uint64(head[8:])); marks != 0 {
					eol = pos + 8 + bits.TrailingZeros64(marks)/8
				}
				if uint(eol) >= uint(len(held)) {
					goto slow
				}
				if c := held[eol]; c != '\n' && c != '\r' {
					eol = p.buf.lineEnd(eol)
					if eol >= len(held) || bytes.IndexByte(held[start:eol], 0) >= 0 {
						goto slow
					}
				}
				if p.buf.nextNonASCII < eol {
					goto slow
				}
				if head[3] == ' ' {
					start++
				}
				p.idBuffer.set, p.inBlock = true, true
				p.idBuffer.start, p.idBuffer.end, p.idBuffer.owned = start, eol, false
				if pos = eol + 1; held[eol] == '\r' {
					pos = p.skipLF(pos)
				}
				continue
			}
		slow:
			p.buf.pos = pos
			if !p.line() {
				p.buf.fastEnd = 0
				continue refill
			}
			pos = p.buf.pos
		}
		p.buf.pos = pos
	}
	return p.dispatched
}

// suspend holds the incomplete line at pos until more bytes arrive. Its size need not be checked,
// because of invariant 4.
func (p *Parser) suspend(pos int) { p.buf.pos, p.buf.searched, p.buf.fastEnd = pos, p.buf.end, 0 }

// more prepares the next lines for the loop in next, and reads from r as long as there are none.
// It returns false if an event was dispatched, or if there are no lines and r is nil or has ended.
func (p *Parser) more(r *Reader) bool {
	for !p.prepare() {
		if p.dispatched {
			return false
		}
		p.release()
		if r == nil || !r.fill() {
			return false
		}
	}
	return true
}

// prepare establishes the invariants of fast.go for the bytes held, and reports whether it could.
// It skips what precedes the start of a line. While the bytes held could make an event larger than
// MaxEventSize, it passes their lines to line, which checks the size. Decoding can triple the
// length of a value: an invalid byte becomes U+FFFD, which has three bytes.
func (p *Parser) prepare() bool {
	b := &p.buf
	if p.dispatched || b.pos == b.end || b.searched == b.end ||
		p.state != atLine && !p.resumeLine() {
		return false
	}
	for b.pos < b.end && (p.slow || 3*(b.end-b.pos) > p.limit()-p.size()) {
		if !p.line() {
			return false
		}
	}
	b.fastEnd = b.end
	return true
}
