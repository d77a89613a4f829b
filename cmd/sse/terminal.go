package main

import (
	"os"
	"strconv"
)

// A look says how to show things where: from the files and the environment.
type look struct {
	terminal bool // standard output is a terminal
	cursor   bool // and it can move its cursor
	color    bool
	width    func() int
}

func lookOf(stdout *os.File, color string, getenv func(string) string) look {
	_, terminal := terminalWidth(stdout)
	l := look{terminal: terminal}
	l.cursor = terminal && getenv("TERM") != "dumb" && getenv("TERM") != ""
	l.color = color == "always" || color == "auto" && l.cursor && getenv("NO_COLOR") == ""
	l.width = func() int {
		if n, _ := terminalWidth(stdout); n > 0 {
			return n
		}
		if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
			return n
		}
		if !terminal {
			return 1 << 20 // nothing is cut in a file
		}
		return 80
	}
	return l
}
