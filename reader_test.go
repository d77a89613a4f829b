package sse

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestReaderResultIsIndependentOfReads reads a stream in reads of different sizes.
func TestReaderResultIsIndependentOfReads(t *testing.T) {
	const in = "\xef\xbb\xbf:c\r\nid: 1\r\nevent: x\r\ndata: a\r\ndata:  b\xe2\x82x\r\n\r\n" +
		"id:2\n\ndata\n\n:\nretry:0400\ndata: y\r\rdata:z"
	want := []Event{{"1", "x", "a\n b\ufffdx"}, {"2", "message", ""}, {"2", "message", "y"}}
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole":           func(r io.Reader) io.Reader { return r },
		"one byte a read": iotest.OneByteReader,
		"half reads":      iotest.HalfReader,
		"data with EOF":   iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(wrap(strings.NewReader(in)))
			var got []Event
			var last error
			for ev, err := range r.All() {
				if err != nil {
					last = err
					continue
				}
				got = append(got, ev)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if last != io.ErrUnexpectedEOF {
				t.Errorf("err = %v, want io.ErrUnexpectedEOF", last)
			}
		})
	}
}

// TestReaderEmptyReads checks that 100 empty reads in a row are an error and 99 are not, however
// short the reads before them were.
func TestReaderEmptyReads(t *testing.T) {
	for _, first := range [][]string{
		nil, {"data:xy"}, {"data:x", "y"}, {"data:x", strings.Repeat("y", 60), "y"},
	} {
		for _, empty := range []int{maxEmptyReads - 1, maxEmptyReads} {
			reads := append(append([]string{}, first...), make([]string, empty)...)
			r := NewReader(&readList{append(reads, "\ndata\n\n")})
			events := 0
			for r.Next() {
				events++
			}
			want := empty < maxEmptyReads
			if (events == 1) != want || (r.Err() == nil) != want ||
				!want && r.Err() != io.ErrNoProgress {
				t.Errorf("%d empty reads after %d: %d events, Err() = %v", empty, len(first), events, r.Err())
			}
		}
	}
}

// TestReaderTooLargeWithoutProgress checks that ErrEventTooLarge is returned even if the line has
// not ended and only empty reads follow.
func TestReaderTooLargeWithoutProgress(t *testing.T) {
	reads := []string{"data:x", strings.Repeat("x", 60), strings.Repeat("x", 60)}
	r := NewReader(&readList{append(reads, make([]string, maxEmptyReads)...)})
	r.MaxEventSize = 100
	if r.Next() || !errors.Is(r.Err(), ErrEventTooLarge) {
		t.Errorf("Err() = %v", r.Err())
	}
}

// TestReaderReportsTooLargeAtOnce checks that ErrEventTooLarge is returned after the byte that
// exceeds the limit, if each read returns one byte.
func TestReaderReportsTooLargeAtOnce(t *testing.T) {
	for _, begin := range []string{"", "data:abcd\n", "event:abcd\n", "id:abcd\n", "id:abcd\n\n"} {
		limit := 10
		l := &readList{append([]string{begin + "data:"}, strings.Split(strings.Repeat("x", 400), "")...)}
		r := NewReader(l)
		r.MaxEventSize = limit
		if r.Next() || !errors.Is(r.Err(), ErrEventTooLarge) {
			t.Errorf("%q: Err() = %v", begin, r.Err())
		}
		var p Parser
		p.MaxEventSize = limit
		p.Write([]byte(begin + "data:"))
		n := 0
		for p.Next(); p.Err() == nil; p.Next() {
			p.Write([]byte("x"))
			n++
		}
		if got := 400 - len(l.rest); got != n {
			t.Errorf("%q: an error after %d bytes, want %d", begin, got, n)
		}
	}
}

// TestReaderReadsOnlyWhatIsNeeded checks that an event is delivered before the next read, and that
// the buffer does not grow, whether lines are parsed by the fast path or MaxEventSize prevents it.
func TestReaderReadsOnlyWhatIsNeeded(t *testing.T) {
	const event = "data:abcdefghij\n\n"
	for _, limit := range []int{10, 11, 1000, 100_000} {
		src := &endless{event: event}
		r := NewReader(src)
		r.MaxEventSize = limit
		for n := range 20_000 {
			if !r.Next() || r.Err() != nil {
				t.Fatalf("MaxEventSize %d: event %d: Err() = %v", limit, n, r.Err())
			}
			read, size := src.n/len(event), len(r.p.buf.data)
			if n == 0 && src.reads > 1 || read-n > largeBuffer/len(event) || size > largeBuffer {
				t.Fatalf("MaxEventSize %d: event %d after %d reads of %d events, the buffer is %d bytes",
					limit, n, src.reads, read, size)
			}
		}
	}
}

// endless is an io.Reader of a stream that repeats event without end.
type endless struct {
	event    string
	n, reads int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.event[(e.n+i)%len(e.event)]
	}
	e.n += len(p)
	e.reads++
	return len(p), nil
}

// TestReaderReadPanics checks that a panic of the io.Reader loses nothing: later reads continue as
// if it had not happened.
func TestReaderReadPanics(t *testing.T) {
	for _, first := range []string{
		// This one fills the buffer.
		"data: a\n:" + strings.Repeat("c", smallBuffer-padding-len("data: a\n:\n")) + "\n",
		"data: a\n:c\n", "data: a\n:c", "data: a\nda", "data: a\n\ndata: a\n",
	} {
		rest := &readList{[]string{first, "", "\ndata: b\n\n"}}
		r := NewReader(readFunc(func(p []byte) (int, error) {
			if len(rest.rest) == 2 {
				rest.Read(p)
				panic("read")
			}
			return rest.Read(p)
		}))
		next := func() bool {
			defer func() { recover() }()
			return r.Next()
		}
		var got []string
		for range 5 {
			if next() {
				got = append(got, string(r.Data()))
			}
		}
		var want []string
		for all := NewReader(strings.NewReader(first + "\ndata: b\n\n")); all.Next(); {
			want = append(want, string(all.Data()))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.20q, a panic, and more (-want +got):\n%s", first, diff)
		}
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A readList is an io.Reader that returns one of its strings per read.
type readList struct{ rest []string }

func (l *readList) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.rest[0])
	l.rest = l.rest[1:]
	return n, nil
}
