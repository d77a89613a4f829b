package sse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse"
)

var (
	streams = flag.Int("streams", 10000, "how many generated streams TestDifferential compares")
	dump    = flag.String("dump", "", "a file for these streams and what the reference makes of them, in the form of testdata/parser.json")
)

// TestDifferential compares the parser with the reference on generated streams.
// Stream i is the same in every run.
func TestDifferential(t *testing.T) {
	t.Parallel()
	n := *streams
	if testing.Short() {
		n = min(n, 3000)
	}
	if *dump != "" {
		dumpStreams(t, n)
	}
	for i := range n {
		g := generator{rand.New(rand.NewPCG(uint64(i), 0))}
		conns := g.connections()
		limit := 0
		if g.IntN(4) == 0 {
			limit = 1 + g.IntN(60)
		}
		compare(t, conns, limit, g.IntN(2) == 0, g.cuts())
		if t.Failed() {
			t.Fatalf("stream %d", i)
		}
	}
}

// dumpStreams writes the first n generated streams to a file.
func dumpStreams(t *testing.T, n int) {
	type connection struct {
		Chunks      []string    `json:"chunks"`
		Events      []sse.Event `json:"events"`
		LastEventID string      `json:"lastEventID,omitempty"`
		Retry       string      `json:"retry,omitempty"`
		Partial     bool        `json:"partial,omitempty"`
	}
	type suiteCase struct {
		Name        string       `json:"name"`
		Section     string       `json:"section"`
		Connections []connection `json:"connections"`
	}
	var cases []suiteCase
	for i := range n {
		g := generator{rand.New(rand.NewPCG(uint64(i), 0))}
		c := suiteCase{fmt.Sprintf("Generated stream %d.", i), "HTML 9.2.6", nil}
		var ref reference
		for _, stream := range g.connections() {
			want := ref.run(stream)
			conn := connection{nil, append([]sse.Event{}, want.Events...), want.LastEventID, "", want.Partial}
			if want.HasRetry {
				conn.Retry = ref.reconnectionTime.String()
			}
			for at := g.IntN(2 * (len(stream) + 1)); len(stream) > 0; at = len(stream) {
				at = min(at, len(stream))
				text := make([]rune, at)
				for i, b := range stream[:at] {
					text[i] = rune(b)
				}
				conn.Chunks = append(conn.Chunks, string(text))
				stream = stream[at:]
			}
			c.Connections = append(c.Connections, conn)
		}
		cases = append(cases, c)
	}
	b, err := json.Marshal(cases)
	if err == nil {
		err = os.WriteFile(*dump, b, 0o666)
	}
	if err != nil {
		t.Error(err)
	}
}

