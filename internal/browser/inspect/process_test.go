package inspect

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

const startTimeout = 20 * time.Second

// exitInterrupted is the exit code of the command after an interrupt.
const exitInterrupted = 130

var urlPattern = regexp.MustCompile(`http://[^\s]+/`)

// start runs sse with args until the test ends. It returns the first URL that the command prints.
func start(t *testing.T, args ...string) (url string) {
	t.Helper()
	chromium.Require(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	urls := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		found := false
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if u := urlPattern.FindString(lines.Text()); u != "" && !found {
				found = true
				urls <- u
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("sse %q: exit code %d, want %d\n%s", args, code, exitInterrupted, &stderr)
		}
	})
	select {
	case url = <-urls:
	case <-ended:
		t.Fatalf("sse %q: ended without a URL\n%s", args, &stderr)
	case <-time.After(startTimeout):
		t.Fatalf("sse %q: printed no URL within %v\n%s", args, startTimeout, &stderr)
	}
	return url
}

// serve runs sse serve with args, which are files to replay, and returns its URL without the final
// slash.
func serve(t *testing.T, files ...string) (url string) {
	t.Helper()
	url = start(t, append([]string{"serve", "127.0.0.1:0"}, files...)...)
	return url[:len(url)-1]
}

// run runs sse with args and returns its standard output. The test fails if the exit code is not 0.
func run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sse %q: %v\n%s", args, err, &stderr)
	}
	return string(out)
}

// A lockedBuffer is a bytes.Buffer that goroutines may share.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
