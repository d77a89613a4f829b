package main

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

func clock(t time.Time) span { return span{dim, t.Format("15:04:05.000") + "  "} }

// event shows an event: on one line if it fits, else its data below.
func (v *view) event(ev sse.Event, now time.Time, gap time.Duration) error {
	head := []span{clock(now), {dim, fmt.Sprintf("%7s  ", "+"+units.Duration(gap))}, {bold, escape.Line(ev.Type)}}
	if ev.ID != "" {
		head = append(head, span{plain, "  "}, span{cyan, "id " + escape.Line(ev.ID)})
	}
	width := v.width()
	isJSON := ev.Data != "" && strings.IndexByte("{[", ev.Data[0]) >= 0 && json.Valid([]byte(ev.Data))
	if len(ev.Data) <= 2*width && !strings.Contains(ev.Data, "\n") {
		line := []span{{plain, escape.Line(ev.Data)}}
		if isJSON {
			line = jsonLines(ev.Data, 0, 1)[0]
		} else if ev.Data == "" {
			line = []span{{dim, "(empty)"}}
		}
		if line = append(append(slices.Clip(head), span{plain, "  "}), line...); fits(line, width) {
			return v.lines(line)
		}
	}
	limit := maxLines
	if v.full {
		limit = len(ev.Data) + 1
	}
	var body [][]span
	if isJSON {
		body = jsonLines(ev.Data, max(width-4, 1), limit+1)
	} else {
		for l := range strings.SplitSeq(ev.Data, "\n") {
			if !v.full {
				l = escape.Truncate(l, perColumn*width+utf8.UTFMax) // more than fits: the rest need not be looked at
			}
			body = append(body, []span{{plain, escape.Line(strings.ReplaceAll(l, "\t", "    "))}})
			if len(body) > limit {
				break
			}
		}
	}
	more := len(body) > limit
	if more {
		body = body[:limit]
	}
	if !v.full {
		head = cutLine(head, width)
	}
	lines := [][]span{head}
	for _, l := range body {
		l = append([]span{{plain, "  "}}, l...)
		if !v.full {
			l = cutLine(l, width)
		}
		lines = append(lines, l)
	}
	if more {
		lines = append(lines, []span{{dim, "  … (" + units.Bytes(int64(len(ev.Data))) + "; --full shows all)"}})
	}
	return v.lines(lines...)
}

func (v *view) fit(line []span) []span {
	if v.full {
		return line
	}
	return cutLine(line, v.width())
}
