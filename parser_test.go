package sse

import (
	"runtime"
	"strings"
	"testing"
)

// A hook that panics costs its comment, and nothing else.
func TestOnCommentPanics(t *testing.T) {
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

// The memory of a large id goes when a small one has come.
func TestLargeIDDoesNotStay(t *testing.T) {
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
	if n := cap(p.id.buf) + cap(p.nextID.buf); n > 2*largeWindow {
		t.Errorf("%d bytes are held for ids", n)
	}
	if got := p.LastEventID(); got != "1" {
		t.Errorf("LastEventID() = %.20q, want 1", got)
	}
}
