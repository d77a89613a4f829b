package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// DisableFastPath makes p parse every line with line. It is for the external tests.
func DisableFastPath(p *Parser) { p.slow = true }

// TestFastPath compares the fast path with line alone on random streams: everything that a caller
// can observe must be equal. Stream i is the same in every run.
func TestFastPath(t *testing.T) {
	n := 6000
	if testing.Short() {
		n = 2000
	}
	for i := range n {
		c := newFastCase(uint64(i))
		if fast, slow := c.parse(false), c.parse(true); fast != slow {
			t.Fatalf("case %d, parser: %+v\nfast: %s\nslow: %s", i, c, fast, slow)
		}
		if fast, slow := c.read(false), c.read(true); fast != slow {
			t.Fatalf("case %d, reader: %+v\nfast: %s\nslow: %s", i, c, fast, slow)
		}
	}
}

// TestFastPathChecksDecodedSize parses an invalid ID or type, which is longer when it is decoded,
// and data that makes the event larger than MaxEventSize. The bytes written are not more than that.
func TestFastPathChecksDecodedSize(t *testing.T) {
	for _, field := range []string{"id:", "event:"} {
		stream := field + strings.Repeat("\xff", 9) + "\ndata:aa\n\n"
		for _, slow := range []bool{false, true} {
			p := Parser{MaxEventSize: 3*9 + 1, slow: slow}
			p.Write([]byte(stream))
			if p.Next() || !errors.Is(p.Err(), ErrEventTooLarge) {
				t.Errorf("%q, slow %v: data %q, Err() = %v", stream, slow, p.Data(), p.Err())
			}
			if p.MaxEventSize < len(stream) {
				t.Errorf("%q has more than %d bytes", stream, p.MaxEventSize)
			}
		}
	}
}

// A fastCase is what one random stream consists of, and how it is parsed.
type fastCase struct {
	Connections [][]byte
	Limit       int  // MaxEventSize
	Comments    bool // OnComment is set
	MaxChunk    int
	Seed        uint64
}

func newFastCase(seed uint64) fastCase {
	g := fastGenerator{rand.New(rand.NewPCG(seed, 3))}
	c := fastCase{
		Limit:    g.IntN(2) * g.IntN(2) * (g.IntN(100) - 1),
		Comments: g.IntN(3) == 0,
		MaxChunk: []int{1, 2, 7, 30, 200, 10000}[g.IntN(6)],
		Seed:     seed,
	}
	for range 1 + g.IntN(3) {
		c.Connections = append(c.Connections, g.stream())
	}
	return c
}

// chunks calls f with each chunk of b, and with how many events the caller asks for after it.
func (c fastCase) chunks(b []byte, f func(chunk []byte, events int)) {
	r := rand.New(rand.NewPCG(c.Seed, 4))
	for len(b) > 0 {
		n := min(1+r.IntN(max(c.MaxChunk, len(b)/50)), len(b))
		events := math.MaxInt
		if n < len(b) && r.IntN(5) == 0 {
			events = r.IntN(3)
		}
		f(b[:n], events)
		b = b[n:]
	}
}

// parse writes the connections to a Parser and returns a transcript.
func (c fastCase) parse(slow bool) string {
	var log strings.Builder
	p := Parser{MaxEventSize: c.Limit, slow: slow}
	if c.Comments {
		p.OnComment = func(text string) { fmt.Fprintf(&log, "comment %q\n", text) }
	}
	for _, conn := range c.Connections {
		c.chunks(conn, func(chunk []byte, events int) {
			_, err := p.Write(chunk)
			fmt.Fprintf(&log, "write %v\n", err)
			for ; events > 0 && p.Next(); events-- {
				fmt.Fprintf(&log, "event %q %q %q\n", p.ID(), p.Type(), p.Data())
				clear(p.Data()) // the caller may modify it
			}
			fmt.Fprintf(&log, "partial %v, err %v\n", p.Partial(), p.Err())
		})
		retry, ok := p.Retry()
		fmt.Fprintf(&log, "id %q, retry %v %v, ", p.LastEventID(), retry, ok)
		p.Reset()
	}
	return log.String()
}

