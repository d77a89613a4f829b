package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	const data = `{"choices":[{"delta":{"content":"Hi \u00e9","a.b":"dotted"}},{"n":1.50}],"o":{"x": [1, 2]},"z":null,"t":true,"e":""}`
	for _, test := range []struct {
		data, path, want string
		ok               bool
	}{
		{data, "choices.0.delta.content", "Hi é", true},
		{data, `choices.0.delta.a\.b`, "dotted", true},
		{data, "choices.1.n", "1.50", true},
		{data, "o", `{"x":[1,2]}`, true},
		{data, "o.x.1", "2", true},
		{data, "t", "true", true},
		{data, "e", "", true},
		{data, "z", "", false},
		{data, "none", "", false},
		{data, "choices.2", "", false},
		{data, "choices.-1", "", false},
		{data, "choices.x", "", false},
		{data, "t.x", "", false},
		{"[DONE]", "0", "", false},
		{"", "a", "", false},
		{`{"a":1} trailing`, "a", "", false},
		{"\n [7]", "0", "7", true},
	} {
		got, ok := lookup(test.data, splitPath(test.path))
		if got != test.want || ok != test.ok {
			t.Errorf("lookup(%s) = %q, %v, want %q, %v", test.path, got, ok, test.want, test.ok)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é 世界 👩‍👩‍👧":                                 "plain é 世界 👩‍👩‍👧",
		"a\nb\rc\td":                                       `a\nb\rc\td`,
		"\x1b[31m\x00\a":                                   `\x1b[31m\x00\x07`,
		"\x7f\u0080\u009b31m\u0085":                        `\x7f\x80\x9b31m\x85`,
		"\u202a\u202e\u2066\u200e\u061c\u2028\ufeff\u00ad": `\u202a\u202e\u2066\u200e\u061c\u2028\ufeff\xad`,
		"\xff\xc3(":                                        `\xff\xc3(`,
		"\U000e0041":                                       `\U000e0041`,
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %s, want %s", in, got, want)
		}
	}
}

// Nothing that acts on a terminal comes out of the forms that are shown on
// one, and JSON stays the same to a program.
func TestNoControlCharacters(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r < 0xd800; r++ {
		all.WriteRune(r)
	}
	all.WriteString("\U000e0001\U0001d173\U0001f600")
	ev := sse.Event{ID: all.String(), Type: all.String(), Data: all.String()}
	for name, form := range map[string]func([]byte, sse.Event) []byte{"line": appendLine, "json": appendJSON} {
		for _, r := range strings.ReplaceAll(strings.TrimSuffix(string(form(nil, ev)), "\n"), "\t", "") {
			if unsafeRune(r) {
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

func TestSafeWriter(t *testing.T) {
	t.Parallel()
	const in = "a\tb\n é 世 👩 \x1b[31m \u009b \u202e \xff \xe4\xb8 end \xe4\xb8"
	const want = "a\tb\n é 世 👩 \\x1b[31m \\x9b \\u202e \\xff \\xe4\\xb8 end \\xe4\\xb8"
	for size := 1; size <= len(in); size++ {
		var b strings.Builder
		w := &safeWriter{w: &b}
		for i := 0; i < len(in); i += size {
			w.Write([]byte(in[i:min(i+size, len(in))]))
		}
		w.flush()
		if b.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", size, b.String(), want)
		}
	}
}
