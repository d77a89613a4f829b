package term

import (
	"os"
	"strconv"
)

// A Info says how text can be shown in a file.
type Info struct {
	IsTerminal    bool
	canMoveCursor bool // it is a terminal that understands escape sequences
	Color         bool // text should have colours
	width         func() int
}

// Inspect returns the terminalInfo of f. The argument color is "always", "never" or "auto".
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

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	_, ok := terminalWidth(f)
	return ok
}
