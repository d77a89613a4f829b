package stats

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A Report is the summary that --summary json prints. Its times are in seconds.
type Report struct {
	Events      int            `json:"events"`
	Types       map[string]int `json:"types"`
	Bytes       int64          `json:"bytes"`
	Duration    float64        `json:"duration_s"`
	First       *float64       `json:"first_event_s"` // null if there was no event
	GapP50      *float64       `json:"gap_p50_s"`     // null if there were fewer than two events
	GapP95      *float64       `json:"gap_p95_s"`
	GapMax      *float64       `json:"gap_max_s"`
	Ignored     int            `json:"ignored_lines"`
	Errors      int            `json:"error_events"`
	Model       *Model         `json:"model,omitempty"` // with --text
	Reconnects  int            `json:"reconnects"`
	Causes      map[string]int `json:"causes"`
	LastEventID string         `json:"last_event_id"`
	End         string         `json:"end"`
	ExitCode    int            `json:"exit_code"`
}

// WriteJSON writes the summary of a run to w as a JSON object.
func (s *Stats) WriteJSON(w io.Writer, now time.Time, lastEventID string, status errtext.Status) {
	r := Report{
		Events:      s.events,
		Types:       s.types,
		Bytes:       s.bytes,
		Duration:    *seconds(now.Sub(s.start)),
		Reconnects:  s.reconnects,
		Causes:      s.causes,
		Ignored:     s.ignored,
		Errors:      s.errors,
		Model:       s.model,
		LastEventID: lastEventID,
		End:         status.Name,
		ExitCode:    status.Code,
	}
	if s.events > 0 {
		r.First = seconds(s.first.Sub(s.start))
	}
	if s.gaps.n > 0 {
		r.GapP50 = seconds(s.gaps.percentile(50))
		r.GapP95 = seconds(s.gaps.percentile(95))
		r.GapMax = seconds(s.gaps.max)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(r)
}

// seconds returns d in seconds, rounded to microseconds.
func seconds(d time.Duration) *float64 {
	f := math.Round(d.Seconds()*1e6) / 1e6
	return &f
}

// WriteText writes the summary of a run to w for people. Bars are drawn for a terminal of width
// columns.
func (s *Stats) WriteText(
	w io.Writer, width int, now time.Time, lastEventID string, status errtext.Status,
) {
	fmt.Fprintf(w, "\n%s in %s, %s; ended: %s\n", units.Plural(s.events, "event"),
		units.Duration(now.Sub(s.start)), units.Bytes(s.bytes), status.Text)
	if s.events > 0 {
		fmt.Fprintf(w, "types        %s\n", formatCounts(s.types))
		fmt.Fprintf(w, "first event  after %s\n", units.Duration(s.first.Sub(s.start)))
	}
	if s.gaps.n > 0 {
		fmt.Fprintf(w, "gaps         p50 %s, p95 %s, max %s\n",
			units.Duration(s.gaps.percentile(50)), units.Duration(s.gaps.percentile(95)),
			units.Duration(s.gaps.max))
		if s.model == nil {
			s.gaps.histogram(w, width)
		}
	}
	if s.model != nil {
		s.writeModel(w)
	}
	if s.errors > 0 {
		fmt.Fprintf(w, "errors       %d sent by the stream\n", s.errors)
	}
	if s.ignored > 0 {
		fmt.Fprintf(w, "ignored      %s\n", units.Plural(s.ignored, "line"))
	}
	if s.reconnects > 0 {
		fmt.Fprintf(w, "reconnects   %d: %s\n", s.reconnects, formatCounts(s.causes))
	}
	if lastEventID != "" {
		fmt.Fprintf(w, "last id      %s\n", escape.Line(lastEventID))
	}
}

// formatCounts lists the keys of m and their counts, the highest count first.
func formatCounts(m map[string]int) string {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
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
