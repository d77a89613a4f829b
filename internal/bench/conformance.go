package main

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

// groups contains the groups of cases that are scored separately. A case belongs to a group if its
// section contains that of the group, and otherwise to the group of section 9.2.6.
var groups = []struct{ section, title string }{
	{"9.2.5", "lines"},
	{"9.2.6", "fields and events"},
	{"Encoding", "UTF-8"},
}

// caseTimeout is how long a case may take. Some peers need seconds for long streams.
const caseTimeout = 2 * time.Minute

// A conformance says how many cases of the conformance suite each library passes.
type conformance struct {
	Cases  int
	Groups []int // the number of cases of each group
	Scores []score
}

// A score is the result of one library.
type score struct {
	Library   library
	Passed    int
	WithoutID int   // the number of cases passed if ids are not compared
	Groups    []int // the same for each group
}

// measureConformance runs the suite with each library, except for the form "borrowed" of this one.
// Cases with several connections are left out, because the decoders of the peers do not support
// them.
func (p *plan) measureConformance() (*conformance, error) {
	cases, err := suite.ReadCases(filepath.Join(p.root, "testdata", "parser.json"))
	if err != nil {
		return nil, err
	}
	cases = slices.DeleteFunc(cases, func(c suite.Case) bool { return len(c.Connections) > 1 })
	if p.quick {
		cases = cases[:len(cases)/10]
	}
	result := &conformance{Cases: len(cases), Groups: make([]int, len(groups))}
	for _, c := range cases {
		result.Groups[group(c)]++
	}
	for _, l := range libraries[1:] {
		result.Scores = append(result.Scores, l.score(cases))
	}
	return result, nil
}

// concurrentCases is how many cases run at the same time. Most of the time of a case that a library
// does not pass is spent waiting for an event.
const concurrentCases = 32

// score runs all cases with one library.
func (l library) score(cases []suite.Case) score {
	result := score{Library: l, Groups: make([]int, len(groups))}
	var mu sync.Mutex
	var done sync.WaitGroup
	running := make(chan struct{}, concurrentCases)
	for _, c := range cases {
		running <- struct{}{}
		done.Go(func() {
			defer func() { <-running }()
			conn := c.Connections[0]
			chunks, bytes := l.runCase(conn, false), l.runCase(conn, true)
			mu.Lock()
			defer mu.Unlock()
			if chunks == nil && bytes == nil {
				result.Passed++
			}
			sameEvents := func(err error) bool { return err == nil || err == errID }
			if sameEvents(chunks) && sameEvents(bytes) {
				result.WithoutID++
				result.Groups[group(c)]++
			}
		})
	}
	done.Wait()
	return result
}

// group returns the index of the group of a case.
func group(c suite.Case) int {
	for i, g := range groups {
		if strings.Contains(c.Section, g.section) {
			return i
		}
	}
	return 1 // section 9.2.6
}

var (
	errBroken = errors.New("the library hung or panicked")
	errEvents = errors.New("the events differ")
	errID     = errors.New("an id differs")
	errLate   = errors.New("an event was delivered late")
)

// runCase runs one case, either in the chunks of the case or with one byte a read.
func (l library) runCase(conn suite.Connection, oneByte bool) error {
	cut := &chunkReader{delivered: conn.Delivered}
	for _, chunk := range conn.Chunks {
		if len(chunk) > 0 {
			cut.chunks = append(cut.chunks, chunk)
		}
	}
	var r io.Reader = cut
	if oneByte {
		cut.delivered = nil
		r = &shortReader{cut, 1}
		if len(conn.Stream) > 64<<10 {
			r = &shortReader{cut, 512} // some peers take minutes otherwise
		}
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- errBroken
			}
		}()
		l.run(r, cut.onEvent) // an error does not matter, only the events count
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			return err
		}
	case <-time.After(caseTimeout):
		return errBroken
	}

	cut.mu.Lock()
	defer cut.mu.Unlock()
	same := func(got, want sse.Event) bool { return got.Type == want.Type && got.Data == want.Data }
	switch {
	case !slices.EqualFunc(cut.got, conn.Events, same):
		return errEvents
	case cut.late:
		return errLate
	case !slices.Equal(cut.got, conn.Events):
		return errID
	}
	return nil
}

// A chunkReader returns one chunk a read and records the events that a library delivers.
type chunkReader struct {
	chunks    [][]byte
	read      int   // the number of chunks read
	delivered []int // the number of events that must be delivered after each chunk

	mu   sync.Mutex
	got  []sse.Event
	late bool // whether an event was missing at a read
}

// onEvent is an eventFunc.
func (c *chunkReader) onEvent(id, typ, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, sse.Event{ID: id, Type: typ, Data: data})
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if c.read > 0 && c.read <= len(c.delivered) {
		c.await(c.delivered[c.read-1])
	}
	if len(c.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.chunks[0])
	if c.chunks[0] = c.chunks[0][n:]; len(c.chunks[0]) == 0 {
		c.chunks = c.chunks[1:]
		c.read++
	}
	return n, nil
}

// await waits for n events, at most one second. A library may read ahead on another goroutine.
func (c *chunkReader) await(n int) {
	for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		got := len(c.got)
		c.late = c.late || got < n && time.Now().After(end)
		late := c.late
		c.mu.Unlock()
		if got >= n || late {
			return
		}
	}
}
