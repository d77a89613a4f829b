//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A process is the running program.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr io.Reader
	url    string          // of the service
	log    strings.Builder // what the program has logged
}

// start starts the program and waits until it listens.
func start(t *testing.T, program string, args ...string) *process {
	cmd := exec.CommandContext(t.Context(), program, append(args, "-listen", "127.0.0.1:0")...)
	cmd.Env = append(os.Environ(), "FLAGS_SECRET="+secret)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd}
	lines := bufio.NewReader(stderr)
	p.stderr = lines
	for p.url == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the program does not listen: %v\n%s", err, p.log.String())
		}
		p.log.WriteString(line)
		if _, url, ok := strings.Cut(line, "listening url="); ok {
			p.url = strings.TrimSpace(url)
		}
	}
	return p
}

// wait waits for the end of the program and returns its exit code.
func (p *process) wait() int {
	if _, err := io.Copy(&p.log, p.stderr); err != nil {
		p.t.Fatal(err)
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// get returns the status and the body of a response of the service.
func (p *process) get(path string) (int, string, error) {
	resp, err := http.Get(p.url + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// waitFor requests path until ok returns true for the response.
func (p *process) waitFor(path string, ok func(status int, body string) bool) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		status, body, err := p.get(path)
		if err != nil {
			p.t.Fatal(err)
		}
		if ok(status, body) {
			return
		}
		<-ticker.C
	}
}

func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "flags")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("SIGTERM ends it cleanly", func(t *testing.T) { testTerminate(t, program) })
	t.Run("it starts a fake server", func(t *testing.T) {
		p := start(t, program)
		p.waitFor("/healthz", func(status int, _ string) bool { return status == http.StatusOK })
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if code := p.wait(); code != 0 {
			t.Errorf("the exit code is %d, the log:\n%s", code, p.log.String())
		}
	})
	t.Run("a wrong secret ends it with an error", func(t *testing.T) {
		srv := httptest.NewServer((&fakeServer{secret: "another"}).handler())
		defer srv.Close()
		p := start(t, program, "-url", srv.URL)
		if code := p.wait(); code != 1 || !strings.Contains(p.log.String(), "401") {
			t.Errorf("the exit code is %d, the log:\n%s", code, p.log.String())
		}
	})
}

func testTerminate(t *testing.T, program string) {
	disconnected := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/token", sendToken("hidden-token"))
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		out, err := sse.NewWriter(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		out.Send(sse.Event{Type: "put", Data: `{"path":"/","data":{"greeting":"Hi"}}`})
		<-r.Context().Done()
		close(disconnected) // panics if there is another connection
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	p := start(t, program, "-url", srv.URL)
	p.waitFor("/", func(_ int, body string) bool { return body == "Hi\n" })
	p.waitFor("/healthz", func(status int, _ string) bool { return status == http.StatusOK })
	p.waitFor("/metrics", func(_ int, body string) bool {
		return strings.Contains(body, "\nflags_connections_total 1\n") &&
			strings.Contains(body, "\nflags_events_total{type=\"put\"} 1\n") &&
			strings.Contains(body, "\nflags_last_byte_age_seconds ") &&
			strings.Contains(body, "\nflags_reconnects_total 0\n")
	})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 100 {
				if _, body, err := p.get("/"); body != "Hi\n" || err != nil {
					t.Errorf("got %q, %v", body, err)
				}
			}
		})
	}
	callers.Wait()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code := p.wait()
	<-disconnected
	if log := p.log.String(); code != 0 || strings.Contains(log, "hidden") {
		t.Errorf("the exit code is %d, the log:\n%s", code, log)
	}
	if _, err := http.Get(p.url); err == nil {
		t.Error("the service still listens")
	}
}
