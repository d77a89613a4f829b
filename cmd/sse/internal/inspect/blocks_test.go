package inspect

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

// split divides the parts of a stream into blocks.
func split(parts ...[]byte) []rawBlock {
	s := new(splitter)
	s.reset()
	for _, p := range parts {
		s.write(p)
	}
	return s.blocks
}

// inParts divides a stream into parts of n bytes.
func inParts(stream []byte, n int) [][]byte { return slices.Collect(slices.Chunk(stream, n)) }

// eventsOf returns the events of a stream, without their IDs, which may come from earlier blocks.
func eventsOf(stream []byte) []sse.Event {
	r := sse.NewReader(bytes.NewReader(stream))
	var events []sse.Event
	for r.Next() {
		events = append(events, sse.Event{Type: r.Type(), Data: string(r.Data())})
	}
	return events
}

func TestSplitterBlocksBelongToEvents(t *testing.T) {
	t.Parallel()
	cases, err := suite.ReadCases("../../../../testdata/parser.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, conn := range c.Connections {
			chunks := make([][]byte, len(conn.Chunks))
			for i, chunk := range conn.Chunks {
				chunks[i] = chunk
			}
			divisions := [][][]byte{chunks, inParts(conn.Stream, 1<<30), inParts(conn.Stream, 999)}
			if len(conn.Stream) < maxData {
				divisions = append(divisions, inParts(conn.Stream, 1), inParts(conn.Stream, 3))
			}
			for _, parts := range divisions {
				checkBlocks(t, c.Name, conn, split(parts...))
			}
		}
	}
}

// checkBlocks checks that each block is the part of the stream that dispatches one event.
func checkBlocks(t *testing.T, name string, conn suite.Connection, blocks []rawBlock) {
	t.Helper()
	if len(blocks) != len(conn.Events) {
		t.Errorf("%s: %d blocks, want %d", name, len(blocks), len(conn.Events))
		return
	}
	rest, skipped := []byte(conn.Stream), 0
	for i, b := range blocks {
		before, after, ok := bytes.Cut(rest, b.raw)
		if b.cut {
			skipped++
			continue
		}
		want := sse.Event{Type: string(conn.Events[i].Type), Data: string(conn.Events[i].Data)}
		if diff := cmp.Diff([]sse.Event{want}, eventsOf(b.raw)); diff != "" {
			t.Errorf("%s: events of block %q (-want +got):\n%s", name, b.raw, diff)
		}
		if !ok || len(eventsOf(before)) != skipped {
			t.Errorf("%s: block %d is not the next one that dispatches: %q", name, i, b.raw)
		}
		rest, skipped = after, 0
	}
}

func TestSplitterIsTheInverseOfConcatenation(t *testing.T) {
	t.Parallel()
	const stream = "\ufeffdata: a\r\n\r\ndata\r\rdata:b\n\n: c\ndata: d\r\n\n"
	for size := 1; size <= len(stream); size++ {
		var all []byte
		for _, b := range split(inParts([]byte(stream), size)...) {
			all = append(all, b.raw...)
		}
		if string(all) != stream {
			t.Errorf("in parts of %d: %q", size, all)
		}
	}
}

func TestSplitterBoundsMemory(t *testing.T) {
	t.Parallel()
	s := new(splitter)
	s.reset()
	part := []byte(strings.Repeat("x", 10000))
	s.write([]byte("data: "))
	for range 1000 {
		s.write(part)
	}
	if n := cap(s.block.raw); n > 2*maxData || len(s.head) > maxLineHead {
		t.Errorf("%d bytes of a block and %d of a line are kept", n, len(s.head))
	}
	s.write([]byte("\n: after it\n\ndata: y\n\n"))
	first, second, third := s.next(), s.next(), s.next()
	if !first.cut || len(first.raw) != maxData || !bytes.HasPrefix(first.raw, []byte("data: xx")) {
		t.Errorf("the large block: %d bytes, cut %t", len(first.raw), first.cut)
	}
	if second.cut || string(second.raw) != "data: y\n\n" || third.raw != nil {
		t.Errorf("the next blocks: %q, %q", second.raw, third.raw)
	}
}
