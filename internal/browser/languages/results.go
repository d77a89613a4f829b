package main

import (
	"context"
	"fmt"
	"io"
)

// A busy machine may delay a request, which can both fail and pass a job.
const (
	attempts     = 3  // trials of a job that fails for an unknown reason, or that compares waits
	waitAttempts = 10 // trials of a job that fails only because of its waits
)

// A result is the result of the suite with an implementation.
type result struct {
	impl    implementation
	version string
	jobs    []*job        // that the implementation has run
	diffs   []differences // of each job
}

// runSuite runs the jobs that an implementation can run.
func runSuite(ctx context.Context, impl implementation, jobs []*job) (*result, error) {
	r := &result{impl: impl}
	for _, j := range jobs {
		if impl.onlyParses {
			if !j.parsing {
				continue
			}
			parse := *j
			parse.requests = false
			j = &parse
		}
		r.jobs = append(r.jobs, j)
	}
	r.diffs = make([]differences, len(r.jobs))
	last := make([]*trial, len(r.jobs))
	left := make([]int, len(r.jobs)) // the jobs that need another trial
	for i := range left {
		left[i] = i
	}
	for attempt := 1; len(left) > 0; attempt++ {
		trials := make([]*trial, len(left))
		for i, n := range left {
			trials[i] = &trial{job: r.jobs[n], earlier: last[n]}
		}
		var err error
		if r.version, err = runTrials(ctx, impl, trials); err != nil {
			return nil, err
		}
		var again []int
		for i, n := range left {
			last[n] = trials[i]
			d := trials[i].compare()
			if attempt > 1 {
				d = best(r.diffs[n], d)
			}
			r.diffs[n] = d
			if r.needsTrial(n, attempt) {
				again = append(again, n)
			}
		}
		left = again
	}
	return r, nil
}

// needsTrial reports whether job i must be tried again after the given number of attempts.
func (r *result) needsTrial(i, attempt int) bool {
	d := r.diffs[i]
	fails := len(d.all()) > 0 && r.impl.departure(r.jobs[i]) == ""
	if attempt < attempts {
		return fails || r.jobs[i].hasWait()
	}
	return attempt < waitAttempts && fails && len(d.waits) == len(d.all())
}

// printDifferences prints the differences of each job. If verbose is not set, it prints only those
// of unexpected jobs.
func (r *result) printDifferences(w io.Writer, verbose bool) {
	for i, j := range r.jobs {
		all := r.diffs[i].all()
		if len(all) == 0 || !verbose && !r.isUnexpected(i) {
			continue
		}
		fmt.Fprintf(w, "%s: %s: %s", r.impl.name, j.topic, j.name)
		if j.cut != "" {
			fmt.Fprintf(w, " %s", j.cut)
		}
		if reason := r.impl.departure(j); reason != "" {
			fmt.Fprintf(w, " (%s)", reason)
		}
		fmt.Fprintln(w)
		for _, d := range all {
			fmt.Fprintf(w, "    %s\n", d)
		}
	}
}

// isUnexpected reports whether job i has differences that are an error.
func (r *result) isUnexpected(i int) bool {
	return r.impl.checked && len(r.diffs[i].all()) > 0 && r.impl.departure(r.jobs[i]) == ""
}

// unexpected returns the number of unexpected jobs.
func (r *result) unexpected() (n int) {
	for i := range r.jobs {
		n += count(r.isUnexpected(i))
	}
	return n
}
