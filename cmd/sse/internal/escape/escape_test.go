package escape

import (
	"strings"
	"testing"
)

func TestLineEscapesUnsafeCharacters(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é 世界 👩‍👩‍👧":               "plain é 世界 👩‍👩‍👧",
		"a\nb\rc\td":                     `a\nb\rc\td`,
		"\x1b[31m\x00\a":                 `\x1b[31m\x00\x07`,
		"\x7f\u0080\u009b31m\u0085":      `\x7f\x80\x9b31m\x85`,
		"\u202a\u202e\u2066\u200e\u061c": `\u202a\u202e\u2066\u200e\u061c`,
		"\u2028\ufeff\u00ad":             `\u2028\ufeff\xad`,
		"\xff\xc3(":                      `\xff\xc3(`,
		"\U000e0041":                     `\U000e0041`,
	} {
		if got := Line(in); got != want {
			t.Errorf("escape(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestWriterJoinsDividedCharacters(t *testing.T) {
	t.Parallel()
	const in = "a\tb\n é 世 👩 \x1b[31m \u009b \u202e \xff \xe4\xb8 end \xe4\xb8"
	const want = "a\tb\n é 世 👩 \\x1b[31m \\x9b \\u202e \\xff \\xe4\\xb8 end \\xe4\\xb8"
	for size := 1; size <= len(in); size++ {
		var b strings.Builder
		w := &Writer{w: &b}
		for i := 0; i < len(in); i += size {
			w.Write([]byte(in[i:min(i+size, len(in))]))
		}
		w.Flush()
		if b.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", size, b.String(), want)
		}
	}
}

func TestAppendControlKeepsText(t *testing.T) {
	t.Parallel()
	const in = "é\x1b[31m\x00\x7f\u009b2J\t\r\n\u200f\ufeff\u2028\xff"
	const want = `before é\x1b[31m\x00\x7f\x9b2J` + "\t\r\n\u200f\ufeff\u2028\xff"
	if got := string(AppendControl([]byte("before "), in)); got != want {
		t.Errorf("AppendControl(%q) = %q, want %q", in, got, want)
	}
}
