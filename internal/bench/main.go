// Command bench measures this library beside its peers and beside what no
// parser can beat. It prints Markdown tables:
//
//	go run .            everything, in less than five minutes
//	go run . -only parse -workloads llm,ticks -rounds 15
//	go run . -check     everything, and a list of targets; status 1 where one is missed
//	go run . -score     how much of the conformance suite each library passes
//	go run . -update    everything and the score, into docs/
//
// Times are CPU time of the process, the collector and every goroutine
// included, and are only ever shown as ratios: each round runs all that are
// compared, one after the other, and the ratio shown is the median of the
// rounds' ratios.
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
		hold(args[1], args[2], args[3], args[4], args[5:])
		return
	}

	only := flag.String("only", strings.Join(parts, ","), "the `parts` to run")
	names := flag.String("workloads", "", "the `workloads` to parse; empty: all")
	rounds := flag.Int("rounds", 7, "rounds of every comparison")
	check := flag.Bool("check", false, "list the targets; exit with status 1 where one is missed")
	score := flag.Bool("score", false, "run the conformance suite instead")
	update := flag.Bool("update", false, "write the tables and the chart into docs/")
	root := flag.String("root", "../..", "the repository's `directory`")
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
		rewrite(filepath.Join(docs, "conformance.md"), map[string]string{"score": conformance(*root)})
		if len(r.parsings) > 0 {
			write(filepath.Join(docs, "performance.svg"), r.chart())
		}
	}
	if *check && missed > 0 {
		os.Exit(1)
	}
}

// measure runs the parts that are asked for.
func measure(only, names []string, rounds int) *results {
	var r results
	say := func(what string) bool {
		wanted := slices.Contains(only, what)
		if wanted {
			fmt.Fprintf(os.Stderr, "bench: %s\n", what)
		}
		return wanted
	}
	if say("parse") {
		for _, w := range workloads {
			if names[0] == "" || slices.Contains(names, w.name) {
				fmt.Fprintf(os.Stderr, "bench:   %s\n", w.name)
				r.parsings = append(r.parsings, parse(w, rounds))
			}
		}
	}
	if say("json") {
		d := decode(rounds)
		r.decoding = &d
	}
	if say("linear") {
		r.linear = lengths(rounds)
	}
	if say("latency") {
		r.latency = latency(rounds)
	}
	if say("http") {
		url, stop := startServer()
		r.downloads = downloads(url, rounds)
		stop()
	}
	if say("idle") {
		url, stop := startServer()
		r.idle(url)
		stop()
	}
	return &r
}
