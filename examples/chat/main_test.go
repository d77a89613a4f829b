//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A process is a running chat.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t *testing.T, program string, args ...string) *process {
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &process{t, cmd, in, bufio.NewReader(out)}
}

func (p *process) say(line string) {
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) interrupt() {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
}

// waitFor reads the output until it ends with text.
func (p *process) waitFor(text string) {
	var got strings.Builder
	for !strings.HasSuffix(got.String(), text) {
		c, err := p.out.ReadByte()
		if err != nil {
			p.t.Fatalf("the output is %q, want %q: %v", got.String(), text, err)
		}
		got.WriteByte(c)
	}
}

func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "chat")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("an interrupt stops the reply", func(t *testing.T) {
		testInterrupt(t, start(t, program))
	})
	t.Run("an interrupt stops the reply of openai-go", func(t *testing.T) {
		testInterrupt(t, start(t, program, "-sdk"))
	})
	t.Run("the end of the input ends the program", func(t *testing.T) {
		p := start(t, program)
		p.say("Hi")
		p.waitFor("> You said \"Hi\" in message 1.\n> ")
		if err := p.in.Close(); err != nil {
			t.Fatal(err)
		}
		p.waitFor("\n")
		if err := p.cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// testInterrupt interrupts a reply, checks that the conversation continues, and interrupts the
// program.
func testInterrupt(t *testing.T, p *process) {
	p.say("silence")
	p.waitFor("You said ")
	p.interrupt()
	p.waitFor("[stopped]\n> ")
	p.say("Hi")
	p.waitFor("You said \"Hi\" in message 3.\n> ")
	p.interrupt()
	var exit *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("the program ended with %v, want the signal SIGINT", err)
	}
	if s := exit.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGINT {
		t.Errorf("the program ended with %v, want the signal SIGINT", exit)
	}
}
