//go:build unix

// Command soak follows event streams for minutes while it delays, drops, resets, kills, suspends
// and refuses. It prints a table of what was lost, repeated or leaked, and exits with status 1 if
// anything was. Run it in internal/e2e:
//
//	go run ./soak           # within ten minutes
//	go run ./soak -short    # within two minutes
//	go run ./soak -update   # also writes the table to docs/reliability.md
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seed-0d85b69d/sse/internal/e2e/child"
)

const page = "../../docs/reliability.md"

func main() {
	child.Main()
	short := flag.Bool("short", false, "take two minutes instead of ten")
	update := flag.Bool("update", false, "write the table to docs/reliability.md")
	only := flag.String("run", "", "run only the scenarios whose names contain `text`")
	flag.Parse()
	if *update && *only != "" {
		fmt.Fprintln(os.Stderr, "soak: -update needs all scenarios, so it excludes -run")
		os.Exit(2)
	}

	var results []result
	for _, s := range scenarios {
		if !strings.Contains(s.name, *only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "soak:", s.name)
		if !*short {
			s.duration *= longFactor
		}
		r, err := s.run()
		if err != nil {
			fmt.Fprintf(os.Stderr, "soak: %s: %v\n", s.name, err)
			os.Exit(1)
		}
		for _, text := range r.failures {
			fmt.Fprintf(os.Stderr, "soak: %s: %s\n", s.name, text)
		}
		results = append(results, r)
	}
	text := table(results)
	fmt.Print(text)
	if *update {
		command := "go run ./soak -update"
		if *short {
			command = "go run ./soak -short -update"
		}
		text = fmt.Sprintf("This is the output of `%s`:\n\n%s", command, text)
		if err := rewrite(page, text); err != nil {
			fmt.Fprintln(os.Stderr, "soak:", err)
			os.Exit(1)
		}
	}
	if slices.ContainsFunc(results, func(r result) bool { return len(r.failures) > 0 }) {
		os.Exit(1)
	}
}

// table returns the results as a table in Markdown.
func table(results []result) string {
	var b strings.Builder
	b.WriteString("| fault | streams | faults | connections made | events sent | received " +
		"| lost | repeated | goroutines left | heap left | back, median | back, longest |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range results {
		protocol := "HTTP/1.1"
		if r.http2 {
			protocol = "HTTP/2"
		}
		fmt.Fprintf(&b, "| %s, %s | %d | %d | %d | %d | %d | %d | %d | %d "+
			"| %.1f MiB | %.1f s | %.1f s |\n",
			r.name, protocol, r.streams, r.faults, r.connections, r.sent, r.check.Received,
			r.check.Lost, r.check.Repeated, r.goroutines, r.heap,
			r.back[len(r.back)/2].Seconds(), r.back[len(r.back)-1].Seconds())
	}
	return b.String()
}

// rewrite replaces the text between the markers of the file.
func rewrite(file, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := []byte("<!-- begin soak -->\n"), []byte("<!-- end soak -->")
	before, rest, ok := bytes.Cut(old, begin)
	_, after, ok2 := bytes.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no markers for the table", file)
	}
	return os.WriteFile(file, slices.Concat(before, begin, []byte(text), end, after), 0o644)
}
