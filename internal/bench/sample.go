package main

import (
	"math"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// cpu returns the CPU time of this process, including the garbage collector and all goroutines.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// An entry is a function that is timed.
type entry struct {
	name    string
	run     func()
	work    float64 // the work of one run, in a unit that all entries of a comparison share
	reps    int     // runs per sample
	samples []float64
}

// takeSamples takes one sample of every entry in each round. Each round starts with a different
// entry. A sample is the CPU time for one unit of work, in nanoseconds.
func (p *plan) takeSamples(entries []*entry) {
	for _, e := range entries {
		runtime.GC()
		start := cpu()
		e.run()
		e.reps = 1 + int(p.minSample/max(cpu()-start, p.minSample/256, 1))
		e.samples = e.samples[:0]
	}
	for round := range p.rounds {
		for i := range entries {
			e := entries[(i+round)%len(entries)]
			runtime.GC()
			start := cpu()
			for range e.reps {
				e.run()
			}
			// The clock may stand still during a very short run.
			used := max(cpu()-start, time.Microsecond)
			e.samples = append(e.samples, float64(used)/float64(e.reps)/e.work)
		}
	}
}

// medianRatio returns the median of the ratios of a to b in each round.
func medianRatio(a, b *entry) float64 {
	ratios := make([]float64, len(a.samples))
	for i := range ratios {
		ratios[i] = a.samples[i] / b.samples[i]
	}
	return median(ratios)
}

// median returns the median of all.
func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

// allocations returns the number and the size of the allocations per unit of work. It subtracts
// those of doing the work once from those of doing it twice, so that fixed costs do not count.
func allocations(work func(times int), units int) (allocs, size float64) {
	allocs, size = math.Inf(1), math.Inf(1)
	for range 3 { // the runtime also allocates a little
		var m [3]runtime.MemStats
		runtime.ReadMemStats(&m[0])
		work(1)
		runtime.ReadMemStats(&m[1])
		work(2)
		runtime.ReadMemStats(&m[2])
		more := func(get func(m *runtime.MemStats) uint64) float64 {
			once, twice := get(&m[1])-get(&m[0]), get(&m[2])-get(&m[1])
			return max(float64(twice)-float64(once), 0) / float64(units)
		}
		allocs = min(allocs, more(func(m *runtime.MemStats) uint64 { return m.Mallocs }))
		size = min(size, more(func(m *runtime.MemStats) uint64 { return m.TotalAlloc }))
	}
	return allocs, size
}
