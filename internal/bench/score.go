package main

import (
	"errors"
	"fmt"
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

// deadline is the time after which a case is abandoned.
const deadline = 20 * time.Second

// conformance returns a table of the cases that each library passes. Cases with several connections
// are left out, because the decoders of the peers do not support them.
func conformance(root string) string {
	cases, err := suite.ReadCases(filepath.Join(root, "testdata", "parser.json"))
	if err != nil {
		panic(err)
	}
	cases = slices.DeleteFunc(cases, func(c suite.Case) bool { return len(c.Connections) > 1 })
	of := make([]int, len(groups))
	for _, c := range cases {
		of[group(c)]++
	}
	head := []string{"library", fmt.Sprintf("passed of %d", len(cases)), "ids aside"}
	for i, g := range groups {
		head = append(head, fmt.Sprintf("%s, of %d", g.title, of[i]))
	}
	return table(head, func(yield func(cells ...string)) {
		for _, l := range libraries {
			if l.name == "borrowed" {
				continue
			}
			passed, all, noID := make([]int, len(groups)), 0, 0
			for _, c := range cases {
				conn := c.Connections[0]
				whole, one := score(l, conn, false), score(l, conn, true)
				if whole == nil && one == nil {
					all++
				}
				ok := func(err error) bool { return err == nil || err == errID }
				if ok(whole) && ok(one) {
					noID++
					passed[group(c)]++
				}
			}
			name := l.name
			if l.ours {
				name = "**this library**"
			}
			cells := []string{name, fmt.Sprint(all), fmt.Sprint(noID)}
			if l.noID {
				cells[1] = "has no id"
			}
			for _, n := range passed {
				cells = append(cells, fmt.Sprint(n))
			}
			yield(cells...)
		}
	})
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

// score runs one case, either in the chunks of the case or with one byte a read.
func score(l library, conn suite.Connection, oneByte bool) error {
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
	case <-time.After(deadline):
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
