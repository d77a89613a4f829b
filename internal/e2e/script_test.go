package e2e

import (
	"bufio"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script run the command sse as a user does, and show how it is used. In
// addition to the commands of package testscript they have these:
//
//	serve [FILE…]             start sse serve with these recordings, and set $URL to its URL
//	exits CODE program args…  run a program, which must exit with this code
//
// A recording can describe every kind of server: what it sends, in which pieces, and how it ends.
func TestScripts(t *testing.T) {
	bin := buildCommand(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": func(ts *testscript.TestScript, neg bool, args []string) {
				serve(ts, neg, filepath.Join(bin, "sse"), args)
			},
			"exits": exits,
		},
	})
}

// buildCommand builds the command sse, and returns the directory that contains it.
func buildCommand(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "sse")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	build := exec.Command("go", "build", "-o", name, "github.com/seed-0d85b69d/sse/cmd/sse")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// serve starts the server of the command sse with the recordings in args, and sets $URL. The server
// ends with the script.
func serve(ts *testscript.TestScript, neg bool, sse string, args []string) {
	if neg {
		ts.Fatalf("usage: serve [FILE…]")
	}
	serveArgs := []string{"serve", ":0"}
	for _, name := range args {
		serveArgs = append(serveArgs, ts.MkAbs(name))
	}
	c := exec.Command(sse, serveArgs...)
	stdout, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() {
		c.Process.Kill()
		c.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	url, _, ok := strings.Cut(strings.TrimPrefix(line, "serving "), "/ (Ctrl-C ends it)")
	if !ok {
		ts.Fatalf("sse serve printed %q", line)
	}
	ts.Setenv("URL", url)
}

// exits runs a program, whose exit code must be the first of args.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}