// compare sends conns, one after the other, through the reference, a parser
// that gets each in one chunk, one that gets it cut, and one that gets it cut
// and is not asked before the end.
func compare(t testing.TB, conns [][]byte, limit int, comments bool, cut func([]byte) [][]byte) {
	t.Helper()
	var (
		ref                  reference
		whole, pieces, late  = new(sse.Parser), new(sse.Parser), new(sse.Parser)
		wholeSaid, piecesSay []string
	)
	whole.MaxEventSize, pieces.MaxEventSize, late.MaxEventSize = limit, limit, limit
	if comments {
		whole.OnComment = func(text string) { wholeSaid = append(wholeSaid, text) }
		pieces.OnComment = func(text string) { piecesSay = append(piecesSay, text) }
	}
	for i, conn := range conns {
		if i > 0 {
			whole.Reset()
			pieces.Reset()
			late.Reset()
		}
		before := ref
		want := ref.run(conn)
		got := push(t, whole, [][]byte{conn})
		cutUp := push(t, pieces, cut(conn))
		if !got.equal(cutUp) {
			t.Fatalf("connections %q, MaxEventSize %d, cut %q (-whole +cut):\n%s", conns[:i+1], limit, cut(conn), got.diff(cutUp))
		}
		chunks := cut(conn)
		if i == 0 {
			want := got.ofReader()
			if got := readPromptly(t, chunks, limit); !want.equal(got) {
				t.Fatalf("%q, MaxEventSize %d, cut %q (-parser +reader):\n%s", conn, limit, chunks, want.diff(got))
			}
		}
		for _, chunk := range chunks {
			late.Write(chunk)
		}
		if lately := push(t, late, [][]byte{nil}); !got.equal(lately) {
			t.Fatalf("connections %q, MaxEventSize %d, cut %q (-whole +asked at the end):\n%s", conns[:i+1], limit, chunks, got.diff(lately))
		}
		if limit > 0 {
			// The standard knows no limit. What came before the event that is too
			// large must be there, and nothing that is larger than the limit.
			safe, large := eventsBefore(before, conn, limit)
			if got.Err != nil {
				if !errors.Is(got.Err, sse.ErrEventTooLarge) || !got.Partial {
					t.Fatalf("connections %q, MaxEventSize %d: Err = %v, Partial = %v", conns[:i+1], limit, got.Err, got.Partial)
				}
				if !large || len(got.Events) < len(safe) || !slices.Equal(got.Events, want.Events[:len(got.Events)]) {
					t.Fatalf("connections %q, MaxEventSize %d:\n%v after %q,\nwant the events %q\nand at least %q", conns[:i+1], limit, got.Err, got.Events, want.Events, safe)
				}
				for _, ev := range got.Events {
					if len(ev.Data) > limit {
						t.Fatalf("connections %q, MaxEventSize %d: event %q", conns[:i+1], limit, ev)
					}
				}
				return
			}
			for _, ev := range got.Events {
				if len(ev.Data) > limit || len(ev.Data)+len(ev.Type) > limit && ev.Type != "message" {
					t.Fatalf("connections %q, MaxEventSize %d: event %q", conns[:i+1], limit, ev)
				}
			}
		}
		if !want.equal(got) {
			t.Fatalf("connections %q, MaxEventSize %d (-reference +parser):\n%s", conns[:i+1], limit, want.diff(got))
		}
	}
	if comments {
		for i, text := range ref.comments {
			if len(text) > 4096 {
				n := 4096
				for !utf8.RuneStart(text[n]) {
					n--
				}
				ref.comments[i] = text[:n]
			}
		}
		if !slices.Equal(wholeSaid, ref.comments) || !slices.Equal(piecesSay, ref.comments) {
			t.Fatalf("connections %q: comments %q, cut %q, want %q", conns, wholeSaid, piecesSay, ref.comments)
		}
	}
}

// eventsBefore returns the events before the first block of more than limit
// bytes, decoded, and whether there is such a block.
func eventsBefore(ref reference, stream []byte, limit int) ([]sse.Event, bool) {
	const bom = "\uFEFF"
	text := utf8Decode(stream)
	block, size := 0, 0 // where the block starts, and the bytes of its lines
	for rest := text; ; {
		line, after, ended := cutLine(rest)
		if !ended {
			line = rest
		}
		size += len(line)
		if size > limit {
			events, _ := ref.connection([]byte(bom + text[:block]))
			return events, true
		}
		if !ended {
			return nil, false
		}
		rest = after
		if line == "" {
			block, size = len(text)-len(rest), 0
		}
	}
}

// A generator makes streams that know the grammar, and where parsers go wrong.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// connections returns what one to three connections of an event source send.
func (g generator) connections() (conns [][]byte) {
	for range 1 + g.IntN(3)*g.IntN(2) {
		conns = append(conns, g.stream())
	}
	return conns
}

