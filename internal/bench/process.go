package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
)

// roleVariable is the environment variable with the name and the arguments of a role.
//
// A measured client or server runs in a process of its own, which this command starts from its own
// executable. The processes exchange lines: commands on standard input, JSON on standard output.
const roleVariable = "SSE_BENCH_ROLE"

// roles contains the main functions of these processes.
var roles = map[string]func(args []string){
	"streams":     serveStreams,
	"idle":        holdStreams,
	"many-server": serveMany,
	"many-client": followMany,
	"fanout":      serveFanout,
}

// playRole runs the role of this process, if it has one, and reports whether it had one.
func playRole() bool {
	args := strings.Fields(os.Getenv(roleVariable))
	if len(args) == 0 {
		return false
	}
	roles[args[0]](args[1:])
	return true
}

// A process is a process with a role.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
}

// start starts a process. It ends with this process at the latest, because its standard input does.
func start(role string, args ...any) *process {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	name := strings.TrimSpace(fmt.Sprintln(append([]any{role}, args...)...))
	p := &process{name: name, cmd: exec.Command(exe)}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+name)
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		panic(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		panic(err)
	}
	p.out = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		panic(err)
	}
	return p
}

// send sends a command.
func (p *process) send(command ...any) {
	if _, err := fmt.Fprintln(p.in, command...); err != nil {
		panic(fmt.Sprintf("%s: %v", p.name, err))
	}
}

// receive waits for the next line of the process and stores its value in v.
func (p *process) receive(v any) {
	if err := p.out.Decode(v); err != nil {
		panic(fmt.Sprintf("%s: %v", p.name, err))
	}
}

// ask sends a command and waits for its result.
func (p *process) ask(v any, command ...any) {
	p.send(command...)
	p.receive(v)
}

// stop ends the process by closing its standard input.
func (p *process) stop() {
	p.in.Close()
	p.cmd.Wait()
}

// kill ends the process at once. The system closes its connections.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	p.in.Close()
}

// commands calls reply with the words of each line of standard input, and prints what it returns
// as JSON, unless that is nil. It returns at the end of standard input.
func commands(reply func(words []string) any) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if v := reply(strings.Fields(lines.Text())); v != nil {
			printJSON(v)
		}
	}
}

// printJSON prints v.
func printJSON(v any) {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		panic(err)
	}
}

// listen listens on a free port and prints the URL.
func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	printJSON("http://" + l.Addr().String())
	return l
}

// newServer returns a server for HTTP/1.1 and, without TLS, HTTP/2.
func newServer(h http.Handler) *http.Server {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return &http.Server{Handler: h, Protocols: &p}
}
