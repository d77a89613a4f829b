// Languages runs the conformance suite with implementations in other languages, and prints the
// tables of docs/conformance.md that compare them:
//
//	go run ./languages                   run the suite with all implementations
//	go run ./languages -only Chromium    run it with some of them
//	go run ./languages -v                also print each difference
//	go run ./languages -update           also write the tables to docs/conformance.md
//
// It needs Chromium and npm. npm installs the packages of package.json, and Node.js itself where
// there is a package for the platform, in a temporary directory.
//
// A case that is cut into reads is judged twice: as the suite cuts it, and in small pieces. For each
// case the implementation connects to a URL. The first response only sets a reconnection time of
// 10 ms. The responses of the case follow, and then a 204. The request for the 204 shows the last
// event ID and the reconnection time. An implementation that only parses gets the response of the
// case at once.
package main

import (
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
const timeout = 10 * time.Minute

func main() {
	log.SetFlags(0)
	log.SetPrefix("languages: ")
	root := flag.String("root", "../..", "the `directory` of the repository")
	only := flag.String("only", "", "the `names` of the implementations to run (default all)")
	verbose := flag.Bool("v", false, "print each difference")
	update := flag.Bool("update", false, "write the tables to docs/conformance.md")
	flag.Parse()
	if *update && *only != "" {
		log.Fatal("-update cannot be used with -only")
	}
	if err := run(*root, *only, *verbose, *update); err != nil {
		log.Fatal(err)
	}
}

func run(root, only string, verbose, update bool) error {
	jobs, err := load(filepath.Join(root, "testdata"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "languages")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var results []*result
	for _, impl := range implementations(dir) {
		if only != "" && !slices.Contains(strings.Split(only, ","), impl.name) {
			continue
		}
		log.Printf("running %s", impl.name)
		r, err := runSuite(impl, jobs)
		if err != nil {
			return fmt.Errorf("%s: %w", impl.name, err)
		}
		results = append(results, r)
		if verbose {
			r.printDifferences()
		}
		if impl.name == library && r.failed() > 0 {
			return fmt.Errorf("%s fails %d jobs", library, r.failed())
		}
	}
	tables := map[string]string{
		"languages": scoreTable(results),
		"topics":    topicTable(results),
	}
	fmt.Printf("%s\n%s", tables["languages"], tables["topics"])
	if update {
		return rewrite(filepath.Join(root, "docs", "conformance.md"), tables)
	}
	return nil
}
