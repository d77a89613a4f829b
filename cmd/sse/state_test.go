package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// ids starts a server that sends the numbers after Last-Event-ID up to to, and returns its URL.
func ids(t *testing.T, to int) string {
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
		if from >= to {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "retry: 0\n")
		for i := from + 1; i <= to; i++ {
			fmt.Fprintf(w, "id: %d\ndata: %d\n\n", i, i)
		}
	})
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStateResumesNextRun(t *testing.T) {
	t.Parallel()
	url := ids(t, 6)
	dir := t.TempDir()
	file := filepath.Join(dir, "state")
	args := []string{url, "--data", "--state", file}
	runSSE(t, "", append(args, "-n", "2", "--last-event-id", "1")...).want(t, errtext.ExitDone,
		"2\n3\n")
	if got := readFile(t, file); got != "3\n"+url+"/\n" {
		t.Errorf("state = %q, want 3 and the URL", got)
	}
	// The file takes precedence over --last-event-id.
	runSSE(t, "", append(args, "-n", "1", "--last-event-id", "1")...).want(t, errtext.ExitDone,
		"4\n")
	runSSE(t, "", append(args, "--until", "5")...).want(t, errtext.ExitDone, "")
	runSSE(t, "", args...).want(t, errtext.ExitDone, "6\n")
	runSSE(t, "", args...).want(t, errtext.ExitDone, "")
	if got := readFile(t, file); got != "6\n"+url+"/\n" {
		t.Errorf("state = %q, want 6 and the URL", got)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files left behind: %v, %v", entries, err)
	}
}

// A symbolic link remains, and the file that it points to is written.
func TestStateFollowsSymlink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.WriteFile(filepath.Join(dir, "state"), []byte("2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("state", link); err != nil {
		t.Fatal(err)
	}
	url := ids(t, 3)
	runSSE(t, "", url, "--data", "--state", link).want(t, errtext.ExitDone, "3\n")
	if got := readFile(t, filepath.Join(dir, "state")); got != "3\n"+url+"/\n" {
		t.Errorf("state = %q, want 3 and the URL", got)
	}
	if to, err := os.Readlink(link); err != nil || to != "state" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

// If the temporary file is a symbolic link, the file that it points to is not written.
func TestStateReplacesTemporarySymlink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, filepath.Join(dir, ".state.tmp")); err != nil {
		t.Fatal(err)
	}
	url := ids(t, 3)
	runSSE(t, "", url, "--data", "--state", filepath.Join(dir, "state")).want(t,
		errtext.ExitDone, "1\n2\n3\n")
	if got := readFile(t, precious); got != "mine\n" {
		t.Errorf("the file contains %q", got)
	}
	if got := readFile(t, filepath.Join(dir, "state")); got != "3\n"+url+"/\n" {
		t.Errorf("state = %q, want 3 and the URL", got)
	}
}

// A run that is killed at any moment loses no event.
func TestStateSurvivesKill(t *testing.T) {
	t.Parallel()
	const last = 300
	url := ids(t, last)
	file := filepath.Join(t.TempDir(), "state")
	seen := make(map[string]bool)
	for kill := 1; ; kill++ {
		r := start(t, command(t, url, "--data", "--state", file))
		for range kill * 10 {
			line, err := r.stdout.ReadString('\n')
			seen[strings.TrimSuffix(line, "\n")] = true
			if err != nil {
				break
			}
		}
		r.c.Process.Signal(syscall.SIGKILL)
		for _, line := range strings.Split(r.wait().stdout, "\n") {
			seen[line] = true
		}
		if state, err := os.ReadFile(file); err == nil {
			id, _, _ := strings.Cut(string(state), "\n")
			if n, err := strconv.Atoi(id); err != nil {
				t.Fatalf("state = %q", state)
			} else if n == last {
				break
			}
		}
	}
	for i := 1; i <= last; i++ {
		if !seen[strconv.Itoa(i)] {
			t.Errorf("event %d was lost", i)
		}
	}
}

