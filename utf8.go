package sse

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// This file decodes UTF-8 as the WHATWG Encoding standard does: each maximal subpart of an invalid
// sequence is replaced by one U+FFFD. A range loop over a string replaces each byte, and
// strings.ToValidUTF8 each run of invalid bytes.

// These are the states of a shift-based automaton. A state is the number of a bit. The row of byte
// b in utf8Rows contains, from that bit on, the state that follows when b is read. So a step is a
// load and a shift. It has no branch, which text of mixed scripts would mispredict.
const (
	accept  = 6 * iota // between two characters
	reject             // after an invalid byte
	tail1              // one continuation byte is missing
	tail2              // two are missing
	tail3              // three are missing
	afterE0            // two are missing; less than 0xa0 would be an overlong form
	afterED            // two are missing; more than 0x9f would be a surrogate
	afterF0            // three are missing; less than 0x90 would be an overlong form
	afterF4            // three are missing; more than 0x8f would be above U+10FFFF
)

var utf8Rows = makeUTF8Rows()

func makeUTF8Rows() (rows [256]uint64) {
	for b := range rows {
		next := [...]uint64{reject, reject, reject, reject, reject, reject, reject, reject, reject}
		set := func(state, to uint64, lo, hi int) {
			if lo <= b && b <= hi {
				next[state/6] = to
			}
		}
		set(accept, accept, 0x00, 0x7f)
		set(accept, tail1, 0xc2, 0xdf)
		set(accept, tail2, 0xe1, 0xef)
		set(accept, afterE0, 0xe0, 0xe0)
		set(accept, afterED, 0xed, 0xed)
		set(accept, tail3, 0xf1, 0xf3)
		set(accept, afterF0, 0xf0, 0xf0)
		set(accept, afterF4, 0xf4, 0xf4)
		set(tail1, accept, 0x80, 0xbf)
		set(tail2, tail1, 0x80, 0xbf)
		set(tail3, tail2, 0x80, 0xbf)
		set(afterE0, tail1, 0xa0, 0xbf)
		set(afterED, tail1, 0x80, 0x9f)
		set(afterF0, tail2, 0x90, 0xbf)
		set(afterF4, tail2, 0x80, 0x8f)
		for state, to := range next {
			rows[b] |= to << (6 * state)
		}
	}
	return rows
}

// validUTF8 reports whether b is valid UTF-8. The loop is unrolled because a step is so short that
// the loop itself would take almost as long.
func validUTF8(b []byte) bool {
	s := uint64(accept)
	i := 0
	for ; i <= len(b)-8; i += 8 {
		c := b[i : i+8 : i+8]
		s = utf8Rows[c[0]] >> (s & 63)
		s = utf8Rows[c[1]] >> (s & 63)
		s = utf8Rows[c[2]] >> (s & 63)
		s = utf8Rows[c[3]] >> (s & 63)
		s = utf8Rows[c[4]] >> (s & 63)
		s = utf8Rows[c[5]] >> (s & 63)
		s = utf8Rows[c[6]] >> (s & 63)
		s = utf8Rows[c[7]] >> (s & 63)
	}
	for _, c := range b[i:] {
		s = utf8Rows[c] >> (s & 63)
	}
	return s&63 == accept
}

// appendUTF8 appends b to dst, decoded, and returns the extended slice. Each maximal subpart of an
// invalid sequence becomes U+FFFD.
func appendUTF8(dst, b []byte) []byte {
	start, good := 0, 0 // b[start:good] is valid and has not been appended
	state := uint64(accept)
	for i := 0; i < len(b); i++ {
		state = utf8Rows[b[i]] >> state & 63
		switch state {
		case accept:
			good = i + 1
		case reject:
			dst = append(dst, b[start:good]...)
			dst = utf8.AppendRune(dst, utf8.RuneError)
			if i > good {
				i-- // this byte is not part of the subpart, and may start a character
			}
			start, good, state = i+1, i+1, accept
		}
	}
	dst = append(dst, b[start:good]...)
	if state != accept {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	return dst
}

// cutUTF8 returns the length of the longest prefix of b that has at most n bytes and does not end
// within a character. b must be valid UTF-8.
func cutUTF8(b []byte, n int) int {
	if len(b) <= n {
		return len(b)
	}
	for !utf8.RuneStart(b[n]) {
		n--
	}
	return n
}

// indexNonASCII returns the index of the first byte of b that is not ASCII, or len(b) if there is
// none. Up to seven bytes after b must be readable.
func indexNonASCII(b []byte) int {
	i := 0
	for ; i <= len(b)-128; i += 128 {
		x := orWords(b[i : i+64])
		if (x|orWords(b[i+64:i+128]))&highBits != 0 {
			if x&highBits == 0 {
				i += 64
			}
			break
		}
	}
	for ; i < len(b); i += 8 {
		if x := le.Uint64(b[i:i+8:i+8]) & highBits; x != 0 {
			return min(i+bits.TrailingZeros64(x)/8, len(b))
		}
	}
	return len(b)
}

// orWords returns the bitwise or of the eight words in b.
func orWords(b []byte) uint64 {
	return le.Uint64(b) | le.Uint64(b[8:]) | le.Uint64(b[16:]) | le.Uint64(b[24:]) |
		(le.Uint64(b[32:]) | le.Uint64(b[40:]) | le.Uint64(b[48:]) | le.Uint64(b[56:]))
}

// le reads words whose lowest bits are the first byte in memory.
var le = binary.LittleEndian

const (
	lowBits  = 0x0101010101010101 // the lowest bit of each byte of a word
	highBits = 0x80 * lowBits     // the highest bit of each byte of a word
)

// markNonText sets the highest bit of the first byte of x that is less than 0x10 or more than 0x8f.
// In text such a byte is nearly always a line ending. No byte before it is marked. The bytes after
// it may be marked wrongly, because the subtraction of a byte less than 0x10 borrows from the next.
func markNonText(x uint64) uint64 { return (x - 0x10*lowBits) & highBits }

// plainMask[64-n:] starts with n bytes of 0x80 and contains zeros after them.
var plainMask = [128]byte([]byte(strings.Repeat("\x80", 64) + strings.Repeat("\x00", 64)))

// allPlain reports whether the first n bytes of b are all from 0x10 to 0x7f, which includes neither
// a line ending nor a NUL. n is unpredictable, so allPlain always tests all 64 bytes and masks the
// rest, instead of branching on n.
func allPlain(b *[64]byte, n int) bool {
	mask := (*[64]byte)(plainMask[64-n:])
	var marks uint64
	for i := 0; i < 64; i += 8 {
		x := le.Uint64(b[i:])
		// If a byte is less than 0x10 the borrow can mark bytes after it, but this one is marked.
		marks |= (x - 0x10*lowBits | x) & le.Uint64(mask[i:])
	}
	return marks == 0
}
