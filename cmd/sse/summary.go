package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// stats counts what a run saw, in memory that does not grow with it. The
// status line and the summary are made from it.
type stats struct {
	mu      sync.Mutex
	start   time.Time
	opened  time.Time // the connection in use; zero: none
	first   time.Time // the first event
	last    time.Time // the last event
	events  int
	bytes   int64
	types   map[string]int
	gaps    gaps
	recent  [rateWindow]int // events of the last seconds, for the rate
	second  int64           // the second, since start, that recent is at
	retries int
	causes  map[string]int
}

const (
	rateWindow = 10
	maxKeys    = 64 // distinct types or causes; the rest count as one
	otherKey   = "(others)"
)

func newStats(now time.Time) *stats {
	return &stats{start: now, types: make(map[string]int), causes: make(map[string]int)}
}

// event counts an event and returns the time since the one before it, or
// since the start.
func (s *stats) event(now time.Time, typ string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	gap := now.Sub(s.start)
	if s.events == 0 {
		s.first = now
	} else {
		gap = now.Sub(s.last)
		s.gaps.add(gap)
	}
	s.last = now
	s.events++
	count(s.types, typ)
	s.turn(now)
	s.recent[s.second%rateWindow]++
	return gap
}

// turn moves the rate's window to now.
func (s *stats) turn(now time.Time) {
	second := int64(now.Sub(s.start) / time.Second)
	if second-s.second >= rateWindow {
		s.recent = [rateWindow]int{}
	} else {
		for s.second < second {
			s.second++
			s.recent[s.second%rateWindow] = 0
		}
	}
	s.second = second
}

// rate is the events a second over the last ten seconds.
func (s *stats) rate(now time.Time) float64 {
	s.turn(now)
	sum := 0
	for _, n := range s.recent {
		sum += n
	}
	return float64(sum) / min(max(now.Sub(s.start).Seconds(), 1), rateWindow)
}

func (s *stats) addBytes(n int) {
	s.mu.Lock()
	s.bytes += int64(n)
	s.mu.Unlock()
}

func (s *stats) open(now time.Time) {
	s.mu.Lock()
	s.opened = now
	s.mu.Unlock()
}

func (s *stats) cut(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = time.Time{}
	s.retries++
	count(s.causes, why)
}

func count(m map[string]int, key string) {
	if len(key) > 128 {
		key = strings.ToValidUTF8(key[:128], "") + "…"
	}
	if _, ok := m[key]; !ok && len(m) >= maxKeys {
		key = otherKey
	}
	m[key]++
}

// gaps is a histogram of durations: 32 steps to each doubling, so that a
// percentile is at most 3% off, in a fixed 13 KiB.
type gaps struct {
	n     int
	max   time.Duration
	steps [52 * gapSteps]int
}

const gapSteps = 32

func (g *gaps) add(d time.Duration) {
	g.n++
	g.max = max(g.max, d)
	g.steps[gapStep(d)]++
}

// gapStep is the step that d, in microseconds, belongs to.
func gapStep(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < gapSteps {
		return int(us)
	}
	e := bits.Len64(us) - 6 // us>>e is at least 32 and below 64
	return e*gapSteps + int(us>>e)
}

// gapFloor is the least duration of a step.
func gapFloor(step int) time.Duration {
	if step < 2*gapSteps {
		return time.Duration(step) * time.Microsecond
	}
	e := step/gapSteps - 1
	return time.Duration((step-e*gapSteps)<<e) * time.Microsecond
}

func gapMiddle(step int) time.Duration {
	return gapFloor(step)/2 + gapFloor(step+1)/2
}

// percentile is the least duration that p percent of the gaps do not exceed,
// but for the width of a step.
func (g *gaps) percentile(p int) time.Duration {
	need := (g.n*p + 99) / 100
	for i, n := range g.steps {
		if need -= n; need <= 0 && n > 0 {
			return min(gapMiddle(i), g.max)
		}
	}
	return 0
}

var histogramEdges = []time.Duration{
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond,
	300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
	time.Hour, math.MaxInt64,
}

// histogram draws the gaps in text, a row for each range between the
// shortest and the longest.
func (g *gaps) histogram(w io.Writer) {
	rows := make([]int, len(histogramEdges))
	for i, n := range g.steps {
		if n > 0 {
			row, _ := slices.BinarySearch(histogramEdges, gapMiddle(i)+1)
			rows[row] += n
		}
	}
	from, to := 0, len(rows)
	for from < to && rows[from] == 0 {
		from++
	}
	for to > from && rows[to-1] == 0 {
		to--
	}
	most := slices.Max(rows)
	for i := from; i < to; i++ {
		label := "longer"
		if i < len(rows)-1 {
			label = "< " + short(histogramEdges[i])
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%11s %6d  %s", label, rows[i], bar(rows[i], most)), " "))
	}
}

// bar is up to 40 columns long, in eighths of a column.
func bar(n, most int) string {
	eighths := (n*40*8 + most - 1) / most
	s := strings.Repeat("█", eighths/8)
	if eighths%8 > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[eighths%8])
	}
	return s
}

