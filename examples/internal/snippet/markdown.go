package snippet

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// A block is a Go code block of a Markdown file.
type block struct {
	name        string // of the snippet, or ""
	code        string
	first, last int    // the lines of the fences, counted from 0
	problem     string // why the block cannot be compared, or ""
}

const fence = "```"

// readBlocks returns the Go code blocks among the lines of a Markdown file.
func readBlocks(lines []string) (blocks []block) {
	for i := 0; i < len(lines); i++ {
		info, isFence := strings.CutPrefix(strings.TrimLeft(lines[i], " \t"), fence)
		if !isFence {
			continue
		}
		b := block{first: i}
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != fence; i++ {
			b.code += lines[i] + "\n"
		}
		b.last = i
		words := strings.Fields(info)
		if len(words) == 0 || words[0] != "go" {
			continue
		}
		switch b.name = strings.Join(words[1:], " "); {
		case b.last == len(lines):
			b.problem = "the code block does not end"
		case !strings.HasPrefix(lines[b.first], fence):
			b.problem = "the code block is indented"
		case b.name == "":
			b.problem = "the code block does not name its snippet; begin it with " + fence + "go NAME"
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// checkBlocks returns what is wrong with the blocks of a Markdown file, and marks the snippets that
// it uses.
func checkBlocks(file, text string, snippets map[string]*snippet) (problems []string) {
	for _, b := range readBlocks(strings.Split(text, "\n")) {
		s := snippets[b.name]
		if b.problem == "" && s == nil {
			b.problem = fmt.Sprintf("there is no snippet %q", b.name)
		}
		if b.problem == "" {
			s.used = true
			if diff := cmp.Diff(splitLines(s.code), splitLines(b.code)); diff != "" {
				b.problem = fmt.Sprintf("the code block is not the snippet of %s, "+
					"and go test -update rewrites it (-snippet +block):\n%s", s.position, diff)
			}
		}
		if b.problem != "" {
			problems = append(problems, fmt.Sprintf("%s:%d: %s", file, b.first+1, b.problem))
		}
	}
	return problems
}

// updateBlocks returns the text of a Markdown file with the code of the snippets in its blocks.
func updateBlocks(text string, snippets map[string]*snippet) string {
	lines := strings.Split(text, "\n")
	var updated []string
	next := 0 // the first line that has not been copied
	for _, b := range readBlocks(lines) {
		if s := snippets[b.name]; s != nil && b.problem == "" {
			updated = append(updated, lines[next:b.first+1]...)
			updated = append(updated, splitLines(s.code)...)
			next = b.last
		}
	}
	return strings.Join(append(updated, lines[next:]...), "\n")
}

func splitLines(code string) []string {
	return strings.Split(strings.TrimSuffix(code, "\n"), "\n")
}
