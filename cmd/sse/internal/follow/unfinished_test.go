package follow

import (
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

func TestUnfinishedFindsLastEvent(t *testing.T) {
	t.Parallel()
	const done = "[DONE]"
	for _, test := range []struct{ stream, want string }{
		{"data: a\n\ndata: [DONE]", done},
		{"data: a\n\ndata: [DONE]\n", done},
		{"data: a\n\ndata: [DONE]\r", done},
		{"data: a\n\ndata: [DONE]\r\n", done},
		{"data: a\n\nid: 1\ndata: [DONE]\nevent: end\n", done},
		{"data: a\n\ndata: [DONE", "[DONE"},
		{"data: a\n\ndata: [DONE]\n\n", ""},
		{"data: a\n\n: [DONE]", ""},
		{"data: a\n\nid: 1\n", ""},
		{"", ""},
	} {
		for size := 1; size <= len(test.stream)+1; size++ {
			u := new(unfinished)
			for rest := test.stream; rest != ""; {
				n := min(size, len(rest))
				u.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			ev, ok := u.event()
			if ev.Data != test.want || ok != (test.want != "") {
				t.Fatalf("%q in pieces of %d: event %q, %t, want %q",
					test.stream, size, ev.Data, ok, test.want)
			}
			u.reset()
			if ev, ok := u.event(); ok {
				t.Fatalf("after reset: %+v", ev)
			}
		}
	}
}

func TestUnfinishedBoundsMemory(t *testing.T) {
	t.Parallel()
	u := &unfinished{parser: sse.Parser{MaxEventSize: 1000}}
	for range 1000 {
		u.Write([]byte(strings.Repeat("data: x\n", 1000)))
	}
	if ev, ok := u.event(); ok {
		t.Errorf("an event of %d bytes is kept", len(ev.Data))
	}
}
