package main

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
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

func TestGapSteps(t *testing.T) {
	t.Parallel()
	last := -1
	for _, d := range []time.Duration{-1, 0, 1, time.Microsecond, 31 * time.Microsecond, 32 * time.Microsecond, 63 * time.Microsecond,
		64 * time.Microsecond, time.Millisecond, time.Second, time.Hour, 1<<63 - 1} {
		step := gapStep(d)
		if step < last || step >= len(gaps{}.steps) {
			t.Errorf("gapStep(%d) = %d after %d", d, step, last)
		}
		last = step
		if floor := gapFloor(step); floor > max(d, 0) || gapFloor(step+1) <= d && gapFloor(step+1) > 0 {
			t.Errorf("gapFloor(%d) = %v for %v", step, floor, d)
		}
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	var g gaps
	for d, n := range map[time.Duration]int{2 * time.Millisecond: 3, 20 * time.Millisecond: 40, 900 * time.Millisecond: 1, time.Second: 2} {
		for range n {
			g.add(d)
		}
	}
	var b strings.Builder
	g.histogram(&b)
	const want = `      < 3ms      3  ███
     < 10ms      0
     < 30ms     40  ████████████████████████████████████████
    < 100ms      0
    < 300ms      0
       < 1s      1  █
       < 3s      2  ██
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-1: "0s", 0: "0s", 812 * time.Microsecond: "812µs", time.Millisecond: "1ms", 1530 * time.Microsecond: "1.53ms", 12345 * time.Microsecond: "12.3ms",
		250 * time.Millisecond: "250ms", 1530 * time.Millisecond: "1.53s", 59 * time.Second: "59s", time.Minute: "1m00s", 250 * time.Second: "4m10s",
		185 * time.Minute: "3h05m", 50 * time.Hour: "2d02h",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%d) = %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 kB", 1234567: "1.23 MB", 999999: "1 MB", 5e15: "5000 TB"} {
		if got := byteSize(n); got != want {
			t.Errorf("byteSize(%d) = %s, want %s", n, got, want)
		}
	}
}

// A server can't make the counters grow without end.
func TestStatsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStats(time.Now())
	for i := range 10 * maxKeys {
		s.event(s.start, strings.Repeat("é", 1000)+string(rune('a'+i)))
		s.event(s.start, string(rune(0x4e00+i)))
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

func TestRate(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s := newStats(start)
	for i := range 100 { // ten a second for ten seconds
		s.event(start.Add(time.Duration(i)*100*time.Millisecond), "x")
	}
	for _, test := range []struct {
		after time.Duration
		want  float64
	}{{9900 * time.Millisecond, 100 / 9.9}, {15 * time.Second, 4}, {19500 * time.Millisecond, 0}, {time.Hour, 0}} {
		if got := s.rate(start.Add(test.after)); got != test.want {
			t.Errorf("rate after %v = %v, want %v", test.after, got, test.want)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	r := runSSE(t, sample, "-", "--summary")
	if r.code != 0 {
		t.Errorf("exit code %d", r.code)
	}
	times := regexp.MustCompile(`\d+(\.\d+)?(µs|ms|s)`)
	lines := strings.Split(times.ReplaceAllString(r.stderr, "T"), "\n")
	want := []string{"", "3 events in T, 138 bytes; ended: end of the input", "types        done 1, message 1, tick 1", "first event  after T", "gaps         p50 T, p95 T, max T"}
	if len(lines) < 8 || !slices.Equal(lines[:5], want) || lines[len(lines)-2] != "last id      3" {
		t.Errorf("summary:\n%s", r.stderr)
	}
	if r := runSSE(t, sample, "-"); r.stderr != "" {
		t.Errorf("without --summary: %s", r.stderr)
	}
}

func TestSummaryJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		end  string
		code int
	}{
		{[]string{"-"}, "input", exitDone},
		{[]string{"-", "-n", "2"}, "count", exitDone},
		{[]string{"-", "--until", "two\nlines", "-s"}, "until", exitDone},
		{[]string{"--for", "0.05", "-s", "http://127.0.0.1:1"}, "for", exitDone},
		{[]string{once(t, sample)}, "server", exitDone},
		{[]string{"--no-reconnect", "http://127.0.0.1:1"}, "error", exitError},
	} {
		r := runSSE(t, sample, append(test.args, "--summary", "json")...)
		text := r.stderr[strings.LastIndex(strings.TrimSuffix(r.stderr, "\n"), "\n")+1:]
		var got report
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%v: %v\n%s", test.args, err, r.stderr)
			continue
		}
		if got.End != test.end || got.ExitCode != test.code || r.code != test.code || got.Duration <= 0 {
			t.Errorf("%v: exit code %d, %s", test.args, r.code, text)
		}
		if (got.Events > 0) != (got.First != nil) || (got.Events > 1) != (got.GapP50 != nil) {
			t.Errorf("%v: times: %s", test.args, text)
		}
	}
}
