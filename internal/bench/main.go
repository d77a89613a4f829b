// Command bench compares this library with other libraries and with baselines that no parser can
// beat. It prints Markdown tables:
//
//	go run .            measure everything, in less than five minutes
//	go run . -only parse -workloads llm,ticks -rounds 15
//	go run . -check     also compare with the targets; the exit status is 1 if one is missed
//	go run . -score     run the conformance suite with each library
//	go run . -update    measure everything, run the suite, and write the tables to docs/
//
// A time is the CPU time of the process, including the garbage collector and every goroutine. It is
// only shown as a ratio. Each round runs everything that is compared, and the ratio is the median
// of the ratios of the rounds.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var parts = []string{"parse", "http", "idle", "latency", "linear", "json"}

func main() {
	switch args := strings.Fields(os.Getenv(role)); {
	case len(args) == 0:
	case args[0] == "server":
		serve()
		return
	case args[0] == "idle":
		holdStreams(args[1], args[2], args[3], args[4], args[5:])
		return
	}

	only := flag.String("only", strings.Join(parts, ","), "the `parts` to measure")
	names := flag.String("workloads", "", "the `workloads` to parse (default all)")
	rounds := flag.Int("rounds", 7, "the `number` of rounds of each comparison")
	check := flag.Bool("check", false, "list the targets; exit with status 1 if one is missed")
	score := flag.Bool("score", false, "run the conformance suite instead")
	update := flag.Bool("update", false, "write the tables and the chart to docs/")
	root := flag.String("root", "../..", "the `directory` of the repository")
	flag.Parse()

	if *score {
		fmt.Print(conformance(*root))
		return
	}
	r := measure(strings.Split(*only, ","), strings.Split(*names, ","), *rounds)
	tables := r.tables()
	for _, t := range titles {
		if text := tables[t.name]; text != "" {
			fmt.Printf("## %s\n\n%s\n", t.title, text)
		}
	}
	missed := 0
	if *check || *update {
		list, n := r.check()
		missed = n
		fmt.Printf("## Targets\n\n%s\n", list)
	}
	if *update {
		docs := filepath.Join(*root, "docs")
		rewrite(filepath.Join(docs, "performance.md"), tables)
		score := map[string]string{"score": conformance(*root)}
		rewrite(filepath.Join(docs, "conformance.md"), score)
		if len(r.parsings) > 0 {
			write(filepath.Join(docs, "performance.svg"), r.chart())
		}
	}
	if *check && missed > 0 {
		os.Exit(1)
	}
}

// measure measures the selected parts. The names are those of the workloads to parse.
func measure(only, names []string, rounds int) *results {
	var r results
	selected := func(part string) bool {
		ok := slices.Contains(only, part)
		if ok {
			fmt.Fprintf(os.Stderr, "bench: %s\n", part)
		}
		return ok
	}
	if selected("parse") {
		for _, w := range workloads {
			if names[0] == "" || slices.Contains(names, w.name) {
				fmt.Fprintf(os.Stderr, "bench:   %s\n", w.name)
				r.parsings = append(r.parsings, measureParsing(w, rounds))
			}
		}
	}
	if selected("json") {
		d := measureDecoding(rounds)
		r.decoding = &d
	}
	if selected("linear") {
		r.linear = measureLines(rounds)
	}
	if selected("latency") {
		r.latency = measureLatency(rounds)
	}
	if selected("http") {
		url, stop := startServer()
		r.transfers = transfers(url, rounds)
		stop()
	}
	if selected("idle") {
		url, stop := startServer()
		r.measureIdle(url)
		stop()
	}
	return &r
}
