package inspect

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

var update = flag.Bool("update", false, "write the screenshots in docs/")

// root is the directory of the root module.
var root = filepath.Join("..", "..", "..")

// The tests share one browser and one program. Without a browser, every test is skipped.
var (
	browserCtx context.Context // for package chromedp
	program    string          // the path of the command sse
)

// rebindHost is a host name that the browser resolves to the loopback interface, as an attacker can
// arrange with DNS.
const rebindHost = "rebind.test"

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runTests runs the tests with the browser and the program, and returns the exit code.
func runTests(m *testing.M) (code int, err error) {
	path, err := chromium.Find()
	if err != nil {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "inspect")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "sse")
	if err := build(program); err != nil {
		return 0, err
	}
	ctx, stop, err := chromium.Start(context.Background(), path,
		chromedp.Flag("host-resolver-rules", "MAP "+rebindHost+" 127.0.0.1"))
	if err != nil {
		return 0, err
	}
	defer stop()
	browserCtx = ctx
	return m.Run(), nil
}

// build builds the command.
func build(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/sse")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build ./cmd/sse: %w\n%s", err, out)
	}
	return nil
}
