package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// results contains all measurements. A part that was not measured is zero.
type results struct {
	parsings  []parsing
	decoding  *decoding
	linear    growth
	latency   float64
	transfers []transfer
	idleCosts []idleCost
	small     idleCost // stream, with small transport buffers
	gzip      idleCost // stream, compressed
	fresh     idleCost // stream, as many as there are of after
	after     idleCost // stream, after one event of 16 MiB
}

func (r *results) measureIdle(url string) {
	for _, name := range idleClients {
		r.idleCosts = append(r.idleCosts, measureIdle(url, name, idleStreams, 100))
	}
	r.small = measureIdle(url, "stream", idleStreams, 100, "small")
	r.gzip = measureIdle(url, "stream", idleStreams, 100, "gzip")
	r.fresh = measureIdle(url, "stream", bigStreams, 100)
	r.after = measureIdle(url, "stream", bigStreams, bigEvent)
}

// titles contains the titles of the tables in their order.
var titles = []struct{ name, title string }{
	{"parse", "Parsing: CPU time, divided by that of the memchr loop"},
	{"best", "Parsing: CPU time, divided by that of the fastest peer whose events are correct"},
	{"garbage", "Parsing: allocations and bytes per event"},
	{"json", "The share of the parser in a program that decodes JSON"},
	{"http", "HTTP: CPU time of the client, divided by that of io.Copy of the same body"},
	{"idle", "Idle streams"},
	{"single", "Latency and long lines"},
}

// tables returns the tables in Markdown by name.
func (r *results) tables() map[string]string {
	t := map[string]string{}
	if len(r.parsings) > 0 {
		t["parse"], t["best"], t["garbage"] = r.parse(), r.best(), r.allocations()
	}
	if len(r.transfers) > 0 {
		head := append([]string{"stream"}, transferClients...)
		t["http"] = table(head, func(yield func(cells ...string)) {
			for _, d := range r.transfers {
				cells := []string{d.Name}
				for _, name := range transferClients {
					cells = append(cells, number(d.Ratio[name]))
				}
				yield(cells...)
			}
		})
	}
	if len(r.idleCosts) > 0 {
		t["idle"] = r.idleTable()
	}
	if d := r.decoding; d != nil {
		head := []string{"llm, one core", "events a second", "of it the parser"}
		t["json"] = table(head, func(yield func(cells ...string)) {
			yield("borrowed", millions(d.Borrowed), "all")
			yield("strings", millions(d.Strings), "all")
			yield("borrowed and `json.Unmarshal`", millions(d.Decoded), percent(d.Share))
			strings := d.Decoded * (1 - d.ShareStrings) / (1 - d.Share)
			yield("strings and `json.Unmarshal`", millions(strings), percent(d.ShareStrings))
		})
	}
	if r.latency > 0 || r.linear.line > 0 {
		t["single"] = table([]string{"", "ratio"}, func(yield func(cells ...string)) {
			if r.latency > 0 {
				yield("flush to delivery, median, against net/http read by lines", ratio(r.latency))
			}
			if r.linear.line > 0 {
				yield("a line of 16 MiB in reads of 4 KiB, against one of 4 MiB", ratio(r.linear.line))
				yield("the same of copying alone, into memory of that size", ratio(r.linear.copy))
			}
		})
	}
	return t
}

// parse returns the table of CPU times.
func (r *results) parse() string {
	head := []string{"workload"}
	for _, l := range libraries {
		head = append(head, l.name)
	}
	head = append(head, baselines[1:]...)
	return table(head, func(yield func(cells ...string)) {
		for _, p := range r.parsings {
			cells := []string{p.Name}
			for _, name := range head[1:] {
				row, ok := p.Rows[name]
				switch {
				case !ok:
					cells = append(cells, "–")
				case row.Wrong != "":
					cells = append(cells, "wrong")
				case name == p.Best || name == "borrowed" || name == "strings":
					cells = append(cells, "**"+number(row.Memchr)+"**")
				default:
					cells = append(cells, number(row.Memchr))
				}
			}
			yield(cells...)
		}
	})
}

