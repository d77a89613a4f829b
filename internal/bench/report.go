package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// results is everything that was measured. A part that was not run is empty.
type results struct {
	parsings  []parsing
	decoding  *decoding
	linear    growth
	latency   float64
	downloads []download
	holdings  []holding
	small     holding // stream, with small transport buffers
	gzip      holding // stream, compressed
	fresh     holding // stream, as many as there are of after
	after     holding // stream, after one event of 16 MiB
}

func (r *results) idle(url string) {
	for _, name := range holders {
		r.holdings = append(r.holdings, idle(url, name, idleStreams, 100))
	}
	r.small = idle(url, "stream", idleStreams, 100, "small")
	r.gzip = idle(url, "stream", idleStreams, 100, "gzip")
	r.fresh = idle(url, "stream", bigStreams, 100)
	r.after = idle(url, "stream", bigStreams, bigEvent)
}

// titles are the headings of the tables, in their order.
var titles = []struct{ name, title string }{
	{"parse", "Parsing: CPU time, the memchr loop's being 1"},
	{"best", "Parsing: CPU time against the fastest peer whose events are right"},
	{"garbage", "Parsing: allocations and bytes an event"},
	{"json", "What part of a program that decodes JSON is the parser"},
	{"http", "HTTP: the client's CPU time, that of io.Copy of the same body being 1"},
	{"idle", "Idle streams"},
	{"single", "Latency and long lines"},
}

// tables are in Markdown.
func (r *results) tables() map[string]string {
	t := map[string]string{}
	if len(r.parsings) > 0 {
		t["parse"], t["best"], t["garbage"] = r.parse(), r.best(), r.garbage()
	}
	if len(r.downloads) > 0 {
		t["http"] = table(append([]string{"stream"}, downloaders...), func(yield func(cells ...string)) {
			for _, d := range r.downloads {
				cells := []string{d.Name}
				for _, name := range downloaders {
					cells = append(cells, number(d.Ratio[name]))
				}
				yield(cells...)
			}
		})
	}
	if len(r.holdings) > 0 {
		t["idle"] = r.idleTable()
	}
	if d := r.decoding; d != nil {
		t["json"] = table([]string{"llm, one core", "events a second", "of it the parser"}, func(yield func(cells ...string)) {
			yield("borrowed", millions(d.Parsed), "all")
			yield("strings", millions(d.Kept), "all")
			yield("borrowed and `json.Unmarshal`", millions(d.Unpacked), percent(d.Share))
			yield("strings and `json.Unmarshal`", millions(d.Unpacked*(1-d.ShareStrings)/(1-d.Share)), percent(d.ShareStrings))
		})
	}
	if r.latency > 0 || r.linear.line > 0 {
		t["single"] = table([]string{"", "ratio"}, func(yield func(cells ...string)) {
			if r.latency > 0 {
				yield("flush to delivery, median, against net/http read by lines", fmt.Sprintf("%.2f", r.latency))
			}
			if r.linear.line > 0 {
				yield("a line of 16 MiB in reads of 4 KiB, against one of 4 MiB", fmt.Sprintf("%.2f", r.linear.line))
				yield("the same of copying alone, into memory of that size", fmt.Sprintf("%.2f", r.linear.copy))
			}
		})
	}
	return t
}

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

func (r *results) best() string {
	return table([]string{"workload", "fastest right peer", "borrowed", "strings", "borrowed against passes"}, func(yield func(cells ...string)) {
		for _, p := range r.parsings {
			yield(p.Name, p.Best, fmt.Sprintf("%.2f", p.Borrowed), fmt.Sprintf("%.2f", p.Strings), fmt.Sprintf("%.2f", p.Passes))
		}
	})
}

