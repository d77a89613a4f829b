package stats

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// Report is the summary as --summary json prints it; times are in seconds.
type Report struct {
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

func (s *Stats) WriteJSON(w io.Writer, now time.Time, id string, status errtext.Status) {
	seconds := func(d time.Duration) *float64 {
		f := math.Round(d.Seconds()*1e6) / 1e6
		return &f
	}
	r := Report{
		Events: s.events, Types: s.types, Bytes: s.bytes, Duration: *seconds(now.Sub(s.start)),
		Reconnects: s.reconnects, Causes: s.causes, LastEventID: id, End: status.Name, ExitCode: status.Code,
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

// WriteText is the summary for people.
func (s *Stats) WriteText(w io.Writer, now time.Time, id string, status errtext.Status) {
	fmt.Fprintf(w, "\n%s in %s, %s; ended: %s\n", units.Plural(s.events, "event"), units.Duration(now.Sub(s.start)), units.Bytes(s.bytes), status.Text)
	if s.events > 0 {
		fmt.Fprintf(w, "types        %s\n", counts(s.types))
		fmt.Fprintf(w, "first event  after %s\n", units.Duration(s.first.Sub(s.start)))
	}
	if s.gaps.n > 0 {
		fmt.Fprintf(w, "gaps         p50 %s, p95 %s, max %s\n", units.Duration(s.gaps.percentile(50)), units.Duration(s.gaps.percentile(95)), units.Duration(s.gaps.max))
		s.gaps.histogram(w)
	}
	if s.reconnects > 0 {
		fmt.Fprintf(w, "reconnects   %d: %s\n", s.reconnects, counts(s.causes))
	}
	if id != "" {
		fmt.Fprintf(w, "last id      %s\n", escape.Line(id))
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
		fmt.Fprintf(&b, "%s %d", escape.Line(k), m[k])
	}
	return b.String()
}
