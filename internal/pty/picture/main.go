// Picture draws docs/command.svg, which shows "sse demo" on a terminal. Run it in internal/pty:
//
//	go run ./picture
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/creack/pty"
)

const (
	root   = "../.."
	output = root + "/docs/command.svg"
	freeze = "github.com/charmbracelet/freeze@v0.2.2" // draws text with colors

	columns   = 100
	firstLine = 10 // of those in the picture, which then contain an interruption
	lastLine  = 29
)

func main() {
	log.SetFlags(0)
	text, err := runDemo()
	if err == nil {
		err = draw(text)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// runDemo runs "sse demo" on a terminal and returns its output.
func runDemo() ([]byte, error) {
	dir, err := os.MkdirTemp("", "picture")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "sse")
	build := exec.Command("go", "build", "-o", program, "./cmd/sse")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}

	demo := exec.Command(program, "demo")
	demo.Env = append(os.Environ(), "TERM=xterm-256color")
	terminal, err := pty.StartWithSize(demo, &pty.Winsize{Rows: 40, Cols: columns})
	if err != nil {
		return nil, err
	}
	defer terminal.Close()
	text, _ := io.ReadAll(terminal) // Linux returns EIO at the end
	return text, demo.Wait()
}

// draw draws a part of the output of the command.
func draw(text []byte) error {
	lines := bytes.Split(text, []byte("\n"))
	if len(lines) < lastLine {
		return fmt.Errorf("the demo printed only %d lines", len(lines))
	}
	lines = lines[firstLine-1 : lastLine]
	for i, line := range lines {
		// The command erases its status line before it prints a line.
		erased := []byte("\r\x1b[K")
		if end := bytes.LastIndex(line, erased); end >= 0 {
			line = line[end+len(erased):]
		}
		lines[i] = bytes.TrimRight(line, "\r")
	}
	cmd := exec.Command("go", "run", freeze, "--language", "ansi", "--output", output,
		"--background", "#171717", "--padding", "20", "--border.radius", "8",
		"--font.family", "monospace", "--font.size", "14", "--line-height", "1.4")
	cmd.Stdin = bytes.NewReader(bytes.Join(lines, []byte("\n")))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
