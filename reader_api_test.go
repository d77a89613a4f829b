package sse_test

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

// TestReaderReadResults checks what a Reader makes of what readers may do.
func TestReaderReadResults(t *testing.T) {
	type result struct {
		n   int
		err error
	}
	const stream = "data:a\n\ndata:b\n\n"
	empty := make([]result, 99)
	for _, c := range []struct {
		name  string
		reads []result // of stream; n may lie
		want  int      // events
		err   error
	}{
		{"an error beside the last bytes", []result{{len(stream), errRead}}, 2, errRead},
		{"an error beside the bytes of one event", []result{{8, errRead}, {8, nil}}, 1, errRead},
		{"EOF beside a cut event", []result{{10, io.EOF}}, 1, io.ErrUnexpectedEOF},
		{"an error within an event", []result{{10, errRead}}, 1, errRead},
		{"99 empty reads", append(slices.Clone(empty), result{8, nil}, result{0, io.EOF}), 1, nil},
		{"99 empty reads twice", slices.Concat(empty, []result{{8, nil}}, empty, []result{{8, io.EOF}}), 2, nil},
		{"100 empty reads", slices.Concat([]result{{8, nil}}, empty, []result{{0, nil}, {8, nil}}), 1, io.ErrNoProgress},
		{"a count less than zero", []result{{8, nil}, {-1, nil}}, 1, bufio.ErrBadReadCount},
		{"a count that no buffer has", []result{{8, nil}, {1 << 30, nil}}, 1, bufio.ErrBadReadCount},
		{"an unexpected EOF of its own", []result{{8, io.ErrUnexpectedEOF}}, 1, io.ErrUnexpectedEOF},
	} {
		rest, reads := stream, c.reads
		r := sse.NewReader(readerFunc(func(b []byte) (int, error) {
			if len(reads) == 0 {
				t.Fatalf("%s: a read after the end", c.name)
			}
			n, err := reads[0].n, reads[0].err
			reads = reads[1:]
			if n > 0 && n <= len(rest) {
				rest = rest[copy(b, rest[:n]):]
			}
			return n, err
		}))
		events := 0
		for r.Next() {
			events++
		}
		if events != c.want || r.Err() != c.err || r.Next() || r.Err() != c.err {
			t.Errorf("%s: %d events, then %v, want %d, then %v", c.name, events, r.Err(), c.want, c.err)
		}
	}
}

func TestReaderAllContinues(t *testing.T) {
	r := sse.NewReader(strings.NewReader("data:a\n\ndata:b\n\ndata:c\n\ndata:d"))
	var got []string
	for range 5 {
		for ev, err := range r.All() {
			got = append(got, ev.Data+errorText(err))
			break
		}
	}
	if want := []string{"a", "b", "c", "unexpected EOF", "unexpected EOF"}; !slices.Equal(got, want) {
		t.Errorf("five loops broken off: %q, want %q", got, want)
	}
	for ev, err := range sse.NewReader(strings.NewReader("")).All() {
		t.Errorf("of an empty stream: %q, %v", ev, err)
	}
}
