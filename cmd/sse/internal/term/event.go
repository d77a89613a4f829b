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

// maxLines is how many lines of an event are shown unless Full is set.
const maxLines = 40

// Event shows ev, which arrived at the time now, gap after the event before it. If the event does
// not fit into one line, its data is shown below its type and ID.
func (v *View) Event(ev sse.Event, now time.Time, gap time.Duration) error {
	head := []Span{
		clock(now),
		{Dim, fmt.Sprintf("%7s  ", "+"+units.Duration(gap))},
		{Bold, escape.Line(ev.Type)},
	}
	if ev.ID != "" {
		head = append(head, Span{Plain, "  "}, Span{cyan, "id " + escape.Line(ev.ID)})
	}
	asJSON := isJSON(ev.Data)
	width := v.width()
	if len(ev.Data) <= 2*width && !strings.Contains(ev.Data, "\n") {
		line := append(slices.Clip(head), Span{Plain, "  "})
		line = append(line, dataLine(ev.Data, asJSON)...)
		if fits(line, width) {
			return v.printLines(line)
		}
	}
	limit := maxLines
	if v.Full {
		limit = len(ev.Data) + 1
	}
	lines := [][]Span{v.fit(head)}
	var body [][]Span
	if asJSON {
		body = jsonLines(ev.Data, max(width-4, 1), limit+1)
	} else {
		body = v.textLines(ev.Data, limit+1)
	}
	for _, l := range body[:min(len(body), limit)] {
		lines = append(lines, v.fit(append([]Span{{Plain, "  "}}, l...)))
	}
	if len(body) > limit {
		size := units.Bytes(int64(len(ev.Data)))
		lines = append(lines, []Span{{Dim, "  … (" + size + "; --full shows all)"}})
	}
	return v.printLines(lines...)
}

// dataLine returns data as one line. If asJSON is true, it is formatted and colored as JSON.
func dataLine(data string, asJSON bool) []Span {
	switch {
	case asJSON:
		return jsonLines(data, 0, 1)[0]
	case data == "":
		return []Span{{Dim, "(empty)"}}
	}
	return []Span{{Plain, escape.Line(data)}}
}

// textLines returns at most limit lines of data.
func (v *View) textLines(data string, limit int) [][]Span {
	var lines [][]Span
	for l := range strings.SplitSeq(data, "\n") {
		if len(lines) == limit {
			break
		}
		if !v.Full {
			// Do not process more than can be shown.
			l = escape.Truncate(l, bytesPerColumn*v.width()+utf8.UTFMax)
		}
		l = strings.ReplaceAll(l, "\t", "    ")
		lines = append(lines, []Span{{Plain, escape.Line(l)}})
	}
	return lines
}

// isJSON reports whether data is a JSON object or array.
func isJSON(data string) bool {
	return data != "" && (data[0] == '{' || data[0] == '[') && json.Valid([]byte(data))
}

// clock returns the time of day t at the beginning of a line.
func clock(t time.Time) Span { return Span{Dim, t.Format("15:04:05.000") + "  "} }

// fit returns line cut to the width of the terminal.
func (v *View) fit(line []Span) []Span {
	if v.Full {
		return line
	}
	return cutLine(line, v.width())
}
