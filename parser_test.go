package sse

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestParserOnCommentPanics checks that a panic of OnComment loses its comment and nothing else.
func TestParserOnCommentPanics(t *testing.T) {
	p := Parser{OnComment: func(string) { panic("hook") }}
	p.Write([]byte("data: a\n:c\ndata: b\n\n"))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		p.Next()
	}()
	if !p.Next() || string(p.Data()) != "a\nb" {
		t.Errorf("data = %q, want a and b", p.Data())
	}
}

// TestParserReleasesLargeID checks that the memory of a large ID is not kept for small ones.
func TestParserReleasesLargeID(t *testing.T) {
	var p Parser
	p.Write([]byte("id:" + strings.Repeat("x", 16<<20) + "\ndata:\n\n"))
	for p.Next() {
	}
	for range 3 {
		p.Write([]byte("id:1\ndata:\n\n"))
		for p.Next() {
		}
		runtime.GC()
	}
	if n := cap(p.lastID.own) + cap(p.idBuffer.own); n > 2*largeBuffer {
		t.Errorf("%d bytes are held for ids", n)
	}
	if got := p.LastEventID(); got != "1" {
		t.Errorf("LastEventID() = %.20q, want 1", got)
	}
}

// TestParserReleasesLargeValues checks that no value that was large once keeps its memory, even if
// the stream pauses within a line.
func TestParserReleasesLargeValues(t *testing.T) {
	const large = 1 << 20
	x := strings.Repeat("x", large)
	for _, in := range []string{
		"id:" + x + "\n",
		"id:\xff" + x + "\nid:1\n\n",
		"id:" + x + "\ndata:a\n\n",
		"event:" + x + "\ndata:a\n\n",
		"event:" + x + "\n\n",
	} {
		var p Parser
		for _, in := range []string{in, "id:1\ndata:a\n\n", "id:2\n\ndata:y"} {
			p.Write([]byte(in))
			for p.Next() {
				p.Event()
			}
		}
		for p.Write([]byte("y\n\nid:3\n\n")); p.Next(); {
		}
		p.Write([]byte("data:y"))
		p.Next()
		held := len(p.buf.data) + cap(p.data.own) + cap(p.lastID.own) + cap(p.idBuffer.own) +
			len(p.lastID.idString) + len(p.eventType.last.name)
		if held > 64<<10 {
			t.Errorf("%.8q and small events: %d bytes are held", in, held)
		}
	}
}

// OnIgnored gets the same lines wherever the stream is split, and never a known field or a comment.
func TestParserOnIgnored(t *testing.T) {
	long := strings.Repeat("é", maxHookText)
	for _, test := range []struct {
		name, stream string
		want         []string
	}{
		{"unknown fields", "foo: bar\nfoo\nDATA: x\n data: x\n", []string{"foo: bar", "foo", "DATA: x",
			" data: x"}},
		{"prefixes of known fields", "d\nda: x\ndat\nidd: x\neven\nretr:1\n", []string{"d", "da: x",
			"dat", "idd: x", "even", "retr:1"}},
		{"known fields", "data\ndata: x\nevent\nevent: x\nid\nid: x\nretry: 5\n\n", nil},
		{"comments and blank lines", ":\n: foo: bar\n\n\n", nil},
		{"invalid retry fields", "retry\nretry:\nretry: 5x\nretry: -1\n", []string{"retry", "retry:",
			"retry: 5x", "retry: -1"}},
		{"an id with a NUL", "id: a\x00b\n", []string{"id: a\x00b"}},
		{"line endings", "a\rb\r\nc\n", []string{"a", "b", "c"}},
		{"a byte order mark", "\ufeffa\n\ufeffb\n", []string{"a", "\ufeffb"}},
		{"invalid UTF-8", "a\xff\xe2\x82\n", []string{"a\ufffd\ufffd"}},
		{"a long line", long + "\n", []string{long[:maxHookText]}},
		{"a long retry field", "retry: x" + long + "\n", []string{("retry: x" + long)[:maxHookText]}},
		{"JSON", `{"error": "data: x"}` + "\n", []string{`{"error": "data: x"}`}},
		{"an incomplete line", "a\nb", []string{"a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, n := range []int{len(test.stream), 1, 2, 3, 7} {
				var got []string
				p := Parser{OnIgnored: func(line string) { got = append(got, line) }}
				for stream := test.stream; len(stream) > 0; {
					m := min(n, len(stream))
					p.Write([]byte(stream[:m]))
					for stream = stream[m:]; p.Next(); {
					}
				}
				equal(t, fmt.Sprintf("lines in chunks of %d", n), got, test.want)
			}
		})
	}
}

// The hook may panic: the line is not parsed again.
func TestParserOnIgnoredPanics(t *testing.T) {
	p := Parser{OnIgnored: func(line string) { panic(line) }}
	p.Write([]byte("foo\ndata: x\n\n"))
	func() {
		defer func() { equal(t, "panic", recover(), any("foo")) }()
		p.Next()
	}()
	if !p.Next() || string(p.Data()) != "x" {
		t.Errorf("the event is %+v", p.Event())
	}
}
