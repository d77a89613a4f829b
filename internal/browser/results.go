package main

import (
	"cmp"
	"fmt"
	"io"
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

// unknown compares the results with the suite and returns the jobs with a difference that is not a
// known departure.
func (s *server) unknown() (jobs []*job) {
	for _, j := range s.jobs {
		if len(j.compare()) > 0 && j.departure() == "" {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// departure returns the known departure that affects the job, or "".
func (j *job) departure() (reason string) {
	for _, d := range departures {
		if d.pattern.MatchString(j.text()) {
			reason = d.reason
		}
	}
	return reason
}

// printResults compares the results with the suite and prints the differences to w.
func (s *server) printResults(w io.Writer, agent string) {
	equal, different := 0, 0
	for _, j := range s.jobs {
		diffs := j.compare()
		if len(diffs) == 0 {
			equal++
			continue
		}
		different++
		fmt.Fprintf(w, "%s (%s)\n", j.name, cmp.Or(j.departure(), "NOT A KNOWN DEPARTURE"))
		for _, d := range diffs {
			fmt.Fprintf(w, "    %s\n", d)
		}
	}
	fmt.Fprintf(w, "%s\n%d cases: %d equal, %d different, of which %d are not known departures\n",
		agent, len(s.jobs), equal, different, len(s.unknown()))
}
