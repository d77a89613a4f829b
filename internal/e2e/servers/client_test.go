//go:build unix

package servers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// timeout is how long a test waits for the next event, or for the end of a stream.
const timeout = 20 * time.Second

// command is the path of the command sse, which TestMain builds.
var command string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sse")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	command = filepath.Join(dir, "sse")
	build := exec.Command("go", "build", "-o", command, "github.com/seed-0d85b69d/sse/cmd/sse")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "go build:", err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// A client follows a stream: the library or the command.
type client struct {
	check  eventlog.Checker
	events chan sse.Event // closed at the end of the stream
	err    error          // why the stream ended; valid when events is closed
}

// A startFunc starts to follow the stream of srv at addr, which is the address of srv or of a
// proxy.
type startFunc func(t *testing.T, k kind, srv *server, addr string) *client

// clients contains the functions that start the clients, by name.
var clients = map[string]startFunc{
	"library": startLibrary,
	"command": startCommand,
}

// url returns the URL of the stream.
func (s *server) url(addr string) string {
	if s.caCert != nil {
		return "https://" + addr + "/"
	}
	return "http://" + addr + "/"
}

// startLibrary follows a stream with sse.Client, and verifies the responses.
func startLibrary(t *testing.T, k kind, srv *server, addr string) *client {
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.url(addr), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := (&sse.Client{
		HTTPClient: srv.httpClient,
		Backoff: func() backoff.BackOff {
			return backoff.NewConstantBackOff(10 * time.Millisecond)
		},
		OnOpen: func(resp *http.Response) {
			if http2 := resp.ProtoMajor == 2; http2 != k.http2 {
				t.Errorf("the response has the protocol %s, want HTTP/2: %v", resp.Proto, k.http2)
			}
			if resp.Uncompressed != k.gzip {
				t.Errorf("the response was compressed: %v, want %v", resp.Uncompressed, k.gzip)
			}
		},
	}).Stream(req)
	c := &client{events: make(chan sse.Event, 1)}
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		defer close(c.events)
		for s.Next() {
			select {
			case c.events <- s.Event():
			case <-t.Context().Done():
				return
			}
		}
		c.err = s.Err()
	}()
	t.Cleanup(func() { // after t.Context() was canceled, which ends the stream
		<-followed
		s.Close()
	})
	return c
}

// startCommand follows a stream with the command sse.
func startCommand(t *testing.T, k kind, srv *server, addr string) *client {
	args := []string{"--json"}
	if srv.caCert != nil {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, srv.caCert, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--cacert", file)
	}
	cmd := exec.CommandContext(t.Context(), command, append(args, srv.url(addr))...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &client{events: make(chan sse.Event, 1)}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		defer close(c.events)
		for lines := json.NewDecoder(stdout); ; {
			var ev sse.Event
			if c.err = lines.Decode(&ev); c.err != nil {
				break
			}
			select {
			case c.events <- ev:
			case <-t.Context().Done():
			}
		}
		if c.err = cmd.Wait(); c.err != nil {
			c.err = fmt.Errorf("%w; standard error:\n%s", c.err, stderr)
		}
	}()
	t.Cleanup(func() { <-exited }) // after t.Context() was canceled, which kills the process
	return c
}

// receive receives events up to event n.
func (c *client) receive(t *testing.T, n int) {
	t.Helper()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for c.check.Last < n {
		select {
		case ev, ok := <-c.events:
			if !ok {
				t.Fatalf("the stream ended after event %d: %v", c.check.Last, c.err)
			}
			c.check.Add(ev)
			if c.check.Lost+c.check.Repeated+c.check.Damaged > 0 {
				t.Fatalf("received %+v: %+v", ev, c.check)
			}
		case <-timer.C:
			t.Fatalf("event %d did not arrive within %v", c.check.Last+1, timeout)
		}
	}
}

// end verifies that the stream ends without another event and without an error.
func (c *client) end(t *testing.T) {
	t.Helper()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case ev, ok := <-c.events:
		if ok {
			t.Fatalf("received %+v after the last event", ev)
		}
		if c.err != nil {
			t.Fatalf("the stream ended with %v", c.err)
		}
	case <-timer.C:
		t.Fatalf("the stream did not end within %v", timeout)
	}
}
