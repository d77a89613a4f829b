//go:build unix

// Package child runs servers and clients as processes of their own, which a test can suspend and
// kill.
package child

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// variable is the environment variable that contains the Config of a child as JSON.
const variable = "SSE_E2E_CHILD"

// A Config says what a child does. Exactly one field is set.
type Config struct {
	Server *Server `json:",omitempty"`
	Client *Client `json:",omitempty"`
}

// Main runs the child and exits if this process is one. Otherwise it does nothing. A program that
// calls Start must call Main first.
func Main() {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // the parent has ended
	}()
	var config Config
	err := json.Unmarshal([]byte(text), &config)
	switch {
	case err != nil:
	case config.Server != nil:
		err = config.Server.run()
	case config.Client != nil:
		err = config.Client.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A Process is a running child.
type Process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan string // of its standard output
}

// Start starts this program again as a child.
func Start(config Config) (*Process, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), variable+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, stdin: stdin, lines: make(chan string, 10000)}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	return p, nil
}

// Expect waits for a line of the child's standard output that begins with prefix. It returns the
// rest of that line, and the lines before it.
func (p *Process) Expect(prefix string, timeout time.Duration) (string, []string, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var before []string
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return "", before, fmt.Errorf("child: ended before it printed %q", prefix)
			}
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest, before, nil
			}
			before = append(before, line)
		case <-timer.C:
			return "", before, fmt.Errorf("child: did not print %q within %v", prefix, timeout)
		}
	}
}

// Suspend suspends the child until Continue is called. It returns when the child is suspended.
func (p *Process) Suspend() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	for err == syscall.EINTR {
		_, err = syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	}
	if err == nil && !status.Stopped() {
		err = fmt.Errorf("child: not suspended, but %v", status)
	}
	return err
}

// Continue lets a suspended child run again.
func (p *Process) Continue() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Kill ends the child with SIGKILL and waits for its end.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	for range p.lines { // Wait must not be called before all is read
	}
	p.cmd.Wait()
	p.stdin.Close()
}
