package main

import (
	"fmt"
	"iter"
)

// A row is the result of one library or baseline for one workload.
type row struct {
	Wrong  string  // why its events are wrong; empty if they are correct
	Passes float64 // CPU time, divided by that of passes
	Allocs float64 // allocations per event
	Bytes  float64 // bytes allocated per event
}

// A parsing is the result of one workload.
type parsing struct {
	Name     string
	Rows     map[string]row // by library or baseline
	Best     string         // the fastest peer whose events are correct
	BestID   string         // the fastest of these whose events have ids
	Borrowed float64        // CPU time of borrowed, divided by that of Best
	Strings  float64        // CPU time of strings, divided by that of BestID
}

// measureParsing measures every library and baseline on one workload.
func (p *plan) measureParsing(w workload) parsing {
	s := w.stream(p.size)
	defer s.free()
	result := parsing{Name: w.name, Rows: map[string]row{}}

	entries := baselineEntries(s)
	for _, l := range libraries {
		n, want := s.part, s.partN
		start := cpu()
		l.run(s.feed(n), nil)
		if !l.isPeer() || cpu()-start < p.maxRun/8 {
			n, want = len(s.bytes), s.n
		}
		r := row{Wrong: l.check(s, n, want)}
		if r.Wrong != "" && !l.isPeer() {
			panic(fmt.Sprintf("%s, %s: %s", w.name, l.name, r.Wrong))
		}
		r.Allocs, r.Bytes = allocations(func(times int) {
			f := s.feed(s.part)
			f.times = times
			l.run(f, nil)
		}, s.partN)
		result.Rows[l.name] = r
		run := func() { l.run(s.feed(n), nil) }
		entries = append(entries, &entry{name: l.name, work: float64(n), run: run})
	}

	p.takeSamples(entries)

	byName := map[string]*entry{}
	for _, e := range entries {
		byName[e.name] = e
	}
	for _, e := range entries {
		r := result.Rows[e.name]
		r.Passes = medianRatio(e, byName["passes"])
		result.Rows[e.name] = r
	}
	result.Best = result.fastest(func(l library) bool { return true })
	result.BestID = result.fastest(func(l library) bool { return !l.noID })
	result.Borrowed = medianRatio(byName["borrowed"], byName[result.Best])
	result.Strings = medianRatio(byName["strings"], byName[result.BestID])
	return result
}

// fastest returns the name of the fastest peer for which ok returns true and whose events are
// correct. There is one for every workload.
func (p *parsing) fastest(ok func(library) bool) (name string) {
	for _, l := range libraries {
		r := p.Rows[l.name]
		if l.isPeer() && ok(l) && r.Wrong == "" && (name == "" || r.Passes < p.Rows[name].Passes) {
			name = l.name
		}
	}
	return name
}

// check compares the events of the library with those in the first n bytes of the stream. It
// returns a description of the first difference, or an empty string.
func (l library) check(s *stream, n, want int) (wrong string) {
	next, stop := iter.Pull2(s.events)
	defer stop()
	canonical := l.canonical
	if canonical == nil {
		canonical = func(data string) string { return data }
	}
	got := 0
	_, _, err := l.run(s.feed(n), func(id, typ, data string) {
		got++
		if wrong != "" {
			return
		}
		_, e, _ := next()
		if l.noID {
			id = e.id
		}
		switch {
		case got > want:
			wrong = "too many events"
		case id != e.id:
			wrong = fmt.Sprintf("event %d: id", got)
		case typ != e.typ:
			wrong = fmt.Sprintf("event %d: type", got)
		case data != canonical(e.data):
			wrong = fmt.Sprintf("event %d: data", got)
		}
	})
	switch {
	case wrong != "":
		return wrong
	case err != nil:
		return err.Error()
	case got < want:
		return fmt.Sprintf("%d of %d events", got, want)
	}
	return ""
}
