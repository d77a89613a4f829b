package sse

import (
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
