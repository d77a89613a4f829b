// Package term shows a run on a terminal: events, the connection, and a status line.
package term

import (
	"os"
	"strconv"
)

// An Info says how text can be shown in a file.
type Info struct {
	IsTerminal bool
	Color      bool // text may be colored

	canMoveCursor bool // it is a terminal that understands escape sequences
	width         func() int
}

// Inspect returns the Info of f. If color is "always" or "never", it overrides the environment.
func Inspect(f *os.File, color string, getenv func(string) string) Info {
	info := Info{IsTerminal: IsTerminal(f)}
	info.canMoveCursor = info.IsTerminal && getenv("TERM") != "dumb" && getenv("TERM") != ""
	info.Color = color == "always" ||
		color == "auto" && info.canMoveCursor && getenv("NO_COLOR") == ""
	info.width = func() int {
		if n, _ := terminalWidth(f); n > 0 {
			return n
		}
		if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
			return n
		}
		if !info.IsTerminal {
			return 1 << 20 // nothing is cut in a file
		}
		return 80
	}
	return info
}

// Width returns the number of columns.
func (i Info) Width() int { return i.width() }

// Cut returns text, which is one line, cut to the width of the terminal.
func (i Info) Cut(text string) string {
	cut := cutLine([]Span{{Plain, text}}, i.width())
	return cut[0].Text
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	_, ok := terminalWidth(f)
	return ok
}
