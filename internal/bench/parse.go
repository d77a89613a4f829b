package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
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
	work    float64 // the work of one run, in a unit that all entries of a table share
	reps    int     // runs per sample
	samples []float64
}

const (
	// A sample takes at least this CPU time.
	minSample = 25 * time.Millisecond
	// A peer that needs more than this CPU time for a stream gets only an eighth of it.
	maxRun = 120 * time.Millisecond
)

// takeSamples takes one sample of every entry in each round. Each round starts with a different
// entry. A sample is the CPU time for one unit of work.
func takeSamples(entries []*entry, rounds int) {
	for _, e := range entries {
		runtime.GC()
		start := cpu()
		e.run()
		e.reps = 1 + int(minSample/max(cpu()-start, minSample/256))
		e.samples = e.samples[:0]
	}
	for round := range rounds {
		for i := range entries {
			e := entries[(i+round)%len(entries)]
			runtime.GC()
			start := cpu()
			for range e.reps {
				e.run()
			}
			e.samples = append(e.samples, float64(cpu()-start)/float64(e.reps)/e.work)
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

// A row is the result of one library or baseline for one workload.
type row struct {
	Wrong  string  // why its events are wrong; empty if they are correct
	Memchr float64 // CPU time, divided by that of the memchr loop
	Allocs float64 // allocations per event
	Bytes  float64 // bytes allocated per event
}

// A parsing is the result of one workload.
type parsing struct {
	Name     string
	Rows     map[string]row // by library or baseline
	Best     string         // the fastest peer whose events are correct
	Borrowed float64        // CPU time of borrowed, divided by that of Best
	Strings  float64        // CPU time of strings, divided by that of Best
	Passes   float64        // CPU time of borrowed, divided by that of passes
}

// baselines are programs that search or copy the stream, but do not parse it.
var baselines = []string{"memchr", "passes", "scanner", "drain", "io.Copy", "alloc"}

// measureParsing measures every library and baseline on one workload.
func measureParsing(w workload, rounds int) parsing {
	s := w.stream()
	defer s.free()
	p := parsing{Name: w.name, Rows: map[string]row{}}

	entries := baselineEntries(s)
	for _, l := range libraries {
		n, want := s.part, s.partN
		start := cpu()
		l.run(s.feed(n), nil)
		if l.ours || cpu()-start < maxRun/8 {
			n, want = len(s.bytes), s.n
		}
		r := row{Wrong: l.check(s, n, want)}
		r.Allocs, r.Bytes = l.allocations(s, n, want)
		p.Rows[l.name] = r
		run := func() { l.run(s.feed(n), nil) }
		entries = append(entries, &entry{name: l.name, work: float64(n), run: run})
	}

	takeSamples(entries, rounds)

	byName := map[string]*entry{}
	for _, e := range entries {
		byName[e.name] = e
	}
	for _, e := range entries {
		r := p.Rows[e.name]
		r.Memchr = medianRatio(e, byName["memchr"])
		p.Rows[e.name] = r
	}
	for _, l := range libraries {
		r := p.Rows[l.name]
		if !l.ours && r.Wrong == "" && (p.Best == "" || r.Memchr < p.Rows[p.Best].Memchr) {
			p.Best = l.name
		}
	}
	p.Passes = medianRatio(byName["borrowed"], byName["passes"])
	if p.Best != "" {
		p.Borrowed = medianRatio(byName["borrowed"], byName[p.Best])
		p.Strings = medianRatio(byName["strings"], byName[p.Best])
	}
	return p
}

// baselineEntries returns the baselines for a stream.
func baselineEntries(s *stream) []*entry {
	all := float64(len(s.bytes))
	eol := s.eol[len(s.eol)-1]
	buf := make([]byte, 32<<10)
	entries := []*entry{
		{name: "memchr", work: all, run: func() {
			for b := s.bytes; ; {
				i := bytes.IndexByte(b, eol)
				if i < 0 {
					return
				}
				b = b[i+1:]
			}
		}},
		{name: "passes", work: all, run: func() { passes(s.feed(len(s.bytes)), buf) }},
		{name: "drain", work: all, run: func() {
			for f := s.feed(len(s.bytes)); ; {
				if _, err := f.Read(buf); err != nil {
					return
				}
			}
		}},
		{name: "io.Copy", work: all, run: func() { io.Copy(io.Discard, s.feed(len(s.bytes))) }},
		{name: "alloc", work: all, run: func() {
			for i := range s.n {
				s.last = string(s.bytes[:binary.LittleEndian.Uint32(s.sizes[4*i:])])
			}
		}},
	}
	if s.eol != "\r" { // a Scanner does not split at CR
		entries = append(entries, &entry{name: "scanner", work: all, run: func() {
			sc := bufio.NewScanner(s.feed(len(s.bytes)))
			sc.Buffer(nil, limit)
			for sc.Scan() {
			}
		}})
	}
	return entries
}

// passes reads r into buf and searches the bytes for everything that a parser must find: LF, CR and
// bytes that are not ASCII. It searches each byte only once for each of them.
func passes(r io.Reader, buf []byte) (lines int) {
	for {
		n, err := r.Read(buf)
		if err != nil {
			return lines
		}
		b := buf[:n]
		lf, cr, nonASCII := -1, -1, -1
		for pos := 0; pos < n; lines++ {
			if lf < pos {
				lf = pos + index(b[pos:], '\n')
			}
			if cr < pos {
				cr = pos + index(b[pos:], '\r')
			}
			if nonASCII < pos {
				nonASCII = pos + asciiPrefix(b[pos:])
			}
			pos = min(lf, cr) + 1
			for pos < n && b[pos] <= '\r' { // the LF of a CRLF, or a blank line
				pos++
			}
		}
	}
}

// index returns the index of the first c in b, or len(b) if there is none.
func index(b []byte, c byte) int {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return i
	}
	return len(b)
}

// asciiPrefix returns the number of ASCII bytes at the start of b, or up to 63 fewer.
func asciiPrefix(b []byte) int {
	n := 0
	for ; len(b) >= 64; n, b = n+64, b[64:] {
		x := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) |
			binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:]) |
			binary.LittleEndian.Uint64(b[32:]) | binary.LittleEndian.Uint64(b[40:]) |
			binary.LittleEndian.Uint64(b[48:]) | binary.LittleEndian.Uint64(b[56:])
		if x&0x8080808080808080 != 0 {
			return n
		}
	}
	return n + len(b)
}

// feed returns a reader of the first n bytes of the stream.
func (s *stream) feed(n int) *feed { return &feed{bytes: s.bytes[:n], times: 1, piece: s.piece} }

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

// allocations returns the number and the size of the allocations per event. It subtracts those of
// reading the stream once from those of reading it twice, so that the fixed costs of a stream do
// not count.
func (l library) allocations(s *stream, n, events int) (allocs, size float64) {
	allocs, size = math.Inf(1), math.Inf(1)
	for range 3 { // the runtime also allocates a little
		var m [3]runtime.MemStats
		runtime.ReadMemStats(&m[0])
		l.run(s.feed(n), nil)
		runtime.ReadMemStats(&m[1])
		twice := s.feed(n)
		twice.times = 2
		l.run(twice, nil)
		runtime.ReadMemStats(&m[2])
		more := func(get func(m runtime.MemStats) uint64) float64 {
			d := float64(get(m[2])-get(m[1])) - float64(get(m[1])-get(m[0]))
			return max(d, 0) / float64(events)
		}
		allocs = min(allocs, more(func(m runtime.MemStats) uint64 { return m.Mallocs }))
		size = min(size, more(func(m runtime.MemStats) uint64 { return m.TotalAlloc }))
	}
	return allocs, size
}
