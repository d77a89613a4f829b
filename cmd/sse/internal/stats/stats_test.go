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
