package main

import (
	"fmt"
	"math"
	"strings"
)

// chart returns an SVG image of the parsing ratios on a logarithmic scale. It has a row for each
// workload and a dot for each library whose events are correct.
func (r *results) chart() string {
	const (
		width, left, right = 860, 96, 24
		top, step          = 84, 32
		least, most        = 0.25, 256.0
	)
	bottom := top + step*len(r.Parsings)
	x := func(ratio float64) float64 {
		at := math.Log(min(max(ratio, least), most)/least) / math.Log(most/least)
		return left + at*(width-left-right)
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" `+
		`aria-label="CPU time of parsing, by workload and library">`, width, bottom+52)
	line(`<style>
text {
  font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif;
  fill: #1f2328
}
.title { font-size: 16px; font-weight: 600 }
.small { font-size: 12px; fill: #59636e }
.grid { stroke: #d1d9e0 }
.one { stroke: #59636e }
.peer { fill: #a7b1bb }
.best { fill: #ffffff; stroke: #59636e; stroke-width: 2 }
.strings { fill: #54aeff }
.borrowed { fill: #0550ae }
.reach { stroke: #54aeff; stroke-width: 3; stroke-opacity: .45 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.small { fill: #9198a1 }
.grid { stroke: #30363d }
.one { stroke: #9198a1 }
.peer { fill: #59636e }
.best { fill: #0d1117; stroke: #9198a1 }
.strings { fill: #1f6feb }
.borrowed { fill: #79c0ff }
.reach { stroke: #1f6feb }
}
</style>`)

	line(`<text class="title" x="%d" y="24">CPU time to parse, `+
		`where reading the bytes and searching them three times takes 1</text>`, left)
	legend := left
	for _, entry := range []struct {
		class, text string
		width       int
	}{
		{"borrowed", "this library, borrowed bytes", 200},
		{"strings", "this library, safe strings", 185},
		{"best", "fastest correct peer", 155},
		{"peer", "other correct peers", 0},
	} {
		line(`<circle class="%s" cx="%d" cy="46" r="5"/><text class="small" x="%d" y="50">%s</text>`,
			entry.class, legend+5, legend+16, entry.text)
		legend += entry.width
	}

	for _, ratio := range []float64{0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128} {
		class := "grid"
		if ratio == 1 {
			class = "one"
		}
		line(`<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`,
			class, x(ratio), x(ratio), top-12, bottom)
		line(`<text class="small" x="%.1f" y="%d" text-anchor="middle">%g</text>`,
			x(ratio), bottom+18, ratio)
	}
	line(`<text class="small" x="%d" y="%d">logarithmic scale, less is faster</text>`,
		left, bottom+42)

	for i, p := range r.Parsings {
		y := top + step*i + step/2
		at := func(name string) float64 { return x(p.Rows[name].Passes) }
		dot := func(class, name string, radius int) {
			line(`<circle class="%s" cx="%.1f" cy="%d" r="%d"><title>%s, %s: %s</title></circle>`,
				class, at(name), y, radius, p.Name, name, number(p.Rows[name].Passes))
		}
		line(`<text x="%d" y="%d" text-anchor="end">%s</text>`, left-12, y+4, p.Name)
		line(`<line class="reach" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`,
			at("borrowed"), at("strings"), y, y)
		for _, l := range libraries {
			if l.isPeer() && l.name != p.Best && p.Rows[l.name].Wrong == "" {
				dot("peer", l.name, 4)
			}
		}
		if p.Best != "" {
			dot("best", p.Best, 5)
		}
		dot("strings", "strings", 6)
		dot("borrowed", "borrowed", 6)
	}
	line(`</svg>`)
	return b.String()
}
