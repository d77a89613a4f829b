package sse

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReaderReadsAheadNothing(t *testing.T) {
	const in = "\xef\xbb\xbf:c\r\nid: 1\r\nevent: x\r\ndata: a\r\ndata:  b\xe2\x82x\r\n\r\nid:2\n\ndata\n\n:\nretry:0400\ndata: y\r\rdata:z"
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
