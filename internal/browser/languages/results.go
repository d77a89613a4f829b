package main

import (
	"context"
	"fmt"
)

// attempts is the number of trials of a job that fails or that compares waits. A busy machine may
// delay a request, which can both fail and pass a job.
const attempts = 3

// A result is the result of the suite with an implementation.
type result struct {
	impl    implementation
	version string
	jobs    []*job        // that the implementation has run
	diffs   []differences // of each job
}

// runSuite runs the jobs that an implementation can run.
func runSuite(impl implementation, jobs []*job) (*result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
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
	for attempt := range attempts {
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
			if attempt > 0 {
				d = best(r.diffs[n], d)
			}
			r.diffs[n] = d
			if len(d.all()) > 0 || r.jobs[n].hasWait() {
				again = append(again, n)
			}
		}
		if left = again; len(left) == 0 {
			break
		}
	}
	return r, nil
}

// printDifferences prints the differences of each job.
func (r *result) printDifferences() {
	for i, j := range r.jobs {
		all := r.diffs[i].all()
		if len(all) == 0 {
			continue
		}
		fmt.Printf("%s: %s: %s %s\n", r.impl.name, j.topic, j.name, j.cut)
		for _, d := range all {
			fmt.Printf("    %s\n", d)
		}
	}
}

// failed returns the number of jobs with differences.
func (r *result) failed() (n int) {
	for _, d := range r.diffs {
		n += count(len(d.all()) > 0)
	}
	return n
}
