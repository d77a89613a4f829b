package follow

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLineStatsWriteCounts(t *testing.T) {
	t.Parallel()
	const in = "data: a\rdata: b\r\n\ndata: c\n\r\n: x\r\n\r\rid: 1\n" +
		"retry: 50\r\nretry:007\nretry: -1\nretry: 1s\nretry\n{\"a\":1}\nhello\n"
	wantRetries := []time.Duration{50 * time.Millisecond, 7 * time.Millisecond}
	for size := 1; size <= len(in); size++ {
		l := &lineStats{}
		var retries []time.Duration
		l.onRetry = func(d time.Duration) { retries = append(retries, d) }
		for i := 0; i < len(in); i += size {
			l.Write([]byte(in[i:min(i+size, len(in))]))
		}
		got := []int{l.data, l.eventsAndIDs, l.unknown, l.json, l.blank}
		if diff := cmp.Diff([]int{3, 1, 2, 1, 4}, got); diff != "" {
			t.Fatalf("in pieces of %d: counts (-want +got):\n%s", size, diff)
		}
		if diff := cmp.Diff(wantRetries, retries); diff != "" {
			t.Fatalf("in pieces of %d: retries (-want +got):\n%s", size, diff)
		}
	}
}

func TestLineStatsWriteIgnoresByteOrderMark(t *testing.T) {
	t.Parallel()
	l := &lineStats{}
	for _, in := range []string{"\ufeffdata: a\n\n", "\ufeff\n\ufeffdata\n", "\ufeffretry: 1"} {
		l.reset()
		l.Write([]byte(in))
	}
	got := []int{l.data, l.blank, l.unknown}
	if diff := cmp.Diff([]int{1, 2, 1}, got); diff != "" {
		t.Errorf("data, blank and unknown lines (-want +got):\n%s", diff)
	}
}

func TestLineStatsWriteBoundsMemory(t *testing.T) {
	t.Parallel()
	l := &lineStats{}
	for range 1000 {
		l.Write(make([]byte, 1000))
	}
	if len(l.line) != lineHead {
		t.Errorf("%d bytes are kept", len(l.line))
	}
	l.Write([]byte("\nretry: 99999999999999999999999\n"))
	if l.unknown != 1 {
		t.Errorf("unknown lines = %d, want 1", l.unknown)
	}
}

func TestBeginsJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		line         string
		whole, begin bool
	}{
		{`{"a":1}`, true, true},
		{` [1, {"b":[]}]`, true, true},
		{`{"a":"x`, false, true},
		{`{"a":1,`, false, true},
		{`{"a`, false, true},
		{`{`, false, true},
		{`[tru`, false, true},
		{`{abc`, false, false},
		{`{"a" 1}`, false, false},
		{`[INFO] started`, false, false},
		{`"text"`, false, false},
		{`hello`, false, false},
		{``, false, false},
	} {
		whole, begin := beginsJSON([]byte(test.line), true), beginsJSON([]byte(test.line), false)
		if whole != test.whole || begin != test.begin {
			t.Errorf("beginsJSON(%q) = %t, and %t for a beginning, want %t and %t",
				test.line, whole, begin, test.whole, test.begin)
		}
	}
}
