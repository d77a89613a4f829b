package main

import (
	"fmt"
	"math"
	"strings"
)

// The dimensions of the chart, in pixels.
const (
	chartWidth = 860
	chartLeft  = 96
	chartRight = 24
	chartTop   = 84
	chartStep  = 32 // the height of a row
)

// The scale of the chart is logarithmic, between these ratios.
const (
	chartLeast = 0.25
	chartMost  = 256.0
)

const chartStyle = `<style>
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
</style>`

// chartLegend says what the dots of each class mean.
var chartLegend = []struct {
	class, text string
	width       int
}{
	{"borrowed", "this library, borrowed bytes", 200},
	{"strings", "this library, strings", 150},
	{"best", "fastest correct peer", 150},
	{"peer", "other correct peers", 0},
}

// A chart is an SVG image that is being written.
type chart struct{ strings.Builder }

func (c *chart) line(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

// chart returns an SVG image of the CPU times for parsing. It has a row for each workload and a dot
// for each library whose events are correct.
func (r *results) chart() string {
	c := new(chart)
	bottom := chartTop + chartStep*len(r.Parsings)
	c.line(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" `+
		`aria-label="CPU time to parse, by workload and library">`, chartWidth, bottom+52)
	c.line("%s", chartStyle)
	c.line(`<text class="title" x="%d" y="24">CPU time to parse, where reading the bytes `+
		`and searching them three times takes 1</text>`, chartLeft)
	c.legend()
	c.axis(bottom)
	for i, p := range r.Parsings {
		c.row(p, chartTop+chartStep*i+chartStep/2)
	}
	c.line(`</svg>`)
	return c.String()
}

func (c *chart) legend() {
	x := chartLeft
	for _, entry := range chartLegend {
		c.line(`<circle class="%s" cx="%d" cy="46" r="5"/>`+
			`<text class="small" x="%d" y="50">%s</text>`, entry.class, x+5, x+16, entry.text)
		x += entry.width
	}
}

// axis draws the scale above bottom, and its labels below it.
func (c *chart) axis(bottom int) {
	for ratio := chartLeast; ratio < chartMost; ratio *= 2 {
		class, x := "grid", chartX(ratio)
		if ratio == 1 {
			class = "one"
		}
		c.line(`<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`,
			class, x, x, chartTop-12, bottom)
		c.line(`<text class="small" x="%.1f" y="%d" text-anchor="middle">%g</text>`,
			x, bottom+18, ratio)
	}
	c.line(`<text class="small" x="%d" y="%d">logarithmic scale, less is faster</text>`,
		chartLeft, bottom+42)
}

// row draws the results of a workload at y.
func (c *chart) row(p parsing, y int) {
	x := func(name string) float64 { return chartX(p.Rows[name].Passes) }
	dot := func(class, name string, radius int) {
		c.line(`<circle class="%s" cx="%.1f" cy="%d" r="%d"><title>%s, %s: %s</title></circle>`,
			class, x(name), y, radius, p.Name, name, number(p.Rows[name].Passes))
	}
	c.line(`<text x="%d" y="%d" text-anchor="end">%s</text>`, chartLeft-12, y+4, p.Name)
	c.line(`<line class="reach" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`,
		x("borrowed"), x("strings"), y, y)
	for _, l := range libraries {
		if l.isPeer() && l.name != p.Best && p.Rows[l.name].Wrong == "" {
			dot("peer", l.name, 4)
		}
	}
	dot("best", p.Best, 5)
	dot("strings", "strings", 6)
	dot("borrowed", "borrowed", 6)
}

// chartX returns the position of a ratio.
func chartX(ratio float64) float64 {
	at := math.Log(min(max(ratio, chartLeast), chartMost)/chartLeast) /
		math.Log(chartMost/chartLeast)
	return chartLeft + at*(chartWidth-chartLeft-chartRight)
}
