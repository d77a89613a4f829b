// Languages runs the conformance suite with this library, Chromium and clients in other languages,
// and prints the tables of docs/conformance.md that compare them:
//
//	go run ./languages                   run the suite with all implementations
//	go run ./languages FILE...           run the cases of other files
//	go run ./languages -policy           also run the cases that the standard does not require
//	go run ./languages -only Chromium    run the cases with some of the implementations
//	go run ./languages -v                also print each difference
//	go run ./languages -update           also write the tables to docs/conformance.md
//
// It needs Chromium and npm. npm installs the packages of package.json, and Node.js itself where
// there is a package for the platform, in a temporary directory.
//
// A case that is cut into reads is judged twice: as the suite cuts it, and in small pieces. For
// each case the implementation connects to a URL. The first response only sets a reconnection time
// of 10 ms. The responses of the case follow, and then a 204. The request for the 204 shows the
// last event ID and the reconnection time. An implementation that only parses gets the response of
// the case at once.
//
// The exit status is 1 if this library or Chromium fails a case that the standard requires, unless
// the reason is a known departure.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// timeout is the time after which an implementation is ended.
const timeout = 20 * time.Minute

func main() {
	log.SetFlags(0)
	log.SetPrefix("languages: ")
	root := flag.String("root", "../..", "the `directory` of the repository")
	only := flag.String("only", "", "the `names` of the implementations to run (default all)")
	policy := flag.Bool("policy", false, "also run the cases that the standard does not require")
	verbose := flag.Bool("v", false, "print each difference")
	update := flag.Bool("update", false, "write the tables to docs/conformance.md")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `usage: languages [flags] [FILE ...]

Each FILE has the format of testdata/parser.json or testdata/http.json, which are
the default.
`)
		flag.PrintDefaults()
	}
	flag.Parse()
	if *update && (*only != "" || *policy || flag.NArg() > 0) {
		log.Fatal("-update cannot be used with -only, -policy or a FILE")
	}
	names := flag.Args()
	if len(names) == 0 {
		names = suiteFiles(*root)
	}
	jobs, err := load(names, *policy)
	if err != nil {
		log.Fatal(err)
	}
	results, err := runAll(jobs, *only, *verbose)
	if err != nil {
		log.Fatal(err)
	}
	tables := map[string]string{
		"languages": scoreTable(results),
		"topics":    topicTable(results),
	}
	fmt.Printf("%s\n%s", tables["languages"], tables["topics"])
	for _, r := range results {
		if n := r.unexpected(); n > 0 {
			log.Fatalf("%s unexpectedly fails %d jobs", r.impl.name, n)
		}
	}
	if *update {
		if err := rewrite(filepath.Join(*root, "docs", "conformance.md"), tables); err != nil {
			log.Fatal(err)
		}
	}
}

// runAll runs the jobs with all implementations, or only with those that are named, and prints the
// differences.
func runAll(jobs []*job, only string, verbose bool) ([]*result, error) {
	dir, err := os.MkdirTemp("", "languages")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var results []*result
	for _, impl := range implementations(dir) {
		if only != "" && !slices.Contains(strings.Split(only, ","), impl.name) {
			continue
		}
		log.Printf("running %s", impl.name)
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		r, err := runSuite(ctx, impl, jobs)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", impl.name, err)
		}
		r.printDifferences(os.Stdout, verbose)
		results = append(results, r)
	}
	return results, nil
}