func TestStateWriteErrorEndsRun(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	next := make(chan bool)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		<-next
		io.WriteString(w, "id: 1\ndata: x\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c := command(t, url, "-v", "--data", "--state", filepath.Join(dir, "state"))
	r := start(t, c)
	r.stderr.waitFor(t, "< HTTP/1.1 200 OK")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	next <- true
	res := r.wait()
	res.want(t, errtext.ExitError, "x\n")
	res.wantStderr(t, `state": no such file or directory`)
}

func TestStateNotesWhichIDIsUsed(t *testing.T) {
	t.Parallel()
	url := ids(t, 3)
	file := filepath.Join(t.TempDir(), "state")
	args := []string{url, "--data", "--state", file, "--last-event-id", "1", "-n", "1"}
	r := runSSE(t, "", args...)
	r.want(t, errtext.ExitDone, "2\n")
	r.wantStderr(t, file+`" has no id yet; resuming after --last-event-id 1`+"\n")
	r = runSSE(t, "", args...)
	r.want(t, errtext.ExitDone, "3\n")
	r.wantStderr(t, `sse: resuming after id 2 of --state "`+file+
		`"; --last-event-id is not used`+"\n")
}

func TestStateWarnsOfMissingIDs(t *testing.T) {
	t.Parallel()
	const warning = "sse: --state has nothing to store, because the events have no ids"
	file := filepath.Join(t.TempDir(), "state")
	r := runSSE(t, "", once(t, "data: a\n\n"), "--data", "--state", file)
	r.want(t, errtext.ExitDone, "a\n")
	r.wantStderr(t, warning)

	// If the stream does not end, the warning does not wait for its end.
	url := endless(t, strings.Repeat("data: a\n\n", 20))
	live := start(t, command(t, url, "--data", "--state", file))
	live.stderr.waitFor(t, warning)
	sendSignal(t, live.c, os.Interrupt)
	if res := live.wait(); strings.Count(res.stderr, warning) != 1 {
		t.Errorf("stderr:\n%s\nwant one warning", res.stderr)
	}
}

// The URL in the file has no secrets, and a new token in the query is not another URL.
func TestStateRefusesOtherURL(t *testing.T) {
	t.Parallel()
	url := ids(t, 3)
	file := filepath.Join(t.TempDir(), "state")
	secret := strings.Replace(url, "://", "://me:s3cret@", 1) + "/a?token=s3cret"
	runSSE(t, "", secret, "--data", "--state", file, "-n", "1").want(t, errtext.ExitDone, "1\n")
	if got := readFile(t, file); got != "1\n"+url+"/a?token=****\n" {
		t.Errorf("state = %q", got)
	}
	runSSE(t, "", url+"/a?token=other", "--data", "--state", file, "-n", "1").want(t,
		errtext.ExitDone, "2\n")
	r := runSSE(t, "", url+"/b?token=s3cret", "--data", "--state", file)
	r.want(t, errtext.ExitUsage, "")
	r.oneLine(t)
	r.wantStderr(t, "it was written for "+url+"/a?token=****, not for "+url+"/b?token=****;")
}

// SIGHUP, which the end of a terminal or an SSH session sends, ends a run as SIGTERM does.
func TestHangupEndsRun(t *testing.T) {
	t.Parallel()
	// A child does not inherit that SIGHUP is ignored, as below nohup, if the parent handles it.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, hangup)
	defer signal.Stop(hangups)
	url := endless(t, "id: 1\ndata: a\n\n")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, hangup} {
		file := filepath.Join(t.TempDir(), "state")
		r := start(t, command(t, url, "--data", "--state", file))
		r.line()
		sendSignal(t, r.c, sig)
		r.wait().want(t, errtext.ExitTerminated, "")
		if got := readFile(t, file); got != "1\n"+url+"/\n" {
			t.Errorf("%v: state = %q", sig, got)
		}
	}
}

// A device or directory is refused before the request is sent, because it would be replaced.
func TestStateRejectsOtherFiles(t *testing.T) {
	t.Parallel()
	for _, path := range []string{os.DevNull, t.TempDir()} {
		r := runSSE(t, "", "--state", path, "http://127.0.0.1:1/")
		if r.code != errtext.ExitUsage ||
			!strings.Contains(r.stderr, "not a file written by --state") {
			t.Errorf("--state %s: %+v", path, r)
		}
	}
}

func TestStateKeepsFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	runSSE(t, "", ids(t, 1), "--data", "--state", file).want(t, errtext.ExitDone, "1\n")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode = %v, want -rw-r-----", info.Mode())
	}
}
