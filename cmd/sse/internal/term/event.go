package term

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

func clock(t time.Time) Span { return Span{Dim, t.Format("15:04:05.000") + "  "} }

// Event shows an event: on one line if it fits, else its data below.
func (v *View) Event(ev sse.Event, now time.Time, gap time.Duration) error {
	head := []Span{clock(now), {Dim, fmt.Sprintf("%7s  ", "+"+units.Duration(gap))}, {Bold, escape.Line(ev.Type)}}
	if ev.ID != "" {
		head = append(head, Span{Plain, "  "}, Span{cyan, "id " + escape.Line(ev.ID)})
	}
	width := v.width()
	isJSON := ev.Data != "" && strings.IndexByte("{[", ev.Data[0]) >= 0 && json.Valid([]byte(ev.Data))
	if len(ev.Data) <= 2*width && !strings.Contains(ev.Data, "\n") {
		line := []Span{{Plain, escape.Line(ev.Data)}}
		if isJSON {
			line = jsonLines(ev.Data, 0, 1)[0]
		} else if ev.Data == "" {
			line = []Span{{Dim, "(empty)"}}
		}
		if line = append(append(slices.Clip(head), Span{Plain, "  "}), line...); fits(line, width) {
			return v.lines(line)
		}
	}
	limit := maxLines
	if v.Full {
		limit = len(ev.Data) + 1
	}
	var body [][]Span
	if isJSON {
		body = jsonLines(ev.Data, max(width-4, 1), limit+1)
	} else {
		for l := range strings.SplitSeq(ev.Data, "\n") {
			if !v.Full {
				l = escape.Truncate(l, perColumn*width+utf8.UTFMax) // more than fits: the rest need not be looked at
			}
			body = append(body, []Span{{Plain, escape.Line(strings.ReplaceAll(l, "\t", "    "))}})
			if len(body) > limit {
				break
			}
		}
	}
	more := len(body) > limit
	if more {
		body = body[:limit]
	}
	if !v.Full {
		head = cutLine(head, width)
	}
	lines := [][]Span{head}
	for _, l := range body {
		l = append([]Span{{Plain, "  "}}, l...)
		if !v.Full {
			l = cutLine(l, width)
		}
		lines = append(lines, l)
	}
	if more {
		lines = append(lines, []Span{{Dim, "  … (" + units.Bytes(int64(len(ev.Data))) + "; --full shows all)"}})
	}
	return v.lines(lines...)
}

func (v *View) fit(line []Span) []Span {
	if v.Full {
		return line
	}
	return cutLine(line, v.width())
}
