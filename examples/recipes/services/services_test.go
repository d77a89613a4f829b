package services

import (
	"testing"

	"github.com/seed-0d85b69d/sse/examples/internal/snippet"
)

func TestSnippets(t *testing.T) {
	snippet.Check(t, "../../../docs/recipes/services.md")
}
