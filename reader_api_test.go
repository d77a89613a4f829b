package sse_test

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

// A Reader accepts every result that an io.Reader may return, and rejects invalid ones.
func TestReaderReadResults(t *testing.T) {
	type result struct {
		n   int
		err error
	}
	const stream = "data:a\n\ndata:b\n\n"
	empty := make([]result, 99)
	for _, c := range []struct {
		name  string
		reads []result // n may be invalid
		want  int      // events
		err   error
	}{
		{"an error with the last bytes", []result{{len(stream), errRead}}, 2, errRead},
		{"an error with one event", []result{{8, errRead}, {8, nil}}, 1, errRead},
		{"EOF with an incomplete event", []result{{10, io.EOF}}, 1, io.ErrUnexpectedEOF},
		{"an error in an event", []result{{10, errRead}}, 1, errRead},
		{"99 empty reads", slices.Concat(empty, []result{{8, nil}, {0, io.EOF}}), 1, nil},
		{"99 empty reads twice",
			slices.Concat(empty, []result{{8, nil}}, empty, []result{{8, io.EOF}}), 2, nil},
		{"100 empty reads",
			slices.Concat([]result{{8, nil}}, empty, []result{{0, nil}, {8, nil}}),
			1, io.ErrNoProgress},
		{"a negative count", []result{{8, nil}, {-1, nil}}, 1, bufio.ErrBadReadCount},
		{"a count larger than the buffer", []result{{8, nil}, {1 << 30, nil}},
			1, bufio.ErrBadReadCount},
		{"io.ErrUnexpectedEOF", []result{{8, io.ErrUnexpectedEOF}}, 1, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			rest, reads := stream, c.reads
			r := sse.NewReader(readerFunc(func(b []byte) (int, error) {
				if len(reads) == 0 {
					t.Fatal("there is a read after the end")
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
			if events != c.want || r.Err() != c.err {
				t.Errorf("%d events, Err = %v, want %d, %v", events, r.Err(), c.want, c.err)
			}
			if r.Next() || r.Err() != c.err {
				t.Errorf("after another Next: Err = %v, want %v", r.Err(), c.err)
			}
		})
	}
}

// After a loop over All has ended early, the next loop continues where it stopped.

func TestReaderAllContinues(t *testing.T) {
	r := sse.NewReader(strings.NewReader("data:a\n\ndata:b\n\ndata:c\n\ndata:d"))
	var got []string
	for range 5 {
		for ev, err := range r.All() {
			got = append(got, ev.Data+errorText(err))
			break
		}
	}
	want := []string{"a", "b", "c", "unexpected EOF", "unexpected EOF"}
	if !slices.Equal(got, want) {
		t.Errorf("five loops got %q, want %q", got, want)
	}
	for ev, err := range sse.NewReader(strings.NewReader("")).All() {
		t.Errorf("All of an empty stream: %q, %v", ev, err)
	}
}
