package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// A file that is written must not be another file of the command line, by whatever name.
func TestFilesMustDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	const content = "Set-Cookie: a=b\n"
	if err := os.WriteFile(path("f"), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"symlink": "f", "dangling": "new", "second": "dangling"} {
		if err := os.Symlink(to, path(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(path("f"), path("hardlink")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, want string }{
		{"-o f --record f", `-o "f" and --record "f"`},
		{"-o new --record ./new", `-o "new" and --record "./new"`},
		{"--output=new --state dangling", `--output "new" and --state "dangling"`},
		{"--state second --record new", `--state "second" and --record "new"`},
		{"-o symlink -b f", `-o "symlink" and -b "f"`},
		{"-H @f -o hardlink", `-H "f" and -o "hardlink"`},
		{"-d @f -of", `-d "f" and -o "f"`},
		{"--data-binary @f --record f", `--data-binary "f" and --record "f"`},
		{"--cacert f --state f", `--cacert "f" and --state "f"`},
		{"--cert f:s3cret -o f", `--cert "f" and -o "f"`},
		{"--key f -o f", `--key "f" and -o "f"`},
		{"-o new -o f --record new --state f", `-o "f" and --state "f"`},
		{"-d @- -o f", `standard input and -o "f"`},
		{"- -o f", `-o "f" and standard input`},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := strings.Fields(test.args)
			if args[0] != "-" {
				args = append(args, "--no-reconnect", "http://127.0.0.1:1")
			}
			c := command(t, args...)
			c.Dir, c.Stdin = dir, openFile(t, path("f"))
			r := finish(t, c)
			r.want(t, errtext.ExitUsage, "")
			r.oneLine(t)
			r.wantStderr(t, test.want+" are the same file")
			if _, err := os.Stat(path("new")); err == nil || readFile(t, path("f")) != content {
				t.Errorf("a file was written")
			}
		})
	}
}

func TestStandardOutputMustDiffer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	for _, flags := range [][]string{{"--record", file}, {"--state", file}, {"-o", "-", "-b", file}} {
		c := command(t, append(flags, "--no-reconnect", "http://127.0.0.1:1")...)
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c.Stdout = f
		stderr, _ := c.StderrPipe()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(stderr)
		if c.Wait(); !strings.Contains(string(text), "standard output are the same file") {
			t.Errorf("%q: stderr:\n%s", flags, text)
		}
	}
}

func TestFilesMayBeReadTwice(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("A: b\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-H", "@" + file, "-d", "@" + file, "--cert", file, "--key", file},
		{"-o", os.DevNull, "--record", os.DevNull, "-d", "@" + os.DevNull},
		{"-o", file, "-o", file},
		{"-o", file, "--data-raw", "@" + file, "-b", file + "=1", "-H", "A: " + file},
		{"-o", file + "/none", "--record", file + "/none"}, // the error of -o says more
	} {
		if _, err := parseArgs(append(args, "http://x.test"), followFlags); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// openFile opens the file for reading until the test ends.
func openFile(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
