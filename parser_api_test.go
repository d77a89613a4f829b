package sse_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
)

func TestParserReset(t *testing.T) {
	p := new(sse.Parser)
	p.Reset()
	p.Write([]byte("retry:5\nid:1\ndata:a\n\nid:2\ndata:b\n\nretry:6\nevent:e\nid:3\ndata:c\r"))
	if !p.Next() || p.Event() != (sse.Event{ID: "1", Type: "message", Data: "a"}) {
		t.Fatalf("first event %q", p.Event())
	}
	p.Reset()
	p.Reset()
	if p.Next() || p.Event() != (sse.Event{}) || p.Partial() || p.Err() != nil {
		t.Errorf("after Reset: Event = %q, Partial = %t, Err = %v",
			p.Event(), p.Partial(), p.Err())
	}
	if d, ok := p.Retry(); p.LastEventID() != "1" || d != 5*time.Millisecond || !ok {
		t.Errorf("after Reset: LastEventID = %q, Retry = %v, %t, want 1, 5ms, true",
			p.LastEventID(), d, ok)
	}
	want := outcome{
		Events: []sse.Event{message("1", "d")}, LastEventID: "1",
		Retry: 5 * time.Millisecond, HasRetry: true,
	}
	if got := push(t, p, [][]byte{[]byte("\n\xef\xbb\xbfdata:no\n\ndata:d\n\n")}); !want.equal(got) {
		t.Errorf("the next connection (-want +got):\n%s", want.diff(got))
	}
}

// OnComment is called with the first 4 KiB of each comment, decoded.
func TestParserOnComment(t *testing.T) {
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
		for _, size := range []int{1, 3, 1 << 20} {
			var got []string
			p := &sse.Parser{OnComment: func(text string) { got = append(got, text) }}
			push(t, p, slices.Collect(slices.Chunk([]byte(c.stream), size)))
			if !slices.Equal(got, c.want) {
				t.Errorf("%.40q in chunks of %d: comments %.80q, want %.80q",
					c.stream, size, got, c.want)
			}
		}
	}
}
