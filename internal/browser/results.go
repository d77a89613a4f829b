package main

import (
	_ "embed"
	"fmt"
	"regexp"
)

// departures contains the known departures of Chromium from the standard. A case is affected if
// the pattern matches its text.
var departures = []struct {
	reason  string
	pattern *regexp.Regexp
}{
	{"a BOM before a line end", regexp.MustCompile(`\x{100}\x{ef}\x{bb}\x{bf}[\r\n]`)},
	{"a retry field without a value", regexp.MustCompile(`[\x{100}\x{bf}\r\n]retry(:| |: )?[\r\n]`)},
	{"a retry of 2^64 or more", regexp.MustCompile(`retry: ?0*[1-9][0-9]{19}`)},
	{"an id that no header can carry",
		regexp.MustCompile(`id:[^\r\n]*[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]`)},
	{"a charset other than UTF-8", regexp.MustCompile(`charset=(windows-1252|latin1|bogus)`)},
	{"a request that the network layer repeats", regexp.MustCompile(`^A 421 |\nfail\n`)},
}

// printResults compares the results with the suite and prints the differences. It reports whether
// all differences are known departures.
func (s *server) printResults(agent string) bool {
	equal, different, unknown := 0, 0, 0
	for _, j := range s.jobs {
		j.mu.Lock()
		diffs := j.compare()
		j.mu.Unlock()
		if len(diffs) == 0 {
			equal++
			continue
		}
		different++
		reason := ""
		for _, d := range departures {
			if d.pattern.MatchString(j.text()) {
				reason = d.reason
			}
		}
		if reason == "" {
			reason = "NOT A KNOWN DEPARTURE"
			unknown++
		}
		fmt.Printf("%s (%s)\n", j.name, reason)
		for _, d := range diffs {
			fmt.Printf("    %s\n", d)
		}
	}
	fmt.Printf("%s\n%d cases: %d equal, %d different, of which %d are not known departures\n",
		agent, len(s.jobs), equal, different, unknown)
	return unknown == 0
}
