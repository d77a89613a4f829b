package main

import (
	"regexp"
	"slices"

	"github.com/seed-0d85b69d/sse/internal/suite"
)

// A departure is a known departure of an implementation from the standard.
type departure struct {
	reason string

	// pattern matches the body or the value of a header of each response that is affected. U+0000
	// to U+00FF stand for bytes.
	pattern *regexp.Regexp
}

// chromiumDepartures contains the departures of Chromium.
var chromiumDepartures = []departure{
	{"a BOM before a line end", regexp.MustCompile(`^\x{ef}\x{bb}\x{bf}[\r\n]`)},
	{"a retry field without a value",
		regexp.MustCompile(`(^|[\x{bf}\r\n])retry(:| |: )?[\r\n]`)},
	{"a retry of 2^64 or more", regexp.MustCompile(`retry: ?0*[1-9][0-9]{19}`)},
	{"an id that no header can carry",
		regexp.MustCompile(`id:[^\r\n]*[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]`)},
	{"a charset other than UTF-8", regexp.MustCompile(`charset=(windows-1252|latin1|bogus)`)},
}

// departure returns the reason for which the implementation may fail a job, or "".
func (impl implementation) departure(j *job) string {
	if j.policy {
		return "the standard does not require this"
	}
	for _, d := range impl.departures {
		if slices.ContainsFunc(j.exchanges, d.affects) {
			return d.reason
		}
	}
	return ""
}

// affects reports whether an implementation with the departure may fail at x.
func (d departure) affects(x exchange) bool {
	matches := func(b suite.Bytes) bool {
		text := make([]rune, len(b))
		for i := range b {
			text[i] = rune(b[i])
		}
		return d.pattern.MatchString(string(text))
	}
	return matches(slices.Concat(x.chunks...)) ||
		slices.ContainsFunc(x.Headers, func(f [2]suite.Bytes) bool { return matches(f[1]) })
}
