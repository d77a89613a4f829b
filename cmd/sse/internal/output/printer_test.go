package output

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// The formats that may be shown on a terminal contain no control characters, and the JSON is
// equivalent to the event.
func TestFormatsContainNoControlCharacters(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r < 0xd800; r++ {
		all.WriteRune(r)
	}
	all.WriteString("\U000e0001\U0001d173\U0001f600")
	ev := sse.Event{ID: all.String(), Type: all.String(), Data: all.String()}
	for name, form := range map[string]func([]byte, sse.Event) []byte{"line": appendLine,
		"json": appendJSON} {
		for _, r := range strings.ReplaceAll(strings.TrimSuffix(string(form(nil, ev)), "\n"), "\t",
			"") {
			if escape.IsUnsafe(r) {
				t.Errorf("%s: %U", name, r)
			}
		}
	}
	var back sse.Event
	if err := json.Unmarshal(appendJSON(nil, ev), &back); err != nil || back != ev {
		t.Errorf("the JSON is not equivalent to the event: %v", err)
	}
	const want = `before {"id":"","type":"","data":"\u009b"}` + "\n"
	if got := appendJSON([]byte("before "), sse.Event{Data: "\u009b"}); string(got) != want {
		t.Errorf("appended: %s, want %s", got, want)
	}
}
