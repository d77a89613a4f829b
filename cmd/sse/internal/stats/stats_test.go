package stats

import (
	"strings"
	"testing"
	"time"
)

// A server with many event types must not use up the memory.
func TestStatsBoundMemory(t *testing.T) {
	t.Parallel()
	s := New(time.Now())
	for i := range 10 * maxKeys {
		s.Event(s.start, strings.Repeat("é", 1000)+string(rune('a'+i)))
		s.Event(s.start, string(rune(0x4e00+i)))
	}
	if len(s.types) != maxKeys+1 || s.events != 20*maxKeys {
		t.Errorf("%d types of %d events", len(s.types), s.events)
	}
	sum := 0
	for typ, n := range s.types {
		if sum += n; len(typ) > 200 {
			t.Errorf("a type of %d bytes", len(typ))
		}
	}
	if sum != s.events {
		t.Errorf("the types count %d events, want %d", sum, s.events)
	}
}

func TestStatsSnapshotAndGaps(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s := New(start)
	if p50, p95, longest, ok := s.Gaps(); ok {
		t.Errorf("the gaps of no events: %v, %v, %v", p50, p95, longest)
	}
	for i, ms := range []int{100, 110, 120, 130, 1130} {
		s.Event(start.Add(time.Duration(ms)*time.Millisecond), "x")
		if _, _, _, ok := s.Gaps(); ok != (i > 0) {
			t.Errorf("after %d events: Gaps reports %t", i+1, ok)
		}
	}
	s.AddBytes(7)
	s.AddComment()
	s.AddIgnored()
	s.Opened(start)
	s.Disconnected("x")
	now := start.Add(time.Minute)
	want := Snapshot{
		Events: 5, Bytes: 7, Reconnects: 1, Comments: 1, Ignored: 1,
		First: start.Add(100 * time.Millisecond), Last: start.Add(1130 * time.Millisecond),
	}
	if got := s.Snapshot(now); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	p50, p95, longest, _ := s.Gaps()
	if p50.Round(time.Millisecond) != 10*time.Millisecond || p95 != time.Second ||
		longest != time.Second {
		t.Errorf("gaps %v, %v, %v", p50, p95, longest)
	}
}

func TestStatsRate(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s := New(start)
	for i := range 100 { // ten events per second
		s.Event(start.Add(time.Duration(i)*100*time.Millisecond), "x")
	}
	for _, test := range []struct {
		after time.Duration
		want  float64
	}{{9900 * time.Millisecond, 100 / 9.9}, {15 * time.Second, 4}, {19500 * time.Millisecond, 0},
		{time.Hour, 0}} {
		if got := s.rate(start.Add(test.after)); got != test.want {
			t.Errorf("rate after %v = %v, want %v", test.after, got, test.want)
		}
	}
}
