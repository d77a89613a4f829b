package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/serve"
)

// The tests run the command as a user does. The command is this test binary, started with beCommand
// in its environment.
const beCommand = "SSE_TEST_BE_COMMAND"

func TestMain(m *testing.M) {
	demoPace, servePaces = time.Millisecond,
		serve.Paces{Word: time.Millisecond, Byte: time.Millisecond}
	if os.Getenv(beCommand) != "" {
		if d, err := time.ParseDuration(os.Getenv("SSE_TEST_HINT_AFTER")); err == nil {
			hintAfter = d
		}
		if d, err := time.ParseDuration(os.Getenv("SSE_TEST_SILENCE_AFTER")); err == nil {
			silenceAfter = d
		}
		main()
	}
	os.Exit(m.Run())
}

// command returns the command with args. It is killed when the test ends.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = []string{beCommand + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"TERM=xterm",
		"GORACE=atexit_sleep_ms=0"} // without a second of waiting at the end
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		c.Env = append(c.Env, "GOCOVERDIR="+dir)
	}
	return c
}

// A result is the output and the exit code of a run.
type result struct {
	stdout, stderr string
	code           int
}

// finish runs c and waits for its end.
func finish(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return result{stdout.String(), portable(stderr.String()), c.ProcessState.ExitCode()}
}

// runSSE runs the command with stdin as its input, and waits for its end.
func runSSE(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	c := command(t, args...)
	c.Stdin = strings.NewReader(stdin)
	return finish(t, c)
}

// want checks the exit code and the standard output.
func (r result) want(t *testing.T, code int, stdout string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code = %d, want %d", r.code, code)
	}
	if r.stdout != stdout {
		t.Errorf("stdout:\n%s\nwant:\n%s", r.stdout, stdout)
	}
	if t.Failed() {
		t.Logf("stderr:\n%s", r.stderr)
	}
}

// wantStderr checks that standard error contains parts.
func (r result) wantStderr(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("stderr lacks %q:\n%s", part, r.stderr)
		}
	}
}

// oneLine checks that standard error is one line of the command.
func (r result) oneLine(t *testing.T) {
	t.Helper()
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "sse: ") {
		t.Errorf("stderr is not one line of the command:\n%s", r.stderr)
	}
}

// server starts a server with handler h, and returns its URL.
func server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// once starts a server whose first response is an event stream with body, and whose other responses
// are 204.
func once(t *testing.T, body string) string {
	t.Helper()
	first := make(chan bool, 1)
	first <- true
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-first:
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "retry: 0\n"+body)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

// endless starts a server whose responses are event streams that begin with body and do not end.
func endless(t *testing.T, body string) string {
	t.Helper()
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, body)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
}

// A process is a command that runs, and whose output can be read.
type process struct {
	t      *testing.T
	c      *exec.Cmd
	stdout *bufio.Reader
	stderr *buffer
}

// A buffer collects output. A test can wait for a part of it.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed when text has changed
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	close(b.more)
	b.more = make(chan struct{})
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return portable(b.text.String())
}

// waitFor waits until the output contains part.
func (b *buffer) waitFor(t *testing.T, part string) {
	t.Helper()
	for {
		b.mu.Lock()
		text, more := portable(b.text.String()), b.more
		b.mu.Unlock()
		if strings.Contains(text, part) {
			return
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatalf("the output lacks %q:\n%s", part, text)
		}
	}
}

// start starts c.
func start(t *testing.T, c *exec.Cmd) *process {
	t.Helper()
	r := &process{t: t, c: c, stderr: &buffer{more: make(chan struct{})}}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.stdout = bufio.NewReader(out)
	c.Stderr = r.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// line returns the next line of the output.
func (r *process) line() string {
	r.t.Helper()
	line, err := r.stdout.ReadString('\n')
	if err != nil {
		r.c.Wait()
		r.t.Fatalf("reading a line of the output: %v\nstderr: %s", err, r.stderr.String())
	}
	return strings.TrimSuffix(line, "\n")
}

// wait waits for the end of the command. The output of the result begins after the last line read.
func (r *process) wait() result {
	r.t.Helper()
	rest, err := io.ReadAll(r.stdout)
	if err != nil {
		r.t.Fatal(err)
	}
	r.c.Wait()
	return result{string(rest), r.stderr.String(), r.c.ProcessState.ExitCode()}
}
