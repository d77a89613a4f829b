package output

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// Nothing that acts on a terminal comes out of the forms that are shown on
// one, and JSON stays the same to a program.
func TestFormatsContainNoControlCharacters(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r < 0xd800; r++ {
		all.WriteRune(r)
	}
	all.WriteString("\U000e0001\U0001d173\U0001f600")
	ev := sse.Event{ID: all.String(), Type: all.String(), Data: all.String()}
	for name, form := range map[string]func([]byte, sse.Event) []byte{"line": appendLine, "json": appendJSON} {
		for _, r := range strings.ReplaceAll(strings.TrimSuffix(string(form(nil, ev)), "\n"), "\t", "") {
			if escape.IsUnsafe(r) {
				t.Errorf("%s: %U", name, r)
			}
		}
	}
	var back sse.Event
	if err := json.Unmarshal(appendJSON(nil, ev), &back); err != nil || back != ev {
		t.Errorf("JSON comes back otherwise: %v", err)
	}
	if got := appendJSON([]byte("before "), sse.Event{Data: "\u009b"}); string(got) != `before {"id":"","type":"","data":"\u009b"}`+"\n" {
		t.Errorf("appended: %s", got)
	}
}
