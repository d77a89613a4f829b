package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// cpu is the CPU time of this process, collector and all goroutines included.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// An entry is one thing that is timed.
type entry struct {
	name string
	run  func()
	work float64 // what one run does, in any unit that the entries of a table share
	reps int     // runs a sample
	took []float64
}

const (
	atLeast = 25 * time.Millisecond  // of CPU time for a sample
	atMost  = 120 * time.Millisecond // for one run of a peer; else it gets an eighth of the stream
)

// race takes rounds samples of every entry, one after the other in each
// round, each round beginning with another one. The unit of took is CPU time
// for one unit of work.
func race(entries []*entry, rounds int) {
	for _, e := range entries {
		runtime.GC()
		start := cpu()
		e.run()
		e.reps = 1 + int(atLeast/max(cpu()-start, atLeast/256))
		e.took = e.took[:0]
	}
	for round := range rounds {
		for i := range entries {
			e := entries[(i+round)%len(entries)]
			runtime.GC()
			start := cpu()
			for range e.reps {
				e.run()
			}
			e.took = append(e.took, float64(cpu()-start)/float64(e.reps)/e.work)
		}
	}
}

// over is the median of the rounds' ratios of a to b.
func over(a, b *entry) float64 {
	ratios := make([]float64, len(a.took))
	for i := range ratios {
		ratios[i] = a.took[i] / b.took[i]
	}
	return median(ratios)
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

// A row is what one library or baseline did on one workload.
type row struct {
	Wrong  string  // why its events are not right; "": they are
	Memchr float64 // CPU time, the memchr loop's being 1
	Allocs float64 // allocations an event
	Bytes  float64 // allocated, an event
}

// A parsing is the rows of one workload by name.
type parsing struct {
	Name     string
	Rows     map[string]row
	Best     string  // the fastest peer whose events are right
	Borrowed float64 // CPU time against that peer
	Strings  float64
	Passes   float64 // of borrowed against passes
}

var baselines = []string{"memchr", "passes", "scanner", "drain", "io.Copy", "alloc"}

func parse(w workload, rounds int) parsing {
	s := w.stream()
	defer s.free()
	p := parsing{Name: w.name, Rows: map[string]row{}}

	all := float64(len(s.bytes))
	eol := w.eol[len(w.eol)-1]
	memchr := &entry{name: "memchr", work: all, run: func() {
		for b := s.bytes; ; {
			i := bytes.IndexByte(b, eol)
			if i < 0 {
				return
			}
			b = b[i+1:]
		}
	}}
	buf := make([]byte, 32<<10)
	entries := []*entry{
		memchr,
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
	if w.eol != "\r" { // a Scanner knows no CR
		entries = append(entries, &entry{name: "scanner", work: all, run: func() {
			sc := bufio.NewScanner(s.feed(len(s.bytes)))
			sc.Buffer(nil, limit)
			for sc.Scan() {
			}
		}})
	}

	for _, l := range libraries {
		n, want := s.part, s.partN
		start := cpu()
		l.run(s.feed(n), nil)
		if l.ours || cpu()-start < atMost/8 {
			n, want = len(s.bytes), s.n
		}
		wrong := l.check(s, n, want)
		r := row{Wrong: wrong}
		r.Allocs, r.Bytes = l.garbage(s, n, want)
		p.Rows[l.name] = r
		entries = append(entries, &entry{name: l.name, work: float64(n), run: func() { l.run(s.feed(n), nil) }})
	}

	race(entries, rounds)

	by := map[string]*entry{}
	for _, e := range entries {
		by[e.name] = e
		r := p.Rows[e.name]
		r.Memchr = over(e, memchr)
		p.Rows[e.name] = r
	}
	for _, l := range libraries {
		r := p.Rows[l.name]
		if !l.ours && r.Wrong == "" && (p.Best == "" || r.Memchr < p.Rows[p.Best].Memchr) {
			p.Best = l.name
		}
	}
	p.Passes = over(by["borrowed"], by["passes"])
	if p.Best != "" {
		p.Borrowed = over(by["borrowed"], by[p.Best])
		p.Strings = over(by["strings"], by[p.Best])
	}
	return p
}

// passes reads r into buf and searches what it has read for what a parser must know: both kinds of line end and
// the bytes that are not ASCII. It searches no byte twice for the same, and does nothing else.
func passes(r io.Reader, buf []byte) (lines int) {
	for {
		n, err := r.Read(buf)
		if err != nil {
			return lines
		}
		b := buf[:n]
		lf, cr, high := -1, -1, -1
		for pos := 0; pos < n; lines++ {
			if lf < pos {
				lf = pos + index(b[pos:], '\n')
			}
			if cr < pos {
				cr = pos + index(b[pos:], '\r')
			}
			if high < pos {
				high = pos + ascii(b[pos:])
			}
			pos = min(lf, cr) + 1
			for pos < n && b[pos] <= '\r' { // CRLF, a blank line
				pos++
			}
		}
	}
}

// index returns the index of the first c in b, and len(b) if there is none.
func index(b []byte, c byte) int {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return i
	}
	return len(b)
}

// ascii returns how many bytes at the beginning of b are ASCII, or up to 63 fewer.
func ascii(b []byte) int {
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

func (s *stream) feed(n int) *feed { return &feed{bytes: s.bytes[:n], times: 1, piece: s.piece} }

// check compares the library's events with those that the first n bytes of
// the stream were made from. It says what is wrong, or "".
func (l library) check(s *stream, n, want int) (wrong string) {
	next, stop := iter.Pull2(s.events)
	defer stop()
	canon := l.canon
	if canon == nil {
		canon = func(data string) string { return data }
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
		case data != canon(e.data):
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

// garbage is what one more event costs: the difference between reading the
// stream twice and once, so that what is made once for a stream does not count.
func (l library) garbage(s *stream, n, events int) (allocs, size float64) {
	allocs, size = math.Inf(1), math.Inf(1)
	for range 3 { // the runtime allocates a little, too
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

// A growth is the time for 16 MiB, that for 4 MiB being 1.
type growth struct {
	line float64 // of a line in reads of 4 KiB
	copy float64 // of copying pieces of 4 KiB into memory of that size, and no more
}

// lengths measures whether the time of a line grows with its length, and how much of that is the
// memory's doing: 4 MiB may fit in a cache. The first lines of a stream, for which memory has to be
// found, do not count: how long that takes is up to the system.
func lengths(rounds int) growth {
	const first, lines = 4, 8
	part := bytes.Repeat([]byte("x"), 4<<10)
	line := func(n int) float64 {
		var stream []io.Reader
		for range lines {
			stream = append(stream, strings.NewReader("data: "), &feed{bytes: part, times: n / len(part)}, strings.NewReader("\n\n"))
		}
		r := sse.NewReader(&short{io.MultiReader(stream...), len(part)})
		var start time.Duration
		for i := range lines {
			if !r.Next() || len(r.Data()) != n {
				panic(fmt.Sprintf("a line of %d bytes: %d came, error %v", n, len(r.Data()), r.Err()))
			}
			if i == first-1 {
				start = cpu()
			}
		}
		return float64(cpu() - start)
	}
	copies := func(n int) float64 {
		to := make([]byte, n)
		var start time.Duration
		for i := range lines {
			for rest := to; len(rest) > 0; {
				rest = rest[copy(rest, part):]
			}
			if i == first-1 {
				start = cpu()
			}
		}
		return float64(cpu() - start)
	}
	var all [2][]float64
	for range rounds {
		all[0] = append(all[0], line(16<<20)/line(4<<20))
		all[1] = append(all[1], copies(16<<20)/copies(4<<20))
	}
	return growth{median(all[0]), median(all[1])}
}

// short reads at most n bytes at a time.
type short struct {
	r io.Reader
	n int
}

func (s *short) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

// A decoding says what part of a program that reads llm and decodes its JSON
// is the parser, and how many events one core does in a second.
type decoding struct {
	Share                  float64 // of the parser, borrowed form
	ShareStrings           float64
	Parsed, Kept, Unpacked float64 // events a second: borrowed, strings, borrowed and decoded
}

// completionChunk is what a program decodes an llm event into.
type completionChunk struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
	Choices []struct {
		Index int `json:"index"`
		Delta struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		} `json:"delta"`
		FinishReason *string `json:"finish_reason"`
	} `json:"choices"`
}

func decode(rounds int) decoding {
	s := findWorkload("llm").stream()
	defer s.free()
	all := &entry{work: float64(s.n), run: func() { runBorrowed(s.feed(len(s.bytes)), nil) }}
	kept := &entry{work: float64(s.n), run: func() { runStrings(s.feed(len(s.bytes)), nil) }}
	unpacked := &entry{work: float64(s.partN), run: func() { unpack(s.feed(s.part)) }}
	race([]*entry{all, kept, unpacked}, rounds)
	both := over(all, unpacked)
	return decoding{
		Share:        both,
		ShareStrings: 1 / (1 + (1-both)/over(kept, unpacked)),
		Parsed:       float64(time.Second) / median(all.took),
		Kept:         float64(time.Second) / median(kept.took),
		Unpacked:     float64(time.Second) / median(unpacked.took),
	}
}

func unpack(body io.Reader) {
	r := sse.NewReader(body)
	for r.Next() {
		var c completionChunk
		if err := json.Unmarshal(r.Data(), &c); err != nil {
			panic(err)
		}
	}
}