// best returns the table of comparisons with the fastest peer.
func (r *results) best() string {
	head := []string{
		"workload", "fastest right peer", "borrowed", "strings", "borrowed against passes",
	}
	return table(head, func(yield func(cells ...string)) {
		for _, p := range r.parsings {
			yield(p.Name, p.Best, ratio(p.Borrowed), ratio(p.Strings), ratio(p.Passes))
		}
	})
}

// allocations returns the table of allocations.
func (r *results) allocations() string {
	head := []string{"workload"}
	for _, l := range libraries {
		head = append(head, l.name)
	}
	return table(head, func(yield func(cells ...string)) {
		for _, p := range r.parsings {
			cells := []string{p.Name}
			for _, l := range libraries {
				row := p.Rows[l.name]
				cells = append(cells, fmt.Sprintf("%s / %s", count(row.Allocs), bytesText(row.Bytes)))
			}
			yield(cells...)
		}
	})
}

// idleTable returns the table of idle streams.
func (r *results) idleTable() string {
	base := r.idleCosts[0]
	head := []string{
		fmt.Sprintf("%d open streams", idleStreams), "KiB a stream", "against the bare response",
		"goroutines a stream",
	}
	return table(head, func(yield func(cells ...string)) {
		line := func(name string, h, base idleCost) {
			yield(name, fmt.Sprintf("%.1f", h.KiB), ratio(h.KiB/base.KiB),
				fmt.Sprintf("%.1f", h.Goroutines))
		}
		for _, h := range r.idleCosts {
			name := h.Name
			switch name {
			case "response":
				name = "bare response, nobody reads"
			case "raw":
				name = "bare response, `bufio.Reader`"
			}
			line(name, h, base)
		}
		line("stream, transport buffers of 1 KiB", r.small, base)
		line("stream, gzip", r.gzip, base)
		line(fmt.Sprintf("stream (%d open)", bigStreams), r.fresh, base)
		line(fmt.Sprintf("stream (%d open), after one event of 16 MiB", bigStreams), r.after, base)
	})
}

// A target is an upper limit of a measured value.
type target struct {
	what string
	most float64
	got  float64
}

// parsingTargets contains the upper limits of the ratios for each workload: of borrowed to memchr,
// and of borrowed and strings to the fastest peer.
var parsingTargets = map[string]struct{ borrowed, borrowedBest, stringsBest float64 }{
	"llm":       {1.6, 0.3, 0.75},
	"anthropic": {1.6, 0.3, 0.75},
	"ticks":     {0.95, 0.3, 0.75},
	"wiki":      {2.6, 0.3, 1},
	"multiline": {1.8, 0.3, 0.5},
	"big":       {5.5, 0.3, 0.5},
	"crlf":      {1.8, 0.3, 0.85},
	"cr":        {1.6, 0.3, 0.3},
	"comments":  {0.45, 0.3, 0.3},
	"utf8":      {6.5, 0.7, 1},
	"dribble":   {10.5, 0.65, 1},
}

// check returns a table of the targets of what was measured, and the number of those missed.
func (r *results) check() (list string, missed int) {
	head := []string{"target", "at most", "measured", "met"}
	list = table(head, func(yield func(cells ...string)) {
		for _, t := range r.targets() {
			met := "yes"
			if !(t.got <= t.most) {
				met = "**no**"
				missed++
			}
			yield(t.what, ratio(t.most), ratio(t.got), met)
		}
	})
	return list, missed
}

