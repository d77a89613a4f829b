package sse

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The fast path.
//
// Nearly all lines of real streams are of one of four kinds:
//
//	data:…    with a value that is valid UTF-8
//	id:…      before the block's first data line, ASCII, without NUL
//	event:…   byte for byte the same line, ending in LF, as the last event line
//	:         a keep-alive comment and the blank line after it, between blocks
//
// next handles these without calling line, and passes every other line to line, which is the
// standard transcribed. The fast path changes no result: TestFastPath runs it against line alone, and
// Parser.slow turns it off. Without it llm takes 1.8 times as long, ticks 4.5 times, comments 9.7
// times, and the other workloads of bench_test.go 1.0 to 2.6 times.
//
// It relies on this, which look and measure establish before they set ready:
//
//  1. pos is the start of a line: no byte order mark, and no LF of a split CRLF, can be next.
//  2. ready is the end of the bytes held, and at least padding bytes of memory follow. A load of eight
//     bytes at any position is therefore in bounds, but may see stale bytes after ready: every case
//     compares what it found with len(b) before it uses it.
//  3. No event can become larger than MaxEventSize from the bytes held, even if each of them were
//     replaced by the three bytes of U+FFFD. Sizes are not checked here.
//  4. lf, cr and high cache the next LF, CR and non-ASCII byte, or ready if there is none. They may
//     lie before pos; then they are unknown.
//  5. Joining data lines in place writes only before pos: a data line gives up at least "data:" and
//     its line ending for the one LF that joins it. It overwrites what lies between data lines, so an
//     id line after a data line must go to line, which copies the id.

// Prefixes as little-endian words.
const (
	dataPrefix = 'd' | 'a'<<8 | 't'<<16 | 'a'<<24 | ':'<<32
	idPrefix   = 'i' | 'd'<<8 | ':'<<16
	keepAlive  = ':' | '\n'<<8 | '\n'<<16

	mask3 = 1<<24 - 1 // the first three bytes of a word
	mask5 = 1<<40 - 1 // the first five
)

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// next implements Next for Parser and Reader. When the parser has no complete line left, it reads
// more from r, or returns false if r is nil.
func (p *Parser) next(r *Reader) bool {
	p.drop()
refill:
	for p.pos < p.ready || p.look(r) {
		win, pos := p.win, p.pos
		b := win[:p.ready:p.ready]
		for uint(pos) < uint(len(b)) { // uint spares bounds checks
			head := win[pos : pos+padding : pos+padding]
			switch x := le64(head); {
			case x&mask5 == dataPrefix:
				// The line ends in the next eight bytes, or is searched for its end.
				start, eol, end := pos+5, pos+13, byte(0)
				if m := odd(le64(head[5:])); m != 0 {
					n := 5 + bits.TrailingZeros64(m)/8
					eol, end = pos+n, head[n]
				}
				if uint(eol) >= uint(len(b)) {
					p.hold(pos)
					continue refill
				}
				if end != '\n' && end != '\r' {
					// lineEnd, inlined by hand: multiline takes 1.2 times as long otherwise.
					lf := p.lf
					if lf < eol {
						lf = eol + index(b[eol:], '\n')
						p.lf = lf
					}
					if p.cr < lf {
						if p.cr < eol {
							p.cr = eol + index(b[eol:], '\r')
						}
						lf = min(lf, p.cr)
					}
					if eol = lf; uint(eol) >= uint(len(b)) {
						p.hold(pos)
						continue refill
					}
					end = b[eol]
				}
				if p.high < eol && !p.valid(start, eol) {
					goto slow
				}
				if head[5] == ' ' {
					start++
				}
				switch {
				case !p.hasData:
					p.data.a, p.data.e = start, eol
				case !p.data.apart:
					p.data.e = joinLine(b, p.data.e, start, eol)
				default:
					goto slow
				}
				if pos = eol + 1; end == '\r' {
					pos = p.skipLF(pos)
				}
				// Nearly always the blank line follows. To leave it to the next turn costs 10 to 15 %.
				if uint(pos) < uint(len(b)) && b[pos] == end {
					if pos++; end == '\r' {
						pos = p.skipLF(pos)
					}
					p.pos = pos
					p.dispatch()
					return true
				}
				p.begun, p.hasData = true, true
				continue

			case x&mask3 == keepAlive && pos+3 <= len(b) && !p.begun && p.OnComment == nil:
				pos += 3
				continue

			case p.last.begins(x, le64(head[8:])) && p.last.ends(b, pos):
				pos += len(p.last.line)
				p.hasType, p.begun = true, true
				continue

			case x&mask3 == idPrefix && !p.hasData:
				start, eol := pos+3, pos+16
				if m := odd(le64(head[3:])); m != 0 {
					eol = start + bits.TrailingZeros64(m)/8
				} else if m := odd(le64(head[8:])); m != 0 {
					eol = pos + 8 + bits.TrailingZeros64(m)/8
				}
				if uint(eol) >= uint(len(b)) {
					goto slow
				}
				if c := b[eol]; c != '\n' && c != '\r' {
					if eol = p.lineEnd(eol); eol >= len(b) || bytes.IndexByte(b[start:eol], 0) >= 0 {
						goto slow
					}
				}
				if p.high < eol {
					goto slow
				}
				if head[3] == ' ' {
					start++
				}
				p.hasID, p.begun = true, true
				p.nextID.a, p.nextID.e, p.nextID.apart = start, eol, false
				if pos = eol + 1; b[eol] == '\r' {
					pos = p.skipLF(pos)
				}
				continue
			}
		slow:
			p.pos = pos
			if !p.line() {
				p.ready = 0
				continue refill
			}
			pos = p.pos
		}
		p.pos = pos
	}
	return p.has
}

// dispatch makes the block an event.
func (p *Parser) dispatch() {
	if p.hasID {
		p.commitID()
	}
	p.begun, p.has, p.hasData = false, true, true
}

// joinLine appends a line feed and b[start:eol] to the data that ends at b[end].
func joinLine(b []byte, end, start, eol int) int {
	b[end] = '\n'
	return end + 1 + copy(b[end+1:], b[start:eol])
}
