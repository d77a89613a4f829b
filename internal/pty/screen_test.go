package pty

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// A screen implements the part of a terminal that the command may use: text that wraps and scrolls,
// CR, LF, erasing to the end of the line, and colors. Everything else is recorded as a fault,
// because only a server could have sent it.
type screen struct {
	mu      sync.Mutex
	changed chan struct{} // closed after the next output
	columns int
	lines   []string // the cursor is on the last one
	column  int      // of the cursor
	tail    []byte   // an incomplete character or sequence
	sgr     bool     // there were colors
	erased  bool     // a line was erased
	faults  []string
	closed  bool
}

func newScreen(columns int) *screen {
	return &screen{changed: make(chan struct{}), columns: columns, lines: []string{""}}
}

// follow reads from the terminal until it is closed.
func (s *screen) follow(r io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		s.mu.Lock()
		s.write(buf[:n])
		s.closed = err != nil // EIO on Linux, io.EOF elsewhere
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// write interprets output.
func (s *screen) write(p []byte) {
	b := append(s.tail, p...)
	s.tail = nil
	for len(b) > 0 {
		if b[0] == 0x1b {
			end := strings.IndexFunc(string(b), func(r rune) bool {
				return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
			})
			if end < 0 {
				break
			}
			switch seq := string(b[:end+1]); {
			case seq == "\x1b[K":
				s.erased = true
				s.edit(func(line []rune) []rune { return line[:min(s.column, len(line))] })
			case strings.HasSuffix(seq, "m") && strings.Trim(seq[1:len(seq)-1], "[0123456789;") == "":
				s.sgr = true
			default:
				s.faults = append(s.faults, fmt.Sprintf("sequence %q", seq))
			}
			b = b[end+1:]
			continue
		}
		if !utf8.FullRune(b) {
			break
		}
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r == '\r':
			s.column = 0
		case r == '\n':
			s.lines = append(s.lines, "")
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == utf8.RuneError:
			s.faults = append(s.faults, fmt.Sprintf("character %q", r))
		default:
			width := 1
			if r >= 0x1100 && r <= 0xffdc && r != 0x25cf && (r < 0x2000 || r > 0x2e7f) {
				width = 2
			}
			if s.column+width > s.columns {
				s.lines, s.column = append(s.lines, ""), 0
			}
			s.edit(func(line []rune) []rune {
				for len(line) < s.column {
					line = append(line, ' ')
				}
				after := line[min(s.column+1, len(line)):]
				return append(append(line[:s.column:s.column], r), after...)
			})
			s.column++
			if width == 2 { // the second cell of the character
				s.edit(func(line []rune) []rune { return append(line[:s.column:s.column], 0) })
				s.column++
			}
		}
	}
	s.tail = append(s.tail, b...)
}

// edit replaces the line of the cursor by the result of f.
func (s *screen) edit(f func([]rune) []rune) {
	last := len(s.lines) - 1
	s.lines[last] = string(f([]rune(s.lines[last])))
}

// text returns all lines, including those that have scrolled off the screen.
func (s *screen) text() string {
	return strings.ReplaceAll(strings.Join(s.lines, "\n"), "\x00", "")
}

// bottom returns the line of the cursor.
func (s *screen) bottom() string { return s.lines[len(s.lines)-1] }

// wait waits until ok returns true. After a minute it ends the test with the text of the screen.
func (s *screen) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	s.mu.Lock()
	defer s.mu.Unlock()
	for !ok() {
		if s.closed {
			t.Fatalf("the screen never showed %s:\n%s", what, s.text())
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
			s.mu.Lock()
		case <-late:
			s.mu.Lock()
			t.Fatalf("the screen does not show %s:\n%s", what, s.text())
		}
	}
}

// waitFor waits until the text contains part.
func (s *screen) waitFor(t *testing.T, part string) {
	t.Helper()
	s.wait(t, part, func() bool { return strings.Contains(s.text(), part) })
}

// waitBottom waits until the line of the cursor contains part.
func (s *screen) waitBottom(t *testing.T, part string) {
	t.Helper()
	s.wait(t, part+" at the bottom", func() bool { return strings.Contains(s.bottom(), part) })
}
