package stats

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGapsPercentile(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 10, 1000, 20000} {
		var g gaps
		var all []time.Duration
		for range n {
			d := time.Duration(rnd.ExpFloat64() * float64(rnd.IntN(3)+1) * float64(time.Second))
			g.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		for _, p := range []int{1, 50, 95, 100} {
			want := all[(n*p+99)/100-1]
			got := g.percentile(p)
			if off := (got - want).Abs(); off > want/32+time.Microsecond {
				t.Errorf("of %d gaps p%d = %v, want %v", n, p, got, want)
			}
		}
		if g.max != all[n-1] {
			t.Errorf("max = %v, want %v", g.max, all[n-1])
		}
	}
}

func TestGapStepBounds(t *testing.T) {
	t.Parallel()
	last := -1
	for _, d := range []time.Duration{-1, 0, 1, time.Microsecond, 31 * time.Microsecond,
		32 * time.Microsecond, 63 * time.Microsecond,
		64 * time.Microsecond, time.Millisecond, time.Second, time.Hour, 1<<63 - 1} {
		step := gapStep(d)
		if step < last || step >= len(gaps{}.steps) {
			t.Errorf("gapStep(%d) = %d after %d", d, step, last)
		}
		last = step
		if floor := gapFloor(step); floor > max(d, 0) || gapFloor(step+1) <= d &&
			gapFloor(step+1) > 0 {
			t.Errorf("gapFloor(%d) = %v for %v", step, floor, d)
		}
	}
}

func TestGapsHistogram(t *testing.T) {
	t.Parallel()
	var g gaps
	for d, n := range map[time.Duration]int{2 * time.Millisecond: 3, 20 * time.Millisecond: 40,
		900 * time.Millisecond: 1, time.Second: 2} {
		for range n {
			g.add(d)
		}
	}
	for width, want := range map[int]string{
		80: `      < 3ms      3  ███
     < 10ms      0
     < 30ms     40  ████████████████████████████████████████
    < 100ms      0
    < 300ms      0
       < 1s      1  █
       < 3s      2  ██
`,
		41: `      < 3ms      3  █▌
     < 10ms      0
     < 30ms     40  ████████████████████
    < 100ms      0
    < 300ms      0
       < 1s      1  ▌
       < 3s      2  █
`,
		10: `      < 3ms      3
     < 10ms      0
     < 30ms     40
    < 100ms      0
    < 300ms      0
       < 1s      1
       < 3s      2
`,
	} {
		var b strings.Builder
		g.histogram(&b, width)
		if b.String() != want {
			t.Errorf("width %d: got:\n%s\nwant:\n%s", width, b.String(), want)
		}
	}
}
