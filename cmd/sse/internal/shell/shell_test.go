package shell

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		line      string
		want      []string
		variables []string
	}{
		{"", nil, nil},
		{"  \t\n ", nil, nil},
		{"curl  a\tb\nc ", []string{"curl", "a", "b", "c"}, nil},
		{`a'b c'"d e"f`, []string{"ab cd ef"}, nil},
		{`'' "" x`, []string{"", "", "x"}, nil},
		{`'a\b"$x' "it's"`, []string{`a\b"$x`, "it's"}, nil},
		{`a\ b \\ \" \'`, []string{"a b", `\`, `"`, "'"}, nil},
		{"a \\\n  b\\\nc \\\r\n d", []string{"a", "bc", "d"}, nil},
		{`"a\"b\\c\$d\e` + "\\\nf" + `"`, []string{`a"b\c$d\ef`}, nil},
		{"'a\nb' \"c\nd\"", []string{"a\nb", "c\nd"}, nil},
		{"a # b 'c\nd#e", []string{"a", "d#e"}, nil},
		{`-H "Authorization: Bearer $KEY" ${URL}/x $1`,
			[]string{"-H", "Authorization: Bearer $KEY", "${URL}/x", "$1"},
			[]string{"$KEY", "${URL}", "$1"}},
		{`$ a$ "$" "$ "`, []string{"$", "a$", "$", "$ "}, nil},
		{`$"a b"`, []string{"a b"}, nil},
		{`a~ *? [x] {y}`, []string{"a~", "*?", "[x]", "{y}"}, nil},
		{`x\`, []string{"x"}, nil},

		// As browsers write it.
		{`$'a\u0021\'\n\r\t\\"'`, []string{"a!'\n\r\t\\\""}, nil},
		{`$'\x41\x4g\101\18\0601'`, []string{"A\x04gA\x018" + "01"}, nil},
		{`$'\xe4\u00e4\U1f600\ud83d\ude00'`, []string{"\xe4ä😀😀"}, nil},
		{`$'\ud83d\u0041\ud83dx\udc00\UFFFFFFFF'`, []string{"\ufffdA\ufffdx\ufffd\ufffd"}, nil},
		{`$'\a\b\e\E\f\v\?\"\cA\q\xg'`, []string{"\a\b\x1b\x1b\f\v?\"\x01\\q\\xg"}, nil},
		{`x$''y`, []string{"xy"}, nil},
	} {
		got, variables, err := Split(test.line)
		if err != nil {
			t.Errorf("Split(%q): %v", test.line, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("words of %q (-want +got):\n%s", test.line, diff)
		}
		if diff := cmp.Diff(test.variables, variables); diff != "" {
			t.Errorf("variables of %q (-want +got):\n%s", test.line, diff)
		}
	}
}

func TestSplitRejectsMoreThanACommand(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"curl 'x":          "a quote is not closed",
		`curl "x`:          "a quote is not closed",
		`curl "x\`:         "a quote is not closed",
		`curl $'x`:         "a quote is not closed",
		`curl $'x\`:        "a quote is not closed",
		`curl ${x`:         "a ${ is not closed",
		"curl x | jq":      `'|' outside quotes`,
		"curl x?a=1&b=2":   `'&' outside quotes`,
		"curl x; rm y":     `';' outside quotes`,
		"curl x > y":       `'>' outside quotes`,
		"(curl x)":         `'(' outside quotes`,
		"curl $(cat x)":    "command substitution",
		"curl \"`cat x`\"": "command substitution",
		"curl \x00":        "NUL",
		`curl $'\0'`:       "NUL",
		`curl $'\x00'`:     "NUL",
	} {
		words, _, err := Split(line)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Split(%q) = %q, %v, want an error with %q", line, words, err, want)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":              "''",
		"http://x/a?b":  "'http://x/a?b'",
		"http://x:8/a":  "http://x:8/a",
		"=ls":           "'=ls'",
		"it's":          `'it'\''s'`,
		"a\nb\tc":       "'a\nb\tc'",
		"$x `y` !z \\":  "'$x `y` !z \\'",
		"a\r'\n\\":      `$'a\r\'\n\\'`,
		"\x1b[201~":     `$'\033[201~'`,
		"\u009b\u202e1": `$'\302\233\342\200\2561'`,
		"\xff1":         `$'\3771'`,
		"é😀":            "'é😀'",
	} {
		if got := Quote(s); got != want {
			t.Errorf("Quote(%q) = %s, want %s", s, got, want)
		}
	}
}

func FuzzSplitUndoesJoin(f *testing.F) {
	f.Add("a", "it's", "\x1b\r\n\t\\'\xff\u202e")
	f.Add("", "$x", "\u0085\x7f1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		words := []string{a, b, c}
		for _, word := range words {
			if strings.Contains(word, "\x00") {
				t.Skip()
			}
		}
		line := Join(words)
		got, variables, err := Split(line)
		if err != nil || len(variables) > 0 {
			t.Fatalf("Split(%q): %v, variables %q", line, err, variables)
		}
		if diff := cmp.Diff(words, got); diff != "" {
			t.Errorf("words of %q (-want +got):\n%s", line, diff)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("curl -H 'a: b' \"$x\" $'\\u0041' \\\n")
	f.Fuzz(func(t *testing.T, line string) {
		words, _, err := Split(line)
		if err != nil {
			return
		}
		again, _, err := Split(Join(words))
		if err != nil {
			t.Fatalf("Split(Join(%q)): %v", words, err)
		}
		if diff := cmp.Diff(words, again); diff != "" {
			t.Errorf("words (-want +got):\n%s", diff)
		}
	})
}

func TestQuoteSurvivesShell(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no arguments, but a command line")
	}
	bash, err := exec.LookPath("bash") // dash does not know $'…'
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("bash is not installed")
	case err != nil:
		t.Skip("bash is not installed")
	}
	var all strings.Builder
	for c := 1; c < 256; c++ {
		all.WriteByte(byte(c))
		all.WriteString(string(rune(c)))
	}
	words := []string{all.String(), "it's\n$x `y` !z \\", "", "=a", "~", "#", "é\u202e1"}
	out, err := exec.Command(bash, "-c", `printf '%s\0' `+Join(words)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(words, "\x00")+"\x00", string(out)); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}
