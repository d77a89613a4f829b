package models

import (
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/examples/internal/snippet"
)

func TestSnippets(t *testing.T) {
	snippet.Check(t, "../../../docs/recipes/models.md")
}

// collect calls read with a function that collects text, and returns what was collected.
func collect(read func(show func(text string)) error) (string, error) {
	var b strings.Builder
	err := read(func(text string) { b.WriteString(text) })
	return b.String(), err
}

// check reports a test error unless text is want and err contains wantErr. If wantErr is empty,
// err must be nil.
func check(t *testing.T, text string, err error, want, wantErr string) {
	t.Helper()
	if text != want {
		t.Errorf("got text %q, want %q", text, want)
	}
	switch {
	case wantErr == "" && err != nil:
		t.Errorf("got error %v", err)
	case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
		t.Errorf("got error %v, want %q", err, wantErr)
	}
}