func (r *results) garbage() string {
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

func (r *results) idleTable() string {
	base := r.holdings[0]
	return table([]string{fmt.Sprintf("%d open streams", idleStreams), "KiB a stream", "against the bare response", "goroutines a stream"}, func(yield func(cells ...string)) {
		line := func(name string, h, base holding) {
			yield(name, fmt.Sprintf("%.1f", h.KiB), fmt.Sprintf("%.2f", h.KiB/base.KiB), fmt.Sprintf("%.1f", h.Goroutines))
		}
		for _, h := range r.holdings {
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

// A target is an upper bound for a ratio.
type target struct {
	what string
	most float64
	got  float64
}

var goals = map[string]struct{ borrowed, borrowedBest, stringsBest float64 }{
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

// check lists the targets of what was measured, and counts those missed.
func (r *results) check() (list string, missed int) {
	var all []target
	add := func(what string, most, got float64) { all = append(all, target{what, most, got}) }
	for _, p := range r.parsings {
		g, borrowed, strings := goals[p.Name], p.Rows["borrowed"], p.Rows["strings"]
		add(p.Name+": borrowed against memchr", g.borrowed, borrowed.Memchr)
		add(p.Name+": borrowed against "+p.Best, g.borrowedBest, p.Borrowed)
		add(p.Name+": strings against "+p.Best, g.stringsBest, p.Strings)
		add(p.Name+": borrowed, allocations an event", 0, round(borrowed.Allocs))
		add(p.Name+": strings, allocations an event", 1, round(strings.Allocs))
		for name, row := range map[string]row{"borrowed": borrowed, "strings": strings} {
			if row.Wrong != "" {
				add(p.Name+": "+name+" is wrong: "+row.Wrong, 0, 1)
			}
		}
	}
	for _, d := range r.downloads {
		switch d.Name {
		case "llm":
			add("llm over HTTP: borrowed against io.Copy", 1.5, d.Ratio["borrowed"])
			add("llm over HTTP: strings against io.Copy", 3.4, d.Ratio["strings"])
		case "ticks":
			add("ticks over HTTP: borrowed against io.Copy", 3, d.Ratio["borrowed"])
			add("ticks over HTTP: strings against io.Copy", 6.3, d.Ratio["strings"])
		}
		for _, name := range downloaders[:3] {
			add(d.Name+" over HTTP: "+name+" against openai", 1, d.Ratio[name]/d.Ratio["openai"])
		}
	}
	if len(r.holdings) > 0 {
		for _, h := range r.holdings {
			if h.Name == "borrowed" || h.Name == "stream" {
				add("idle: "+h.Name+" against the bare response", 1.3, h.KiB/r.holdings[0].KiB)
				add("idle: "+h.Name+", goroutines (the reader and net/http's two)", 3, round(h.Goroutines))
			}
		}
		add("idle: after an event of 16 MiB against before", 1.05, r.after.KiB/r.fresh.KiB)
	}
	if r.linear.line > 0 {
		add("a line of 16 MiB against one of 4 MiB (linear is 4; 5 % for noise)", 4.2, r.linear.line)
	}
	if r.latency > 0 {
		add("latency, median, against net/http", 1.1, r.latency)
	}
	return table([]string{"target", "at most", "measured", "met"}, func(yield func(cells ...string)) {
		for _, t := range all {
			met := "yes"
			if !(t.got <= t.most) {
				met = "**no**"
				missed++
			}
			yield(t.what, fmt.Sprintf("%.2f", t.most), fmt.Sprintf("%.2f", t.got), met)
		}
	}), missed
}

// table writes a Markdown table whose rows are those that fill yields.
func table(head []string, fill func(yield func(cells ...string))) string {
	var b strings.Builder
	line := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head...)
	b.WriteString("|---|" + strings.Repeat("---:|", len(head)-1) + "\n")
	fill(line)
	return b.String()
}

// rewrite puts each text between its markers in the file.
func rewrite(file string, texts map[string]string) {
	page, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	for name, text := range texts {
		between := regexp.MustCompile(`(?s)(<!-- begin ` + name + ` -->\n).*?(<!-- end ` + name + ` -->)`)
		if !between.Match(page) {
			fmt.Fprintf(os.Stderr, "bench: %s: no place for %s\n", file, name)
			os.Exit(1)
		}
		page = between.ReplaceAllFunc(page, func(old []byte) []byte {
			m := between.FindSubmatch(old)
			return []byte(string(m[1]) + text + string(m[2]))
		})
	}
	write(file, string(page))
}

func write(file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		panic(err)
	}
}

// number has two digits that say something.
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

func count(f float64) string {
	if f < 0.005 {
		return "0"
	}
	return number(f)
}

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
