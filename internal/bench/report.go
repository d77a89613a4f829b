package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// results contains all measurements. A part that was not measured is zero.
type results struct {
	Parsings  []parsing
	SDK       []sdkCost
	Lines     *growth
	Latency   float64
	Transfers []transfer
	Idle      []idleCost
	Many      []manyCost
	Fanout    []fanoutCost
	Suite     *conformance
}

// A section is a table of the output and of docs/performance.md, in which its name stands for it.
type section struct {
	name, title string
	table       func(r *results) string // empty if the part was not measured
}

// sections contains all sections in the order of the output.
var sections = []section{
	{"summary", "Borrowed bytes compared with the fastest correct peer", (*results).summary},
	{"strings", "Strings compared with the fastest correct peer with ids", (*results).strings},
	{"parse", "Parsing: CPU time, divided by that of passes", (*results).parse},
	{"allocations", "Parsing: allocations and bytes allocated per event", (*results).allocations},
	{"sdk", "The response of a language model into structs", (*results).sdk},
	{"http", "HTTP: CPU time of the client, divided by that of io.Copy", (*results).http},
	{"load", "Many streams in one process", (*results).load},
	{"restart", "Many streams: a restart of the server", (*results).restart},
	{"idle", "Open streams without events", (*results).idle},
	{"writer", "One server, many clients", (*results).writer},
	{"lines", "Latency and long lines", (*results).lines},
	{"suite", "Conformance", (*results).suite},
	{"versions", "Versions", (*results).versions},
}

// text returns what is printed: the tables of all parts that were measured.
func (r *results) text() string {
	var b strings.Builder
	for _, s := range sections {
		if t := s.table(r); t != "" {
			fmt.Fprintf(&b, "## %s\n\n%s\n", s.title, t)
		}
	}
	fmt.Fprintf(&b, "Measured with %s.\n\n", machine())
	return b.String()
}

// write writes the results to the directory of the documentation.
func (r *results) write(docs string) error {
	page, err := r.page()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, "performance.md"), []byte(page), 0o644); err != nil {
		return err
	}
	chart := filepath.Join(docs, "performance.svg")
	if err := os.WriteFile(chart, []byte(r.chart()), 0o644); err != nil {
		return err
	}
	return replaceMarked(filepath.Join(docs, "conformance.md"), "score", r.suite())
}

// replaceMarked replaces the text between the two comments with the name in the file.
func replaceMarked(file, name, text string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	marked := regexp.MustCompile(`(?s)(<!-- begin ` + name + ` -->\n).*?(<!-- end ` + name + ` -->)`)
	m := marked.FindSubmatchIndex(page)
	if m == nil {
		return fmt.Errorf("%s does not contain the comments of %s", file, name)
	}
	page = []byte(string(page[:m[3]]) + text + string(page[m[4]:]))
	return os.WriteFile(file, page, 0o644)
}

// table returns a Markdown table with the rows that fill yields. It returns an empty string if
// there are none. A column is aligned to the left if its first cell begins with a letter.
func table(head []string, fill func(yield func(cells ...string))) string {
	var rows strings.Builder
	var first []string
	line := func(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
	fill(func(cells ...string) {
		if first == nil {
			first = slices.Clone(cells)
		}
		rows.WriteString(line(cells...))
	})
	if first == nil {
		return ""
	}
	rule := "|---|"
	for _, cell := range first[1:] {
		if r, _ := utf8.DecodeRuneInString(cell); unicode.IsLetter(r) {
			rule += "---|"
		} else {
			rule += "---:|"
		}
	}
	return line(head...) + rule + "\n" + rows.String()
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

// ratio formats f with two decimals.
func ratio(f float64) string { return fmt.Sprintf("%.2f", f) }

// percent formats a fraction.
func percent(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }

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

// thousands formats n with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