func (g generator) stream() []byte {
	var b []byte
	switch g.IntN(12) {
	case 0, 1:
		b = append(b, "\xef\xbb\xbf"...)
	case 2:
		b = append(b, pick(g, "\xef\xbb\xbf\xef\xbb\xbf", "\xef\xbb", "\xef", "\xff\xfe", "\xef\xbb\xbe")...)
	}
	ends := pick(g, []string{"\n"}, []string{"\r"}, []string{"\r\n"}, []string{"\n", "\r", "\r\n"}, []string{"\n", "\n", "\n\r", "\r\r\n"})
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
		case 0, 1: // the connection breaks
			b = b[:g.IntN(len(b))]
		case 2: // a byte goes wrong
			b[g.IntN(len(b))] = byte(g.Uint32())
		case 3: // a byte gets lost
			i := g.IntN(len(b))
			b = slices.Delete(b, i, i+1)
		case 4: // a byte comes from nowhere
			b = slices.Insert(b, g.IntN(len(b)), pick[byte](g, '\r', '\n', 0, ':', ' ', 0xef, 0x80, 0xff))
		}
	}
	return b
}

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
	case 12: // near misses
		return pick(g, "", " ", "\t", "\x00", "\xef\xbb\xbf", "\xff", "\xe2", "x") +
			pick(g, "data", "event", "id", "retry", "Data", "EVENT", "iD", "dat", "dta", "even", "i", "retr", "datas", "ids", "") +
			pick(g, "", "", " ", "\t", "\x00", "\xef\xbb\xbf", "\xff", "\xe2", "x") +
			pick(g, "", ":", ": ", " :", "=") + g.value()
	case 13:
		return g.value()
	case 14:
		return pick(g, "data", "id", "event", "retry", ":", "", " ", "\x00", "\xef\xbb\xbf", "\v", "\f", "\u0085", "\u2028")
	case 15:
		return ""
	}
}

func (g generator) value() string {
	switch g.IntN(150) {
	case 0:
		return strings.Repeat(g.piece(), g.IntN(200))
	case 1:
		return strings.Repeat(g.piece(), g.IntN(6000/(1+g.IntN(10))))
	}
	s := ""
	for range g.IntN(6) {
		s += g.piece()
	}
	return s
}

func (g generator) piece() string {
	switch g.IntN(6) {
	case 0: // well-formed
		return pick(g, "é", "€", "😀", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufeff", "\ufffd", "\uffff", "\U00010000", "\U0010ffff", "\u0085", "\u2028", "\u00a0")
	case 1: // ill-formed, and sequences cut short
		b := make([]byte, 1+g.IntN(4))
		b[0] = pick[byte](g, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xfc, 0xff)
		for i := 1; i < len(b); i++ {
			b[i] = pick[byte](g, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbb, 0xbf, 'x')
		}
		return string(b)
	case 2:
		return pick(g, " ", "  ", ":", "\t", "\x00", "\v", "\f", "\x7f", "\\n", "0", "message")
	default:
		return pick(g, "a", "b", "1", "data", "data:", "id:", "event", "{\"a\":1}", "hello world, how are you", "0123456789abcdef")
	}
}

func (g generator) number() string {
	return pick(g, "", "", "", "0", "0400", strings.Repeat("0", 40), " ", "+", "-", "x") +
		pick(g, "5", "400", "9223372036854", "9223372036855", "18446744073709551616", strings.Repeat("9", g.IntN(60))) +
		pick(g, "", "", "", "", " ", "x", "\x00", "\xff", ".5", "٤", "e3")
}

// cuts returns a way to cut a stream into chunks.
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

// TestGenerator checks that the generated streams meet what they are made for.
func TestGenerator(t *testing.T) {
	met := map[string]int{}
	for i := range 2000 {
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
			"ill-formed":     !utf8.Valid(b),
			"a NUL":          bytes.IndexByte(b, 0) >= 0,
			"CR and LF":      bytes.Contains(b, []byte("\r\n")),
			"CR alone":       bytes.Contains(b, []byte("\r\r")) || bytes.Contains(b, []byte("\rd")),
			"a long line":    len(b) > 4096,
			"no event":       len(o.Events) == 0,
		} {
			if is {
				met[what]++
			}
		}
	}
	for _, what := range []string{"several events", "an id", "a retry", "a cut", "a comment", "a BOM", "ill-formed", "a NUL", "CR and LF", "CR alone", "a long line", "no event"} {
		if met[what] < 10 {
			t.Errorf("%d of 2000 streams have %s, want 10 or more", met[what], what)
		}
	}
	if t.Failed() {
		t.Log(met)
	}
}

