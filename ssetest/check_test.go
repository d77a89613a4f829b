package ssetest_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	. "github.com/seed-0d85b69d/sse/ssetest"
)

// The documentation lists the fields of the types of package check, because
// documentation tools do not show those of an alias.
func TestCheckDocListsFields(t *testing.T) {
	source, err := os.ReadFile("check.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{Report{}, Finding{}, Rule{}} {
		typ := reflect.TypeOf(v)
		_, doc, _ := strings.Cut(string(source), "//	type "+typ.Name()+" struct {\n")
		doc, _, _ = strings.Cut(doc, "//	}\n")
		lines := strings.Split(strings.TrimSuffix(doc, "\n"), "\n")
		if len(lines) != typ.NumField() {
			t.Fatalf("%s: got %d fields, want %d", typ, len(lines), typ.NumField())
		}
		for i, line := range lines {
			f := typ.Field(i)
			want := f.Name + " " + strings.ReplaceAll(f.Type.String(), "check.", "")
			if got := strings.Join(strings.Fields(line)[1:3], " "); got != want {
				t.Errorf("%s: got field %q, want %q", typ, got, want)
			}
		}
	}
}

func TestCheckRules(t *testing.T) {
	rules := Rules()
	rules[0].Name = "changed"
	if Rules()[0].Name == "changed" {
		t.Error("Rules returns the table itself, not a copy")
	}
}
