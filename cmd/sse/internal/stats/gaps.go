package stats

import (
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// gaps is a histogram of durations. Each doubling of a duration is divided into gapSteps steps, so
// that the error of a percentile is small and the size is fixed.
type gaps struct {
	n     int
	max   time.Duration
	steps [52 * gapSteps]int
}

const gapSteps = 32

// add counts d.
func (g *gaps) add(d time.Duration) {
	g.n++
	g.max = max(g.max, d)
	g.steps[gapStep(d)]++
}

// gapStep returns the step that counts d. Steps are in microseconds.
func gapStep(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < gapSteps {
		return int(us)
	}
	e := bits.Len64(us) - 6 // so that 32 <= us>>e < 64
	return e*gapSteps + int(us>>e)
}

// gapFloor returns the shortest duration of a step.
func gapFloor(step int) time.Duration {
	if step < 2*gapSteps {
		return time.Duration(step) * time.Microsecond
	}
	e := step/gapSteps - 1
	return time.Duration((step-e*gapSteps)<<e) * time.Microsecond
}

// gapMiddle returns the duration in the middle of a step.
func gapMiddle(step int) time.Duration {
	return gapFloor(step)/2 + gapFloor(step+1)/2
}

// percentile returns the shortest duration that p percent of the gaps do not exceed, with the
// precision of a step.
func (g *gaps) percentile(p int) time.Duration {
	need := (g.n*p + 99) / 100
	for i, n := range g.steps {
		if need -= n; need <= 0 && n > 0 {
			return min(gapMiddle(i), g.max)
		}
	}
	return 0
}

// histogramEdges contains the upper ends of the rows of histogram.
var histogramEdges = []time.Duration{
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond,
	100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, time.Hour, math.MaxInt64,
}

// The width of the rows of histogram, in columns.
const (
	labelWidth  = 20
	maxBarWidth = 40
)

// histogram draws the gaps as text, with a row for each range from the shortest to the longest gap.
// The rows are shorter than width, unless that is too small for the labels.
func (g *gaps) histogram(w io.Writer, width int) {
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
	barWidth := min(max(width-1-labelWidth, 0), maxBarWidth)
	for i := from; i < to; i++ {
		label := "longer"
		if i < len(rows)-1 {
			label = "< " + units.Duration(histogramEdges[i])
		}
		row := fmt.Sprintf("%11s %6d  %s", label, rows[i], bar(rows[i], most, barWidth))
		fmt.Fprintln(w, strings.TrimRight(row, " "))
	}
}

// bar returns a bar of n/most of width columns, with a precision of an eighth of a column.
func bar(n, most, width int) string {
	eighths := (n*width*8 + most - 1) / most
	s := strings.Repeat("█", eighths/8)
	if eighths%8 > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[eighths%8])
	}
	return s
}
