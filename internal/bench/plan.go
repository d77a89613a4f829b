package main

import (
	"slices"
	"time"
)

// A plan says what is measured and for how long. The durations of fullPlan are chosen so that
// everything takes less than eight minutes on two cores.
type plan struct {
	quick     bool
	root      string   // the directory of the repository
	only      []string // the parts to measure
	workloads []string // the workloads to parse; empty for all
	rounds    int      // of each comparison

	size      int           // the least length of a stream, in bytes
	minSample time.Duration // a sample takes at least this CPU time
	maxRun    time.Duration // a peer that needs more CPU time for a stream gets an eighth of it

	idleStreams int // open streams while their memory is measured
	bigStreams  int // of these, if each has received a large event before
	bigEvent    int // the size of that event
	latency     int // events whose latency is measured

	many   []manyRun     // in this order
	idle   time.Duration // without events
	active time.Duration // with one event per second and stream, before the restart
	down   time.Duration // between the end of the server and its restart

	clients []int         // of a server that is measured
	publish time.Duration // how long a server publishes in each round
}

var parts = []string{"parse", "sdk", "lines", "latency", "http", "idle", "many", "writer", "suite"}

// fullPlan returns the plan of the published figures.
func fullPlan() *plan {
	p := &plan{
		root: "../..", only: parts, rounds: 7,
		size: 16 << 20, minSample: 25 * time.Millisecond, maxRun: 60 * time.Millisecond,
		idleStreams: 2000, bigStreams: 50, bigEvent: 16 << 20, latency: 1000,
		idle: time.Second, active: 3 * time.Second, down: 2 * time.Second,
		clients: []int{1, 100, 1000}, publish: 200 * time.Millisecond,
	}
	for _, transport := range manyTransports {
		for _, c := range manyClients {
			p.many = append(p.many, manyRun{c.name, transport, 1000})
		}
	}
	for _, transport := range manyTransports {
		p.many = append(p.many, manyRun{manyClients[0].name, transport, 10_000})
	}
	for _, c := range manyClients[1:] {
		p.many = append(p.many, manyRun{c.name, manyTransports[0], 10_000})
	}
	return p
}

// quickPlan returns a plan that uses every part for a moment. Its figures mean nothing.
func quickPlan() *plan {
	p := fullPlan()
	p.quick, p.rounds = true, 1
	p.size, p.minSample = 64<<10, 0
	p.idleStreams, p.bigStreams, p.bigEvent, p.latency = 5, 2, 1<<20, 20
	p.idle, p.active, p.down = 10*time.Millisecond, time.Second, 0
	p.clients, p.publish = []int{1, 5}, 0 // one batch in each round
	for i := range p.many {
		p.many[i].streams /= 100
	}
	return p
}

// isComplete reports whether the plan measures everything that is published.
func (p *plan) isComplete() bool {
	return !p.quick && len(p.only) == len(parts) && len(p.workloads) == 0 &&
		p.rounds == fullPlan().rounds
}

// has reports whether the part is measured.
func (p *plan) has(part string) bool { return slices.Contains(p.only, part) }

// parses reports whether the workload is parsed.
func (p *plan) parses(w workload) bool {
	return len(p.workloads) == 0 || slices.Contains(p.workloads, w.name)
}
