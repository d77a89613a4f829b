//go:build unix

package servers

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A server serves the events of a log.
type server struct {
	addr       string
	caCert     []byte // PEM; nil without TLS
	httpClient *http.Client

	grow func(n int) // the log has n events now
	cut  func()      // ends all responses in the middle of the next event
	end  func()      // ends all responses after the last event, and responds with 204 from then on
}

// A kind is a server that people run, and what its responses must have.
type kind struct {
	name     string
	start    func(t *testing.T) *server
	buffered bool // events may arrive as late as the end of the response
	gzip     bool
	http2    bool
}

// kinds contains all servers.
var kinds = []kind{
	{name: "Node http", start: startNode},
	{name: "Python http.server", start: startHTTPServer},
	{name: "Flask", start: startFlask},
	{name: "nginx unbuffered", start: startNginx("proxy_buffering off;")},
	{name: "nginx buffered", buffered: true,
		start: startNginx("proxy_ignore_headers X-Accel-Buffering;")},
	{name: "nginx unbuffered gzip", gzip: true, start: startNginx("proxy_buffering off; gzip on;")},
	{name: "nginx buffered gzip", buffered: true, gzip: true,
		start: startNginx("proxy_ignore_headers X-Accel-Buffering; gzip on;")},
	// The Writer of the backend turns off the buffering that is nginx's default.
	{name: "nginx default", start: startNginx("")},
	{name: "nginx as documented", start: startDocumentedNginx},
	{name: "net http2", http2: true, start: startHTTP2},
}

func startNode(t *testing.T) *server {
	return startProgram(t, lookPath(t, "node"), "testdata/node.mjs")
}

func startHTTPServer(t *testing.T) *server {
	return startProgram(t, lookPath(t, "python3"), "testdata/http_server.py")
}

func startFlask(t *testing.T) *server {
	// If another Python comes first in PATH, it does not have the packages of the system.
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import flask").Run() == nil {
			return startProgram(t, python, "testdata/flask_server.py")
		}
	}
	notInstalled(t, "Flask")
	return nil
}

// notInstalled skips the test, or fails it with CI=true.
func notInstalled(t *testing.T, what string) {
	if os.Getenv("CI") == "true" {
		t.Fatal(what, "is not installed")
	}
	t.Skip(what, "is not installed")
}

// lookPath returns the path of a program.
func lookPath(t *testing.T, program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		notInstalled(t, program)
	}
	return path
}

// startProgram starts a program in testdata, which prints its port.
func startProgram(t *testing.T, interpreter, script string) *server {
	cmd := exec.CommandContext(t.Context(), interpreter, script)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	startProcess(t, cmd)
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not print its port: %v", script, err)
	}
	command := func(format string, args ...any) {
		if _, err := fmt.Fprintf(stdin, format+"\n", args...); err != nil {
			t.Errorf("%s: %v", script, err)
		}
	}
	return &server{
		addr:       "127.0.0.1:" + strings.TrimSpace(port),
		httpClient: newHTTPClient(t, new(http.Transport)),
		grow:       func(n int) { command("grow %d", n) },
		cut:        func() { command("cut") },
		end:        func() { command("end") },
	}
}

// startProcess starts cmd, which must have the context of t, waits for it at the end of the test,
// and then logs its standard error if the test failed.
func startProcess(t *testing.T, cmd *exec.Cmd) {
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after t.Context() was canceled, which kills the process
		cmd.Wait()
		if t.Failed() {
			t.Logf("standard error of %s:\n%s", cmd.Path, stderr)
		}
	})
}

// newHTTPClient returns a client whose idle connections are closed at the end of the test.
func newHTTPClient(t *testing.T, transport *http.Transport) *http.Client {
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
