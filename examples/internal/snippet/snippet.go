// Package snippet verifies that the Go code of Markdown files is code that a test runs.
//
// A snippet is the code between two comments of a Go file:
//
//	// snippet: NAME
//	...
//	// end
//
// A code block of a Markdown file names the snippet after its language:
//
//	```go NAME
//	...
//	```
//
// Its content is the snippet without the indentation that all lines share. Blocks in other
// languages are ignored.
package snippet

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the Go code of the Markdown files")

// Check verifies that the Go code blocks of the Markdown files are the snippets of the Go files in
// the current directory, and that each snippet is used. If the flag -update is set, it rewrites the
// blocks first.
func Check(t *testing.T, markdown ...string) {
	t.Helper()
	if len(markdown) == 0 {
		t.Fatal("there are no Markdown files to check")
	}
	goFiles, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	snippets := make(map[string]*snippet)
	for _, name := range goFiles {
		if err := readSnippets(snippets, name, readFile(t, name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range markdown {
		text := readFile(t, name)
		if *update {
			if newText := updateBlocks(text, snippets); newText != text {
				if err := os.WriteFile(name, []byte(newText), 0o644); err != nil {
					t.Fatal(err)
				}
				text = newText
			}
		}
		for _, problem := range checkBlocks(name, text, snippets) {
			t.Error(problem)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(snippets)) {
		if s := snippets[name]; !s.used {
			t.Errorf("%s: no Markdown file uses the snippet %q", s.position, name)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A snippet is a part of a Go file.
type snippet struct {
	code     string // each line ends with "\n"
	position string // file and line
	used     bool
}

const (
	beginMark = "// snippet:"
	endMark   = "// end"
)

// readSnippets adds the snippets of a Go file to snippets.
func readSnippets(snippets map[string]*snippet, file, text string) error {
	var name string
	var current *snippet
	var lines []string
	for i, line := range strings.Split(text, "\n") {
		position := fmt.Sprintf("%s:%d", file, i+1)
		switch mark := strings.TrimSpace(line); {
		case strings.HasPrefix(mark, beginMark):
			if current != nil {
				return fmt.Errorf("%s: the snippet before has no %q", position, endMark)
			}
			name = strings.TrimSpace(strings.TrimPrefix(mark, beginMark))
			if s := snippets[name]; s != nil {
				return fmt.Errorf("%s: the snippet %q is also at %s", position, name, s.position)
			}
			current, lines = &snippet{position: position}, nil
		case mark == endMark:
			if current == nil {
				return fmt.Errorf("%s: %q without a snippet", position, endMark)
			}
			current.code = dedent(lines)
			snippets[name] = current
			current = nil
		case current != nil:
			lines = append(lines, line)
		}
	}
	if current != nil {
		return fmt.Errorf("%s: the snippet has no %q", current.position, endMark)
	}
	return nil
}

// dedent joins lines without the tabs that all lines share, and without blank lines at both ends.
func dedent(lines []string) string {
	indent := -1
	for _, line := range lines {
		if line != "" {
			n := len(line) - len(strings.TrimLeft(line, "\t"))
			if indent < 0 || n < indent {
				indent = n
			}
		}
	}
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			line = line[indent:]
		}
		b.WriteString(line + "\n")
	}
	return strings.Trim(b.String(), "\n") + "\n"
}
