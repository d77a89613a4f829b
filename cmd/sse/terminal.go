package main

import (
	"os"
	"strconv"
)

// A terminalInfo says how text can be shown in a file.
type terminalInfo struct {
	isTerminal    bool
	canMoveCursor bool // it is a terminal that understands escape sequences
	color         bool // text should have colours
	width         func() int
}

// inspectTerminal returns the terminalInfo of f. The argument color is "always", "never" or "auto".
func inspectTerminal(f *os.File, color string, getenv func(string) string) terminalInfo {
	info := terminalInfo{isTerminal: isTerminal(f)}
	info.canMoveCursor = info.isTerminal && getenv("TERM") != "dumb" && getenv("TERM") != ""
	info.color = color == "always" ||
		color == "auto" && info.canMoveCursor && getenv("NO_COLOR") == ""
	info.width = func() int {
		if n, _ := terminalWidth(f); n > 0 {
			return n
		}
		if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
			return n
		}
		if !info.isTerminal {
			return 1 << 20 // nothing is cut in a file
		}
		return 80
	}
	return info
}

// isTerminal reports whether f is a terminal.
func isTerminal(f *os.File) bool {
	_, ok := terminalWidth(f)
	return ok
}
