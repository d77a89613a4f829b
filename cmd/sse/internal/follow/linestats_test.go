package follow

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLineStatsLines(t *testing.T) {
	t.Parallel()
	const in = "data: a\rdata: b\r\n\ndata: c\n\r\n: x\r\n\r\rid: 1\nretry: 50\r\nretry:007\nretry: -1\nretry: 1s\nretry\n{\"a\"\nhello\n"
	for size := 1; size <= len(in); size++ {
		w := &lineStats{}
		var retries []time.Duration
		w.onRetry = func(d time.Duration) { retries = append(retries, d) }
		for i := 0; i < len(in); i += size {
			w.Write([]byte(in[i:min(i+size, len(in))]))
		}
		got := []int{w.data, w.fields, w.unknown, w.json, w.empty}
		if diff := cmp.Diff([]int{3, 1, 2, 1, 4}, got); diff != "" {
			t.Fatalf("in pieces of %d: counts (-want +got):\n%s", size, diff)
		}
		if diff := cmp.Diff([]time.Duration{50 * time.Millisecond, 7 * time.Millisecond}, retries); diff != "" {
			t.Fatalf("in pieces of %d: retries (-want +got):\n%s", size, diff)
		}
	}
}

func TestLineStatsByteOrderMark(t *testing.T) {
	t.Parallel()
	w := &lineStats{}
	for _, in := range []string{"\ufeffdata: a\n\n", "\ufeff\n\ufeffdata\n", "\ufeffretry: 1"} {
		w.reset()
		w.Write([]byte(in))
	}
	got := []int{w.data, w.empty, w.unknown}
	if diff := cmp.Diff([]int{1, 2, 1}, got); diff != "" {
		t.Errorf("data, blank and unknown lines (-want +got):\n%s", diff)
	}
}

// A line of any length costs no memory.
func TestLineStatsLongLine(t *testing.T) {
	t.Parallel()
	w := &lineStats{}
	for range 1000 {
		w.Write(make([]byte, 1000))
	}
	if len(w.line) != lineHead {
		t.Errorf("%d bytes are kept", len(w.line))
	}
	w.Write([]byte("\nretry: 99999999999999999999999\n"))
	if w.unknown != 1 {
		t.Errorf("unknown lines = %d, want 1", w.unknown)
	}
}
