// Command bench compares this library with other libraries and with programs that only read or
// search the same bytes. With -update it writes docs/performance.md and its chart, and the table of
// docs/conformance.md.
//
// Times are CPU times of a whole process, including the garbage collector and every goroutine. Each
// round measures everything that is compared, in turn. A ratio is the median of the ratios of the
// rounds.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const usage = `Usage: go run . [flags]

Compares this library with other libraries and prints the results in Markdown.

  go run .                  measure everything, in less than eight minutes on two cores
  go run . -update          the same, and write the results to docs/
  go run . -check           the same, and exit with status 1 if a target is missed
  go run . -only parse -workloads llm,ticks -rounds 15
  go run . -score           run only the conformance suite, and print its table
  go run . -quick           use everything for a moment: the figures mean nothing

The parts are
  parse     parsing in memory, by workload
  sdk       the response of a language model into structs, with and without an SDK
  lines     long lines
  latency   from a flush to the delivery of an event
  http      streams over HTTP
  idle      the memory of open streams without events
  many      1,000 and 10,000 streams in one process, and a restart of their server
  writer    one server and many clients
  suite     the conformance suite

Flags:
`

func main() {
	if playRole() {
		return
	}
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	quick := flag.Bool("quick", false, "measure with small sizes, for a test of this command")
	only := flag.String("only", "", "comma-separated `parts` to measure (default all)")
	names := flag.String("workloads", "", "comma-separated `workloads` to parse (default all)")
	rounds := flag.Int("rounds", 0, "the `number` of rounds of each comparison (default 7)")
	score := flag.Bool("score", false, "run the conformance suite and print only its table")
	check := flag.Bool("check", false, "exit with status 1 if a target is missed")
	update := flag.Bool("update", false, "write the results to docs/")
	root := flag.String("root", "../..", "the `directory` of the repository")
	flag.Parse()

	p := fullPlan()
	if *quick {
		p = quickPlan()
	}
	p.root = *root
	if *only != "" {
		p.only = strings.Split(*only, ",")
	}
	if *names != "" {
		p.workloads = strings.Split(*names, ",")
	}
	if *rounds > 0 {
		p.rounds = *rounds
	}
	var err error
	if *score {
		err = p.printScore()
	} else {
		err = p.run(*check, *update)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// printScore prints the table of docs/conformance.md.
func (p *plan) printScore() error {
	var r results
	err := p.measurePart("suite", &r)
	fmt.Print(r.suite())
	return err
}

// run measures the plan and prints the results. If update is set, it also writes them. If check is
// set, it returns an error if a target is missed.
func (p *plan) run(check, update bool) error {
	if err := p.validate(); err != nil {
		return err
	}
	if update && !p.isComplete() {
		return errors.New("-update needs all parts, workloads and rounds")
	}
	if check && p.quick {
		return errors.New("-check needs the sizes of a full run, and not -quick")
	}
	r, err := p.measure()
	if err != nil {
		return err
	}
	fmt.Print(r.text())
	list, missed := r.check()
	if !p.quick {
		fmt.Print(list)
	}
	if update {
		if err := r.write(filepath.Join(p.root, "docs")); err != nil {
			return err
		}
	}
	if check && missed > 0 {
		return fmt.Errorf("%d targets are missed", missed)
	}
	return nil
}

// measure measures the parts of the plan.
func (p *plan) measure() (*results, error) {
	if p.has("many") || p.has("writer") {
		if err := p.checkLimits(); err != nil {
			return nil, err
		}
	}
	r := new(results)
	begin := time.Now()
	for _, part := range parts {
		if p.has(part) {
			fmt.Fprintf(os.Stderr, "bench: %3.0f s: %s\n", time.Since(begin).Seconds(), part)
			if err := p.measurePart(part, r); err != nil {
				return nil, err
			}
		}
	}
	fmt.Fprintf(os.Stderr, "bench: %3.0f s: done\n", time.Since(begin).Seconds())
	return r, nil
}

// measurePart measures one part and stores the result in r.
func (p *plan) measurePart(part string, r *results) (err error) {
	withServer := func(measure func(url string)) {
		server := start("streams", p.size)
		defer server.stop()
		var url string
		server.receive(&url)
		measure(url)
	}
	switch part {
	case "parse":
		for _, w := range workloads {
			if p.parses(w) {
				r.Parsings = append(r.Parsings, p.measureParsing(w))
			}
		}
	case "sdk":
		r.SDK = p.measureSDK()
	case "lines":
		r.Lines = p.measureLines()
	case "latency":
		r.Latency = p.measureLatency()
	case "http":
		withServer(func(url string) { r.Transfers = p.measureTransfers(url) })
	case "idle":
		withServer(func(url string) { r.Idle = p.measureIdle(url) })
	case "many":
		r.Many = p.measureMany()
	case "writer":
		r.Fanout = p.measureFanout()
	case "suite":
		r.Suite, err = p.measureConformance()
	}
	return err
}

// validate returns an error if the plan names a part or a workload that does not exist.
func (p *plan) validate() error {
	for _, part := range p.only {
		if !slices.Contains(parts, part) {
			return fmt.Errorf("there is no part %q", part)
		}
	}
	for _, name := range p.workloads {
		if !slices.ContainsFunc(workloads, func(w workload) bool { return w.name == name }) {
			return fmt.Errorf("there is no workload %q", name)
		}
	}
	return nil
}
