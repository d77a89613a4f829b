package sse_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A generator makes random streams of valid, almost valid and damaged lines.
type generator struct{ *rand.Rand }

// pick returns one of its arguments.
func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// connections returns the streams of one to three connections of an event source.
func (g generator) connections() (conns [][]byte) {
	for range 1 + g.IntN(3)*g.IntN(2) {
		conns = append(conns, g.stream())
	}
	return conns
}

// stream returns the stream of a connection.
func (g generator) stream() []byte {
	var b []byte
	switch g.IntN(12) {
	case 0, 1:
		b = append(b, "\xef\xbb\xbf"...)
	case 2:
		b = append(b, pick(g,
			"\xef\xbb\xbf\xef\xbb\xbf", "\xef\xbb", "\xef", "\xff\xfe", "\xef\xbb\xbe")...)
	}
	ends := pick(g,
		[]string{"\n"}, []string{"\r"}, []string{"\r\n"}, []string{"\n", "\r", "\r\n"},
		[]string{"\n", "\n", "\n\r", "\r\r\n"})
	for range g.IntN(24) {
		b = append(b, g.line()...)
		b = append(b, pick(g, ends...)...)
		if g.IntN(3) == 0 {
			b = append(b, pick(g, ends...)...)
		}
	}
	if g.IntN(4) == 0 {
		b = append(b, g.line()...)
	}
	if len(b) > 0 {
		switch g.IntN(12) {
		case 0, 1: // the connection ends early
			b = b[:g.IntN(len(b))]
		case 2: // a byte changes
			b[g.IntN(len(b))] = byte(g.Uint32())
		case 3: // a byte is lost
			i := g.IntN(len(b))
			b = slices.Delete(b, i, i+1)
		case 4: // a byte is inserted
			b = slices.Insert(b, g.IntN(len(b)), pick[byte](g, '\r', '\n', 0, ':', ' ', 0xef, 0x80, 0xff))
		}
	}
	return b
}

// line returns a line without its line ending.
func (g generator) line() string {
	switch g.IntN(16) {
	default:
		return pick(g, "data", "data:", "data: ") + g.value()
	case 6, 7:
		return pick(g, "id", "id:", "id: ") + g.value()
	case 8, 9:
		return pick(g, "event", "event:", "event: ") + g.value()
	case 10:
		return pick(g, "retry", "retry:", "retry: ") + g.number()
	case 11:
		return ":" + g.value()
	case 12: // almost a field
		return pick(g, "", " ", "\t", "\x00", "\xef\xbb\xbf", "\xff", "\xe2", "x") +
			pick(g, "data", "event", "id", "retry", "Data", "EVENT", "iD", "dat", "dta", "even", "i",
				"retr", "datas", "ids", "") +
			pick(g, "", "", " ", "\t", "\x00", "\xef\xbb\xbf", "\xff", "\xe2", "x") +
			pick(g, "", ":", ": ", " :", "=") + g.value()
	case 13:
		return g.value()
	case 14:
		return pick(g, "data", "id", "event", "retry", ":", "", " ", "\x00", "\xef\xbb\xbf", "\v",
			"\f", "\u0085", "\u2028")
	case 15:
		return ""
	}
}

// value returns the value of a field.
func (g generator) value() string {
	switch g.IntN(150) {
	case 0:
		return strings.Repeat(g.text(), g.IntN(200))
	case 1:
		return strings.Repeat(g.text(), g.IntN(6000/(1+g.IntN(10))))
	}
	s := ""
	for range g.IntN(6) {
		s += g.text()
	}
	return s
}

// text returns a short text.
func (g generator) text() string {
	switch g.IntN(6) {
	case 0: // valid UTF-8
		return pick(g, "é", "€", "😀", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufeff",
			"\ufffd", "\uffff", "\U00010000", "\U0010ffff", "\u0085", "\u2028", "\u00a0")
	case 1: // invalid or incomplete UTF-8
		b := make([]byte, 1+g.IntN(4))
		b[0] = pick[byte](g, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
			0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xfc, 0xff)
		for i := 1; i < len(b); i++ {
			b[i] = pick[byte](g, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbb, 0xbf, 'x')
		}
		return string(b)
	case 2:
		return pick(g, " ", "  ", ":", "\t", "\x00", "\v", "\f", "\x7f", "\\n", "0", "message")
	default:
		return pick(g, "a", "b", "1", "data", "data:", "id:", "event", "{\"a\":1}",
			"hello world, how are you", "0123456789abcdef")
	}
}

// number returns the value of a retry field.
func (g generator) number() string {
	return pick(g, "", "", "", "0", "0400", strings.Repeat("0", 40), " ", "+", "-", "x") +
		pick(g, "5", "400", "9223372036854", "9223372036855", "18446744073709551616",
			strings.Repeat("9", g.IntN(60))) +
		pick(g, "", "", "", "", " ", "x", "\x00", "\xff", ".5", "٤", "e3")
}

// cuts returns a function that cuts a stream into chunks.
func (g generator) cuts() func([]byte) [][]byte {
	most := pick(g, 1, 2, 3, 7, 16, 64, 1024)
	seed := g.Uint64()
	return func(b []byte) (chunks [][]byte) {
		r := rand.New(rand.NewPCG(seed, 1))
		for len(b) > 0 {
			n := min(1+r.IntN(most), len(b))
			chunks = append(chunks, b[:n])
			b = b[n:]
			if r.IntN(8) == 0 {
				chunks = append(chunks, nil)
			}
		}
		return chunks
	}
}

// The generated streams contain everything that they are made for.
func TestGeneratorCoverage(t *testing.T) {
	const streams = 2000
	found := map[string]int{}
	for i := range streams {
		g := generator{rand.New(rand.NewPCG(uint64(i), 0))}
		b := g.stream()
		var ref reference
		o := ref.run(b)
		for what, is := range map[string]bool{
			"several events": len(o.Events) > 1,
			"an id":          o.LastEventID != "",
			"a retry":        o.HasRetry,
			"a cut":          o.Partial,
			"a comment":      len(ref.comments) > 0,
			"a BOM":          bytes.HasPrefix(b, []byte("\xef\xbb\xbf")),
			"invalid UTF-8":  !utf8.Valid(b),
			"a NUL":          bytes.IndexByte(b, 0) >= 0,
			"CR and LF":      bytes.Contains(b, []byte("\r\n")),
			"CR alone":       bytes.Contains(b, []byte("\r\r")) || bytes.Contains(b, []byte("\rd")),
			"a long line":    len(b) > 4096,
			"no event":       len(o.Events) == 0,
		} {
			n := 0
			if is {
				n = 1
			}
			found[what] += n
		}
	}
	for what, n := range found {
		if n < 10 {
			t.Errorf("%d of %d streams contain %s, want 10 or more", n, streams, what)
		}
	}
}