// TestMaxEventSize checks what counts, to the byte: decoded data, type and id
// of one event, as far as they are held.
func TestMaxEventSize(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name, stream string
		size         int // the least MaxEventSize
		events       int // where it is one less
	}{
		{"data", "data:a\n\ndata:12345\n\ndata:b\n\n", 5, 1},
		{"data after a space", "data: 12345\n\n", 5, 0},
		{"joined data", "data:12\ndata:45\n\n", 5, 0},
		{"empty data lines", "data\ndata:\ndata\ndata: \n\n", 3, 0},
		{"a type", "event:123\ndata:45\n\n", 5, 0},
		{"a type without data", "event:12345\n\n", 5, 0},
		{"the last of several types", "event:12345\nevent:1\ndata:2345\n\n", 5, 0},
		{"an id", "id:123\ndata:45\n\n", 5, 0},
		{"an id after data", "data:45\nid:123\n\n", 5, 0},
		{"the last of several ids", "id:12345\nid:1\ndata:2345\n\n", 5, 0},
		{"an id without data", "data:a\n\nid:12345\n\n", 5, 1},
		{"no id of an earlier event", "id:123\ndata:12\n\ndata:12345\n\n", 5, 0},
		{"ill-formed bytes, as they are decoded", "data:\xff\xe2\x82\n\n", 6, 0},
		{"characters, in bytes", "data:€é\n\n", 5, 0},
		{"an ill-formed id and type", "id:\xff\nevent:\xff\ndata\n\n", 6, 0},
		{"no comment, unknown field or retry", ":" + long + "\nfoo:" + long + "\n" + long + "\nretry:" + long + "\nretry:1" + long + "\ndata:12345\n\n", 5, 0},
		{"no comment, unknown field or retry within an event", "data:123\n:" + long + "\nfoo:" + long + "\n" + long + "\ndatax:" + long + "\ndata:5\n\n", 5, 0},
		{"of an id with a NUL what comes before it", "id:12345\x00" + long + "\ndata:1\n\n", 5, 0},
		{"a line that is not ended", "data:a\n\ndata:12345", 5, 1},
		{"a type that is not ended", "data:a\n\nevent:12345", 5, 1},
		{"an id that is not ended", "data:a\n\nid: 12345", 5, 1},
	} {
		for how, cut := range map[string]func(b []byte) [][]byte{
			"whole": func(b []byte) [][]byte { return [][]byte{b} },
			"by 1":  func(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 1)) },
		} {
			var ref reference
			want := ref.run([]byte(c.stream))
			for _, size := range []int{c.size, c.size + 1, -1, 0} {
				p := &sse.Parser{MaxEventSize: size}
				if got := push(t, p, cut([]byte(c.stream))); !want.equal(got) {
					t.Errorf("%s, %s, MaxEventSize %d (-want +got):\n%s", c.name, how, size, want.diff(got))
				}
			}

			p := &sse.Parser{MaxEventSize: c.size - 1}
			got := push(t, p, cut([]byte(c.stream)))
			if !errors.Is(got.Err, sse.ErrEventTooLarge) || !slices.Equal(got.Events, want.Events[:c.events]) {
				t.Errorf("%s, %s, MaxEventSize %d: Err = %v after %q, want ErrEventTooLarge after %q",
					c.name, how, c.size-1, got.Err, got.Events, want.Events[:c.events])
			}
			if limit := fmt.Sprint(c.size - 1); !strings.Contains(errorText(got.Err), limit) {
				t.Errorf("%s: error %q does not say %s", c.name, errorText(got.Err), limit)
			}
			if n, err := p.Write([]byte("\n\ndata:1\n\n")); n != 0 || err != got.Err || p.Next() {
				t.Errorf("%s: after the error Write = %d, %v, and events go on", c.name, n, err)
			}
			p.Reset()
			if got := push(t, p, [][]byte{[]byte("data:1\n\n")}); len(got.Events) != 1 || got.Err != nil || got.LastEventID != got.Events[0].ID {
				t.Errorf("%s: after Reset %v", c.name, got)
			}
		}
	}
}