// targets returns the targets of what was measured.
func (r *results) targets() (all []target) {
	add := func(what string, most, got float64) { all = append(all, target{what, most, got}) }
	for _, p := range r.parsings {
		g, borrowed, strings := parsingTargets[p.Name], p.Rows["borrowed"], p.Rows["strings"]
		add(p.Name+": borrowed against memchr", g.borrowed, borrowed.Memchr)
		add(p.Name+": borrowed against "+p.Best, g.borrowedBest, p.Borrowed)
		add(p.Name+": strings against "+p.Best, g.stringsBest, p.Strings)
		add(p.Name+": borrowed, allocations per event", 0, round(borrowed.Allocs))
		add(p.Name+": strings, allocations per event", 1, round(strings.Allocs))
		for name, row := range map[string]row{"borrowed": borrowed, "strings": strings} {
			if row.Wrong != "" {
				add(p.Name+": "+name+" is wrong: "+row.Wrong, 0, 1)
			}
		}
	}
	for _, d := range r.transfers {
		switch d.Name {
		case "llm":
			add("llm over HTTP: borrowed against io.Copy", 1.5, d.Ratio["borrowed"])
			add("llm over HTTP: strings against io.Copy", 3.4, d.Ratio["strings"])
		case "ticks":
			add("ticks over HTTP: borrowed against io.Copy", 3, d.Ratio["borrowed"])
			add("ticks over HTTP: strings against io.Copy", 6.3, d.Ratio["strings"])
		}
		for _, name := range transferClients[:3] {
			add(d.Name+" over HTTP: "+name+" against openai", 1, d.Ratio[name]/d.Ratio["openai"])
		}
	}
	if len(r.idleCosts) > 0 {
		for _, h := range r.idleCosts {
			if h.Name == "borrowed" || h.Name == "stream" {
				add("idle: "+h.Name+" against the bare response", 1.3, h.KiB/r.idleCosts[0].KiB)
				add("idle: "+h.Name+", goroutines (one reads, two are of net/http)", 3,
					round(h.Goroutines))
			}
		}
		add("idle: after an event of 16 MiB against before", 1.05, r.after.KiB/r.fresh.KiB)
	}
	if r.linear.line > 0 {
		add("a line of 16 MiB against one of 4 MiB (4 if linear, and 5 % for noise)", 4.2,
			r.linear.line)
	}
	if r.latency > 0 {
		add("latency, median, against net/http", 1.1, r.latency)
	}
	return all
}

// table returns a Markdown table with the rows that fill yields.
func table(head []string, fill func(yield func(cells ...string))) string {
	var b strings.Builder
	line := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head...)
	b.WriteString("|---|" + strings.Repeat("---:|", len(head)-1) + "\n")
	fill(line)
	return b.String()
}

// rewrite replaces the text between the markers of each name in the file.
func rewrite(file string, texts map[string]string) {
	page, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	for name, text := range texts {
		between := regexp.MustCompile(
			`(?s)(<!-- begin ` + name + ` -->\n).*?(<!-- end ` + name + ` -->)`)
		if !between.Match(page) {
			fmt.Fprintf(os.Stderr, "bench: %s does not contain the markers of %s\n", file, name)
			os.Exit(1)
		}
		page = between.ReplaceAllFunc(page, func(old []byte) []byte {
			m := between.FindSubmatch(old)
			return []byte(string(m[1]) + text + string(m[2]))
		})
	}
	write(file, string(page))
}

// write writes text to the file.
func write(file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		panic(err)
	}
}

// number formats f with two significant digits.
func number(f float64) string {
	switch {
	case f >= 9.95:
		return fmt.Sprintf("%.0f", f)
	case f >= 1:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.2f", f)
	}
}

func millions(f float64) string { return fmt.Sprintf("%.1f million", f/1e6) }
func percent(f float64) string  { return fmt.Sprintf("%.0f %%", 100*f) }
func round(f float64) float64   { return float64(int(f*100+0.5)) / 100 }

// ratio formats f with two decimals.
func ratio(f float64) string { return fmt.Sprintf("%.2f", f) }

// count formats a number of allocations.
func count(f float64) string {
	if f < 0.005 {
		return "0"
	}
	return number(f)
}

// bytesText formats a number of bytes.
func bytesText(f float64) string {
	switch {
	case f >= 1<<20:
		return fmt.Sprintf("%.1f MB", f/(1<<20))
	case f >= 10<<10:
		return fmt.Sprintf("%.0f KB", f/(1<<10))
	default:
		return fmt.Sprintf("%.0f B", f)
	}
}
