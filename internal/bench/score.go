package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A text of the conformance suite is a string, [count, text], or a list of texts.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	var n int
	var repeated text
	if json.Unmarshal(b, &[]any{&n, &repeated}) == nil && n > 0 {
		*t = text(strings.Repeat(string(repeated), n))
		return nil
	}
	var list []text
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*t = ""
	for _, part := range list {
		*t += part
	}
	return nil
}

// bytes are those that t stands for: each character is one.
func (t text) bytes() []byte {
	b := make([]byte, 0, len(t))
	for _, r := range t {
		b = append(b, byte(r))
	}
	return b
}

// suiteEvents are events, or [count, event] for repetitions.
type suiteEvents []event

func (s *suiteEvents) UnmarshalJSON(b []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(b, &items); err != nil {
		return err
	}
	for _, item := range items {
		var e struct{ ID, Type, Data text }
		n := 1
		var err error
		if item[0] == '[' {
			err = json.Unmarshal(item, &[]any{&n, &e})
		} else {
			err = json.Unmarshal(item, &e)
		}
		if err != nil {
			return err
		}
		for range n {
			*s = append(*s, event{string(e.ID), string(e.Type), string(e.Data)})
		}
	}
	return nil
}

// A suiteCase is one case of testdata/parser.json. Its README says what the
// fields mean.
type suiteCase struct {
	Name, Section string
	Stream        text
	Chunks        []text
	Delivered     []int
	Events        suiteEvents
	Connections   []json.RawMessage
}

// groups are the parts of the score: a word of the section, and its heading.
var groups = []struct{ section, title string }{
	{"9.2.5", "lines"},
	{"9.2.6", "fields and events"},
	{"Encoding", "UTF-8"},
}

// deadline is for one case.
const deadline = 20 * time.Second

// conformance scores every library on the cases that are one connection: a
// peer's decoder can't be told of another.
func conformance(root string) string {
	file, err := os.ReadFile(filepath.Join(root, "testdata", "parser.json"))
	if err != nil {
		panic(err)
	}
	var cases []suiteCase
	if err := json.Unmarshal(file, &cases); err != nil {
		panic(err)
	}
	cases = slices.DeleteFunc(cases, func(c suiteCase) bool { return c.Connections != nil })
	of := make([]int, len(groups))
	for _, c := range cases {
		of[c.group()]++
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
				whole, one := c.score(l, false), c.score(l, true)
				if whole == nil && one == nil {
					all++
				}
				ok := func(err error) bool { return err == nil || err == errID }
				if ok(whole) && ok(one) {
					noID++
					passed[c.group()]++
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

func (c suiteCase) group() int {
	for i, g := range groups {
		if strings.Contains(c.Section, g.section) {
			return i
		}
	}
	return slices.IndexFunc(groups, func(g struct{ section, title string }) bool { return g.section == "9.2.6" })
}

var (
	errBroken = errors.New("hung or panicked")
	errEvents = errors.New("other events")
	errID     = errors.New("an event has another id")
	errLate   = errors.New("an event waits for bytes after it")
)

// score runs one case: all at once or in its chunks, or one byte a read.
func (c suiteCase) score(l library, oneByte bool) error {
	cut := &chunks{delivered: c.Delivered}
	for _, chunk := range append(c.Chunks, c.Stream) {
		if b := chunk.bytes(); len(b) > 0 {
			cut.chunks = append(cut.chunks, b)
		}
	}
	var r io.Reader = cut
	if oneByte {
		cut.delivered = nil
		r = &short{cut, 1}
		if len(c.Stream) > 64<<10 {
			r = &short{cut, 512} // some peers take minutes otherwise
		}
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- errBroken
			}
		}()
		l.run(r, cut.see) // where it gives up is its own affair: the events count
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
	same := func(got, want event) bool { return got.typ == want.typ && got.data == want.data }
	switch {
	case !slices.EqualFunc(cut.got, c.Events, same):
		return errEvents
	case cut.late:
		return errLate
	case !slices.Equal(cut.got, c.Events):
		return errID
	}
	return nil
}

// chunks is a reader of one chunk after the other, and of what came of them.
type chunks struct {
	chunks    [][]byte
	read      int   // chunks
	delivered []int // events that must be there before the next chunk is read

	mu   sync.Mutex
	got  []event
	late bool
}

func (c *chunks) see(id, typ, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, event{id, typ, data})
}

func (c *chunks) Read(p []byte) (int, error) {
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

// await gives a library that reads ahead on another goroutine a second to
// deliver n events.
func (c *chunks) await(n int) {
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