// TestParserHoldsLittle streams 4 MiB of what is never held through a parser,
// and checks that it does not hold them.
func TestParserHoldsLittle(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct{ name, begin, fill string }{
		{"a comment", ":", "x"},
		{"a comment of ill-formed bytes", ":", "\xff"},
		{"an unknown field", "foo:", "data:x "},
		{"a name", "", "data"},
		{"an id after its NUL", "id:1\x00", "2"},
		{"the digits of a retry", "retry:", "9"},
		{"heartbeats", "", ":\n\n"},
		{"blank lines", "", "\r\n"},
		{"blocks of unknown fields", "", "foo\n\n"},
		{"ids", "", "id:1\n\n"},
		{"types that data never follows", "", "event:e\n\n"},
		{"retry fields within one event", "data:x\n", "retry:1\n"},
	} {
		chunk := []byte(strings.Repeat(c.fill, 4096/len(c.fill)))
		p := &sse.Parser{MaxEventSize: 1 << 10, OnComment: func(string) {}}
		p.Write([]byte(c.begin))
		before := heap()
		for n := 0; n < size; n += len(chunk) {
			p.Write(chunk)
			if p.Next() {
				t.Fatalf("%s: an event %q", c.name, p.Event())
			}
		}
		if n := heap() - before; n > size/8 {
			t.Errorf("%s: %d bytes held of %d", c.name, n, size)
		}
		if p.Err() != nil {
			t.Errorf("%s: %v", c.name, p.Err())
		}
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestParserGrowsInStep checks that an event of 4 MiB, in chunks of 4 KiB, costs
// memory in proportion: what is copied again and again is allocated, too.
func TestParserGrowsInStep(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct{ name, begin, fill string }{
		{"one line", "data:", "x"},
		{"lines of 1 KiB", "", "data:" + strings.Repeat("x", 1018) + "\n"},
		{"empty lines", "", "data\n"},
		{"one line of ill-formed bytes", "data:", "x\xe2\x82y"},
		{"a type", "event:", "x"},
		{"an id", "id:", "x"},
		{"ill-formed lines", "", "data:" + strings.Repeat("\xffx", 509) + "\n"},
	} {
		chunk := []byte(strings.Repeat(c.fill, max(1, 4096/len(c.fill))))
		p := new(sse.Parser)
		p.Write([]byte(c.begin))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for n := 0; n < size; n += len(chunk) {
			p.Write(chunk)
			if p.Next() {
				t.Fatalf("%s: an event", c.name)
			}
		}
		p.Write([]byte("\ndata\n\n"))
		if !p.Next() {
			t.Fatalf("%s: no event", c.name)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 20*size {
			t.Errorf("%s: %d bytes allocated for an event of %d", c.name, n, size)
		}
	}
}

// TestOnComment checks what OnComment is told.
func TestOnComment(t *testing.T) {
	long := strings.Repeat("é", 3000)
	for _, c := range []struct {
		stream string
		want   []string
	}{
		{":\n", []string{""}},
		{": a\r: b \r\n::c\n", []string{" a", " b ", ":c"}},
		{"data:x\n:a\n\n:b\n", []string{"a", "b"}},
		{":a\x00\xff\xe2\x82b\n", []string{"a\x00\ufffd\ufffdb"}},
		{"\xef\xbb\xbf:a\n\xef\xbb\xbf:b\n", []string{"a"}},
		{" :a\n\xff:b\n", nil},
		{":not ended", nil},
		{":" + long + "\n:b\n", []string{long[:4096], "b"}},
		{":x" + long + "\n", []string{"x" + long[:4094]}},
		{":" + strings.Repeat("\xff", 5000) + "\n", []string{strings.Repeat("\ufffd", 4096/3)}},
	} {
		for size := range 3 {
			var got []string
			p := &sse.Parser{OnComment: func(text string) { got = append(got, text) }}
			push(t, p, slices.Collect(slices.Chunk([]byte(c.stream), []int{1, 3, 1 << 20}[size])))
			if !slices.Equal(got, c.want) {
				t.Errorf("%.40q: comments %.80q, want %.80q", c.stream, got, c.want)
			}
		}
	}
}
