package check_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/seed-0d85b69d/sse/internal/check"
)

// Every rule in the code is in the table, once and completely, and every rule in the
// table is in the code.
func TestRulesAreComplete(t *testing.T) {
	used := map[string]bool{}
	name := regexp.MustCompile(`c\.(?:add|addResponse|addAt)\((?:[^,"]+, [^,"]+, )?"([\w-]+)"`)
	for _, part := range []string{"redirect", "header", "body", "line", "field"} {
		source, err := os.ReadFile(part + ".go")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range name.FindAllSubmatch(source, -1) {
			used[string(m[1])] = true
		}
	}
	seen := map[string]bool{}
	for _, r := range check.Rules() {
		if !used[r.Name] {
			t.Errorf("%s is in the table, but not in the code", r.Name)
		}
		if seen[r.Name] {
			t.Errorf("%s is in the table twice", r.Name)
		}
		seen[r.Name] = true
		if r.Section == "" || r.Reason == "" {
			t.Errorf("%s has no section or no reason", r.Name)
		}
	}
	for name := range used {
		if !seen[name] {
			t.Errorf("%s is in the code, but not in the table", name)
		}
	}
}
