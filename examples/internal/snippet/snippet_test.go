package snippet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goFile = `package p

// snippet: declaration
type t struct {
	n int
}

// end

func f() {
	before()
	// snippet: body
	if ok {

		call()
	}
	// end
	after()
}
`

const (
	declaration = "type t struct {\n\tn int\n}\n"
	body        = "if ok {\n\n\tcall()\n}\n"
)

func TestReadSnippets(t *testing.T) {
	got := readAll(t)
	want := map[string]string{
		"declaration": declaration,
		"body":        body,
	}
	code := make(map[string]string)
	for name, s := range got {
		code[name] = s.code
	}
	if diff := cmp.Diff(want, code); diff != "" {
		t.Errorf("the snippets differ (-want +got):\n%s", diff)
	}
	if got := got["body"].position; got != "x_test.go:12" {
		t.Errorf("got position %q", got)
	}
}

func readAll(t *testing.T) map[string]*snippet {
	t.Helper()
	snippets := make(map[string]*snippet)
	if err := readSnippets(snippets, "x_test.go", goFile); err != nil {
		t.Fatal(err)
	}
	return snippets
}

func TestReadSnippetsMistakes(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no end", "// snippet: a\n", `x.go:1: the snippet has no "// end"`},
		{"nested", "// snippet: a\n// snippet: b\n// end\n",
			`x.go:2: the snippet before has no "// end"`},
		{"end only", "\n// end\n", `x.go:2: "// end" without a snippet`},
		{"twice", "// snippet: a\n// end\n// snippet: a\n// end\n",
			`x.go:3: the snippet "a" is also at x.go:1`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := readSnippets(make(map[string]*snippet), "x.go", test.text)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestCheckBlocks(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"equal", "# Title\n\n```go body\n" + body + "```\n", ""},
		{"other language", "```sh\ngo test\n```\n", ""},
		{"differs", "```go body\nif !ok {\n```\n", "x.md:1: the code block is not the snippet of " +
			"x_test.go:12, and go test -update rewrites it"},
		{"unknown", "\n```go title\n```\n", `x.md:2: there is no snippet "title"`},
		{"no name", "```go\n```\n", "x.md:1: the code block does not name its snippet"},
		{"indented", "- list\n\n  ```go body\n  ```\n", "x.md:3: the code block is indented"},
		{"no end", "```go body\n" + body, "x.md:1: the code block does not end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strings.Join(checkBlocks("x.md", test.text, readAll(t)), "\n")
			if test.want == "" && got != "" || !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestCheckBlocksMarksUsedSnippets(t *testing.T) {
	snippets := readAll(t)
	checkBlocks("x.md", "```go body\n```\n", snippets)
	got := make(map[string]bool)
	for name, s := range snippets {
		got[name] = s.used
	}
	if diff := cmp.Diff(map[string]bool{"body": true, "declaration": false}, got); diff != "" {
		t.Errorf("the used snippets differ (-want +got):\n%s", diff)
	}
}

func TestUpdateBlocks(t *testing.T) {
	const text = "# Title\n\n```go body\nold\nold\n```\nbetween\n```sh\nls\n```\n" +
		"```go declaration\n```\nend\n```go unknown\nstays\n```\n"
	const want = "# Title\n\n```go body\n" + body + "```\nbetween\n```sh\nls\n```\n" +
		"```go declaration\n" + declaration + "```\nend\n```go unknown\nstays\n```\n"
	got := updateBlocks(text, readAll(t))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the text differs (-want +got):\n%s", diff)
	}
	if again := updateBlocks(got, readAll(t)); again != got {
		t.Errorf("a second update changes the text:\n%s", again)
	}
}
