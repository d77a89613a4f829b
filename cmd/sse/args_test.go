package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseArgsAcceptsFormsOfFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-sk", "-XPUT", "-n", "3", "-HA: b", "x.test"},
		{"x.test", "--silent", "-insecure", "--request=PUT", "--count=3", "--header", "A: b"},
		{"-skXPUT", "-n3", "-H", "A: b", "--", "x.test"},
		{"-sSfLNik", "--compressed", "-X", "PUT", "-n3", "-H", "A: b", " http://x.test\n"},
	} {
		o, err := parseArgs(args, append(requestFlags, streamFlags...))
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		if !o.Silent || !o.Insecure || o.Method != "PUT" || o.Count != 3 ||
			o.URL.String() != "http://x.test" {
			t.Errorf("%q: got %+v", args, o)
		}
		if diff := cmp.Diff(http.Header{"A": {"b"}}, o.Header); diff != "" {
			t.Errorf("%q: header (-want +got):\n%s", args, diff)
		}
	}
}

func TestParseArgsOptionalValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, want string }{
		{"x.test", ""},
		{"--summary x.test", "text"},
		{"--summary text x.test", "text"},
		{"--summary json x.test", "json"},
		{"--summary=json x.test", "json"},
		{"x.test --summary", "text"},
		{"x.test --summary none", "none"},
	} {
		o, err := parseArgs(strings.Fields(test.args), streamFlags)
		if err != nil || o.Summary != test.want || o.URL.Host != "x.test" {
			t.Errorf("%s: got %v, %v, want %q", test.args, o, err, test.want)
		}
	}
}

func TestSimilarCommand(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"serv": "serve", "ser": "serve", "sevre": "serve", "server": "serve", "sserve": "serve",
		"chec": "check", "chekc": "check", "chock": "check", "dem": "demo", "demos": "demo",
		"serve": "", "se": "", "localhost": "", "example.com": "", "serve.test": "", "de": "",
		"servant": "", "": "", "-": "", "évé": "",
	} {
		if got := similarCommand(name); got != want {
			t.Errorf("similarCommand(%q) = %q, want %q", name, got, want)
		}
	}
}
