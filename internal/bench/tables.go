package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// summary returns the table at the top of the page.
func (r *results) summary() string {
	head := []string{"workload", "this library", "fastest correct peer", "ratio"}
	return table(head, func(yield func(cells ...string)) {
		for _, p := range r.Parsings {
			yield(p.Name, number(p.Rows["borrowed"].Passes),
				fmt.Sprintf("%s (%s)", number(p.Rows[p.Best].Passes), p.Best), ratio(p.Borrowed))
		}
	})
}

// strings returns the table of events that are safe to keep.
func (r *results) strings() string {
	head := []string{"workload", "this library", "fastest correct peer with ids", "ratio"}
	return table(head, func(yield func(cells ...string)) {
		for _, p := range r.Parsings {
			yield(p.Name, number(p.Rows["strings"].Passes),
				fmt.Sprintf("%s (%s)", number(p.Rows[p.BestID].Passes), p.BestID), ratio(p.Strings))
		}
	})
}

// parse returns the table of the CPU times of all libraries and baselines.
func (r *results) parse() string {
	head := []string{"workload"}
	for _, l := range libraries {
		head = append(head, l.name)
	}
	head = append(head, baselines[1:]...)
	return table(head, func(yield func(cells ...string)) {
		for _, p := range r.Parsings {
			cells := []string{p.Name}
			for _, name := range head[1:] {
				row, ok := p.Rows[name]
				switch {
				case !ok:
					cells = append(cells, "–")
				case row.Wrong != "":
					cells = append(cells, "wrong")
				case name == p.Best:
					cells = append(cells, "**"+number(row.Passes)+"**")
				default:
					cells = append(cells, number(row.Passes))
				}
			}
			yield(cells...)
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
		for _, p := range r.Parsings {
			cells := []string{p.Name}
			for _, l := range libraries {
				row := p.Rows[l.name]
				cells = append(cells, fmt.Sprintf("%s / %s", count(row.Allocs), bytesText(row.Bytes)))
			}
			yield(cells...)
		}
	})
}

func (r *results) sdk() string {
	head := []string{
		"program", "CPU time per chunk", "ratio", "allocations per chunk",
		"bytes allocated per chunk", "share of the parser",
	}
	return table(head, func(yield func(cells ...string)) {
		for _, c := range r.SDK {
			yield(c.Name, fmt.Sprintf("%.1f µs", float64(c.Time)/1e3), ratio(c.Ratio),
				count(c.Allocs), bytesText(c.Bytes), fmt.Sprintf("%.1f %%", 100*c.Share))
		}
	})
}

func (r *results) http() string {
	return table(append([]string{"stream"}, transferClients...), func(yield func(cells ...string)) {
		for _, d := range r.Transfers {
			cells := []string{d.Name}
			for _, name := range transferClients {
				cells = append(cells, number(d.Ratio[name]))
			}
			yield(cells...)
		}
	})
}

// transportNames are the names of manyTransports in a table.
var transportNames = map[string]string{
	http1: "HTTP/1.1", http1Small: "HTTP/1.1, buffers of 1 KiB", http2: "HTTP/2",
}

// sortedMany returns the results of many streams by number of streams, client and transport.
func (r *results) sortedMany() []manyCost {
	position := func(client string) int {
		return slices.IndexFunc(manyClients, func(c manyClient) bool { return c.name == client })
	}
	return slices.SortedStableFunc(slices.Values(r.Many), func(a, b manyCost) int {
		return cmp.Or(
			cmp.Compare(a.Streams, b.Streams),
			cmp.Compare(position(a.Client), position(b.Client)),
			cmp.Compare(slices.Index(manyTransports, a.Transport),
				slices.Index(manyTransports, b.Transport)))
	})
}

// libraryName returns the name of a library in a table in which this library has one row.
func libraryName(name string) string {
	if name == "sse" || name == "strings" {
		return "**this library**"
	}
	return name
}

// names returns the first cells of a row.
func (c manyCost) names() []string {
	return []string{
		libraryName(c.Client), transportNames[c.Transport], thousands(c.Streams),
	}
}

func (r *results) load() string {
	head := []string{
		"client", "transport", "streams", "RSS, KiB a stream", "heap and stacks, KiB a stream",
		"goroutines a stream", "CPU, idle", "CPU time per event", "CPU time to open",
	}
	return table(head, func(yield func(cells ...string)) {
		for _, c := range r.sortedMany() {
			yield(append(c.names(), fmt.Sprintf("%.0f", c.RSS), fmt.Sprintf("%.1f", c.Memory),
				fmt.Sprintf("%.1f", c.Goroutines), percent(c.Idle),
				fmt.Sprintf("%.0f µs", c.Event), fmt.Sprintf("%.0f µs", c.Open))...)
		}
	})
}

const (
	// The arrivals are divided into periods of this length. The last period has no end.
	restartPeriod  = 500 * time.Millisecond
	restartPeriods = 7
)

func (r *results) restart() string {
	head := []string{"client", "transport", "streams", "all after"}
	for i := range restartPeriods - 1 {
		head = append(head, fmt.Sprintf("%.1f s", (restartPeriod*time.Duration(i+1)).Seconds()))
	}
	head = append(head, "later", "busiest 100 ms", "lost", "repeated")
	return table(head, func(yield func(cells ...string)) {
		for _, c := range r.sortedMany() {
			cells := append(c.names(), fmt.Sprintf("%.1f s", c.Last))
			if c.Arrived < c.Streams {
				cells[3] = fmt.Sprintf("%d never", c.Streams-c.Arrived)
			}
			var periods [restartPeriods]int
			for i, n := range c.Bins {
				period := int(time.Duration(i) * arrivalBin / restartPeriod)
				periods[min(period, restartPeriods-1)] += n
			}
			for _, n := range append(periods[:], slices.Max(append(c.Bins, 0))) {
				cells = append(cells, percent(float64(n)/float64(c.Streams)))
			}
			yield(append(cells, thousands(c.Lost), thousands(c.Duplicates))...)
		}
	})
}

func (r *results) idle() string {
	head := []string{
		"", "streams", "KiB a stream", "ratio to the first row", "goroutines a stream",
	}
	return table(head, func(yield func(cells ...string)) {
		for _, c := range r.Idle {
			yield(c.Label, thousands(c.Streams), fmt.Sprintf("%.1f", c.KiB), ratio(c.Ratio),
				fmt.Sprintf("%.1f", c.Goroutines))
		}
	})
}

func (r *results) writer() string {
	head := []string{
		"server", "clients", "events a second", "CPU time per event and client", "ratio",
		"delivered",
	}
	return table(head, func(yield func(cells ...string)) {
		for _, c := range r.Fanout {
			rate, cpu, against := "–", "–", "–"
			if c.Rate > 0 {
				rate, against = thousands(int(c.Rate)), ratio(c.Ratio)
				cpu = fmt.Sprintf("%.1f µs", c.CPU)
			}
			delivered := "all of " + thousands(c.Expected)
			if c.Received < c.Expected {
				delivered = fmt.Sprintf("%s of %s", thousands(c.Received), thousands(c.Expected))
			}
			yield(libraryName(c.Server), thousands(c.Clients), rate, cpu, against, delivered)
		}
	})
}

func (r *results) lines() string {
	return table([]string{"", "ratio"}, func(yield func(cells ...string)) {
		if r.Latency > 0 {
			yield("flush to delivery, median, compared with reading lines of the response", ratio(r.Latency))
		}
		if r.Lines != nil {
			yield("CPU time for a line of 16 MiB in reads of 4 KiB, compared with one of 4 MiB",
				ratio(r.Lines.Line))
			yield("the same for copying pieces of 4 KiB into memory of that size",
				ratio(r.Lines.Copy))
		}
	})
}

func (r *results) suite() string {
	if r.Suite == nil {
		return ""
	}
	head := []string{"library", fmt.Sprintf("passed of %d", r.Suite.Cases), "IDs ignored"}
	for i, g := range groups {
		head = append(head, fmt.Sprintf("%s, of %d", g.title, r.Suite.Groups[i]))
	}
	return table(head, func(yield func(cells ...string)) {
		for _, s := range r.Suite.Scores {
			cells := []string{
				libraryName(s.Library.name), fmt.Sprint(s.Passed), fmt.Sprint(s.WithoutID),
			}
			if s.Library.noID {
				cells[1] = "has no IDs"
			}
			for _, n := range s.Groups {
				cells = append(cells, fmt.Sprint(n))
			}
			yield(cells...)
		}
	})
}

func (r *results) versions() string {
	return table([]string{"peer", "module", "version"}, func(yield func(cells ...string)) {
		all := versions()
		for _, l := range libraries {
			if l.isPeer() {
				yield(l.name, l.module, all[l.module])
			}
		}
	})
}