// read reads the first connection with a Reader and returns a transcript.
func (c fastCase) read(slow bool) string {
	var log strings.Builder
	var chunks [][]byte
	c.chunks(c.Connections[0], func(chunk []byte, _ int) { chunks = append(chunks, chunk) })
	r := NewReader(readFunc(func(b []byte) (int, error) {
		if len(chunks) == 0 {
			return 0, io.EOF
		}
		n := copy(b, chunks[0])
		if chunks[0] = chunks[0][n:]; len(chunks[0]) == 0 {
			chunks = chunks[1:]
		}
		fmt.Fprintf(&log, "read %d\n", n)
		return n, nil
	}))
	r.MaxEventSize, r.p.slow = c.Limit, slow
	if c.Comments {
		r.OnComment = func(text string) { fmt.Fprintf(&log, "comment %q\n", text) }
	}
	for ev, err := range r.All() {
		fmt.Fprintf(&log, "event %q, err %v\n", ev, err)
	}
	retry, ok := r.Retry()
	fmt.Fprintf(&log, "id %q, retry %v %v", r.LastEventID(), retry, ok)
	return log.String()
}

// A fastGenerator makes streams of the lines that the fast path knows, and of lines that differ
// from them in a few bytes.
type fastGenerator struct{ *rand.Rand }

func (g fastGenerator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g fastGenerator) stream() []byte {
	var b []byte
	if g.IntN(4) == 0 {
		b = append(b, g.pick("\ufeff", "\xef", "\xef\xbb", "\ufeff\ufeff")...)
	}
	ends := []string{"\n"}
	switch g.IntN(6) {
	case 0:
		ends = []string{"\r\n"}
	case 1:
		ends = []string{"\r"}
	case 2:
		ends = []string{"\n", "\r", "\r\n"}
	}
	types := []string{"tick", g.value(), g.value()}
	for range g.IntN(30) {
		switch g.IntN(12) {
		case 0, 1, 2, 3:
			b = append(b, g.pick("data:", "data: ")+g.value()...)
		case 4, 5:
			b = append(b, g.pick("id:", "id: ")+g.value()...)
		case 6, 7:
			b = append(b, g.pick("event:", "event: ")+g.pick(types...)...)
		case 8:
			b = append(b, g.pick(":", ":", ":x")...)
			if g.IntN(2) == 0 {
				b = append(b, g.pick(ends...)...)
			}
		case 9:
			b = append(b, g.pick("data", "id", "event", "retry:", "retry:5", "date:x", "x", "")...)
		}
		if g.IntN(20) > 0 {
			b = append(b, g.pick(ends...)...)
		}
		if g.IntN(3) == 0 {
			b = append(b, g.pick(ends...)...)
		}
	}
	return b[:len(b)-g.IntN(2)*g.IntN(len(b)+1)/2]
}

// value returns a value, often of a length close to that of a word, now and then with a byte or
// two that the fast path must not take for text.
func (g fastGenerator) value() string {
	n := g.IntN(20)
	switch g.IntN(40) {
	case 0:
		n = g.IntN(3000)
	case 1, 2, 3:
		n = g.IntN(200)
	}
	if g.IntN(2000) == 0 {
		n = g.IntN(3 * largeBuffer)
	}
	b := bytes.Repeat([]byte{'a' + byte(g.IntN(26))}, n)
	for g.IntN(3) == 0 {
		i := g.IntN(len(b) + 1)
		special := g.pick("\x00", "\t", " ", ":", "\x0f", "\x10", "\x7f", "\x80", "\x8f", "\x90",
			"\xff", "é", "€", "🎈", "\xe2\x82", "\r", "\n", "data:", "id:")
		b = append(b[:i:i], append([]byte(special), b[i:]...)...)
	}
	return string(b)
}
