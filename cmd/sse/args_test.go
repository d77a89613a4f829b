package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFlagForms(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-sk", "-XPUT", "-n", "3", "-HA: b", "x.test"},
		{"x.test", "--silent", "-insecure", "--request=PUT", "--count=3", "--header", "A: b"},
		{"-skXPUT", "-n3", "-H", "A: b", "--", "x.test"},
		{"-sSfLNik", "--compressed", "-X", "PUT", "-n3", "-H", "A: b", "http://x.test"},
	} {
		o, err := parseArgs(args, append(requestFlags, streamFlags...))
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		if !o.Silent || !o.Insecure || o.Method != "PUT" || o.Count != 3 || o.URL.String() != "http://x.test" {
			t.Errorf("%q: got %+v", args, o)
		}
		if diff := cmp.Diff(http.Header{"A": {"b"}}, o.Header); diff != "" {
			t.Errorf("%q: header (-want +got):\n%s", args, diff)
		}
	}
}

func TestSummaryFlag(t *testing.T) {
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

func TestDuration(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "5m": 5 * time.Minute, "1.5": 1500 * time.Millisecond, "0": 0, "2": 2 * time.Second,
		"-1": -1, "": -1, "1e300": -1, "Inf": -1, "NaN": -1, "5 m": -1,
	} {
		got, err := parseDuration(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{
		"1": 1, "65536": 65536, "512k": 512 << 10, "512K": 512 << 10, "64MiB": 64 << 20, "2gb": 2 << 30, "none": -1,
		"0": 0, "-5": 0, "": 0, "k": 0, "99999999999999999999": 0, "1.5m": 0,
	} {
		got, err := parseSize(s)
		if err != nil {
			got = 0
		}
		if got != want {
			t.Errorf("parseSize(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
}