// report is the summary as --summary json prints it; times are in seconds.
type report struct {
	Events      int            `json:"events"`
	Types       map[string]int `json:"types"`
	Bytes       int64          `json:"bytes"`
	Duration    float64        `json:"duration_s"`
	First       *float64       `json:"first_event_s"` // null: there was none
	GapP50      *float64       `json:"gap_p50_s"`     // null: fewer than two events
	GapP95      *float64       `json:"gap_p95_s"`
	GapMax      *float64       `json:"gap_max_s"`
	Reconnects  int            `json:"reconnects"`
	Causes      map[string]int `json:"causes"`
	LastEventID string         `json:"last_event_id"`
	End         string         `json:"end"`
	ExitCode    int            `json:"exit_code"`
}

func (s *stats) writeJSON(w io.Writer, now time.Time, id, end string, code int) {
	seconds := func(d time.Duration) *float64 {
		f := math.Round(d.Seconds()*1e6) / 1e6
		return &f
	}
	r := report{
		Events: s.events, Types: s.types, Bytes: s.bytes, Duration: *seconds(now.Sub(s.start)),
		Reconnects: s.retries, Causes: s.causes, LastEventID: id, End: end, ExitCode: code,
	}
	if s.events > 0 {
		r.First = seconds(s.first.Sub(s.start))
	}
	if s.gaps.n > 0 {
		r.GapP50, r.GapP95, r.GapMax = seconds(s.gaps.percentile(50)), seconds(s.gaps.percentile(95)), seconds(s.gaps.max)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(r)
}

// writeText is the summary for people.
func (s *stats) writeText(w io.Writer, now time.Time, id, end string) {
	fmt.Fprintf(w, "\n%s in %s, %s; ended: %s\n", plural(s.events, "event"), short(now.Sub(s.start)), byteSize(s.bytes), end)
	if s.events > 0 {
		fmt.Fprintf(w, "types        %s\n", counts(s.types))
		fmt.Fprintf(w, "first event  after %s\n", short(s.first.Sub(s.start)))
	}
	if s.gaps.n > 0 {
		fmt.Fprintf(w, "gaps         p50 %s, p95 %s, max %s\n", short(s.gaps.percentile(50)), short(s.gaps.percentile(95)), short(s.gaps.max))
		s.gaps.histogram(w)
	}
	if s.retries > 0 {
		fmt.Fprintf(w, "reconnects   %d: %s\n", s.retries, counts(s.causes))
	}
	if id != "" {
		fmt.Fprintf(w, "last id      %s\n", escape(id))
	}
}

// counts lists a map's keys, the most frequent first.
func counts(m map[string]int) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", escape(k), m[k])
	}
	return b.String()
}

// cause says in few words why a connection ended or failed, so that the
// same cause counts as the same.
func cause(err error) string {
	var (
		re  *sse.ResponseError
		dns *net.DNSError
		t   interface{ Timeout() bool }
	)
	switch {
	case err == io.EOF:
		return "end of the response"
	case errors.As(err, &re) && re.Status != "":
		return escape(re.Status)
	case errors.Is(err, sse.ErrIdleTimeout):
		return "idle timeout"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.As(err, &dns):
		return "host not found"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &t) && t.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF):
		return "connection closed"
	}
	return message(err)
}

// message is an error's text for one line, without the library's name.
func message(err error) string {
	return escape(strings.TrimPrefix(err.Error(), "sse: "))
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// short shows a duration with three digits at most: 12ms, 1.53s, 4m10s, 3h05m.
func short(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + "µs"
	case d < time.Second:
		return digits(d.Seconds()*1000) + "ms"
	case d < time.Minute:
		return digits(d.Seconds()) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

func byteSize(n int64) string {
	if n < 1000 {
		return plural(int(n), "byte")
	}
	f, unit := float64(n), 0
	for f >= 999.5 && unit < 4 {
		f, unit = f/1000, unit+1
	}
	return digits(f) + " " + []string{"", "kB", "MB", "GB", "TB"}[unit]
}

func digits(f float64) string {
	precision := 0
	switch {
	case f < 9.995:
		precision = 2
	case f < 99.95:
		precision = 1
	}
	s := strconv.FormatFloat(f, 'f', precision, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
