package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/inspect"
)

// startInspect starts sse inspect and returns the address of its page.
func startInspect(t *testing.T, args ...string) (r *process, page string) {
	t.Helper()
	r = start(t, command(t, append([]string{"inspect"}, args...)...))
	return r, pageOf(t, r)
}

// pageOf returns the address that sse inspect prints.
func pageOf(t *testing.T, r *process) string {
	t.Helper()
	line := r.line()
	page, ok := strings.CutSuffix(strings.TrimPrefix(line, "open "), " (Ctrl-C ends it)")
	if !ok || !strings.HasPrefix(page, "http://") || !strings.HasSuffix(page, "/") {
		t.Fatalf("the first line is %q", line)
	}
	return page
}

// post sends body and decodes the response into v, if that is not nil.
func post(t *testing.T, url, body string, v any) (status int) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if v != nil {
		if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
			t.Fatalf("POST %s: %s, %v", url, resp.Status, err)
		}
	}
	return resp.StatusCode
}

// encode returns v as JSON.
func encode(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestInspectStartsAndStops(t *testing.T) {
	t.Parallel()
	r, page := startInspect(t, "-H", "X-A: b", "-d", "{}", "--last-event-id", "7", "--no-reconnect",
		"--idle-timeout", "45", "h.test/p", "-k", "--memory", "8M")
	if !strings.HasPrefix(page, "http://127.0.0.1:") {
		t.Errorf("the page is at %s", page)
	}
	resp, err := http.Get(page + "setup")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var setup struct {
		Request inspect.Form
		Notes   []string
	}
	if err := json.NewDecoder(resp.Body).Decode(&setup); err != nil {
		t.Fatal(err)
	}
	want := inspect.Form{
		URL:         "http://h.test/p",
		Method:      "POST",
		Headers:     [][2]string{{"Content-Type", "application/json"}, {"X-A", "b"}},
		Body:        "{}",
		LastEventID: "7",
		IdleTimeout: "45s",
	}
	if diff := cmp.Diff(want, setup.Request); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"-k: certificates are not verified"}, setup.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	host := strings.Split(page, "/")[2]
	res := runSSE(t, "", "inspect", "--listen", host)
	res.want(t, errtext.ExitError, "")
	res.wantStderr(t, "address already in use")
	sendSignal(t, r.c, os.Interrupt)
	res = r.wait()
	res.want(t, errtext.ExitInterrupted, "")
	if res.stderr != "" {
		t.Errorf("stderr: %s", res.stderr)
	}
}

func TestInspectWarnsIfOtherMachinesCanReachIt(t *testing.T) {
	t.Parallel()
	r, page := startInspect(t, "--listen", "0.0.0.0:0")
	if !strings.HasPrefix(page, "http://localhost:") {
		t.Errorf("the page is at %s", page)
	}
	r.stderr.waitFor(t, "sse: other machines can reach this server\n")
}

func TestInspectOpensBrowser(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the browser of this system cannot be replaced")
	}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$@\" > " + pipe + "\n"
	err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	c := command(t, "inspect", "--open")
	c.Env = append(c.Env, "PATH="+dir)
	r := start(t, c)
	page := pageOf(t, r)
	arguments, err := os.ReadFile(pipe)
	if err != nil {
		t.Fatal(err)
	}
	file := strings.TrimSpace(string(arguments))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the browser must get the name of a file: %v", err)
	}
	token := strings.Split(page, "/")[3]
	if text := string(content); strings.Contains(text, token) ||
		!strings.Contains(text, strings.TrimSuffix(page, token+"/")) {
		t.Errorf("the file must contain an address of the server without the token:\n%s", text)
	}
	sendSignal(t, r.c, os.Interrupt)
	r.wait().want(t, errtext.ExitInterrupted, "")
	if _, err := os.Stat(filepath.Dir(file)); !os.IsNotExist(err) {
		t.Errorf("the file remains at the end: %v", err)
	}
}

func TestInspectRunsWithoutBrowser(t *testing.T) {
	t.Parallel()
	c := command(t, "inspect", "--open")
	c.Env = append(c.Env, "PATH="+t.TempDir())
	r := start(t, c)
	page := pageOf(t, r)
	r.stderr.waitFor(t, "sse: --open: ")
	if post(t, page+"stop", "", nil) != http.StatusNoContent {
		t.Error("without a browser, the server does not run")
	}
}

func TestInspectAppliesConnectionFlags(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s %s\n\n", r.Proto, r.Header.Get("X-A"))
	}))
	t.Cleanup(s.Close)
	_, page := startInspect(t, "-k", "--http1.1", "-H", "X-A: of the command line")
	f := inspect.Form{URL: s.URL, Headers: [][2]string{{"X-A", "of the page"}}}
	if post(t, page+"send", encode(t, f), nil) != http.StatusOK {
		t.Fatal("the form is refused")
	}
	resp, err := http.Get(page + "relay")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	type message struct{ Data, State string }
	for m, err := range sse.Decode(sse.NewReader(resp.Body), sse.JSON[message]) {
		if err != nil || m.State == "closed" {
			t.Fatalf("the stream has no event: %+v, %v", m, err)
		}
		if m.Data != "" {
			if m.Data != "HTTP/1.1 of the page" {
				t.Errorf("data = %q", m.Data)
			}
			break
		}
	}
}

func TestInspectRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"http://x", "http://y"}, "inspect: more than one URL"},
		{[]string{"ws://x"}, "inspect: ws:// is a WebSocket"},
		{[]string{"--json"}, "inspect: unknown flag --json"},
		{[]string{"-v"}, "inspect: unknown flag -v"},
		{[]string{"--memory", "7M"}, `inspect: --memory "7M": want at least 8 MiB`},
		{[]string{"--memory", "none"}, `inspect: --memory "none": want at least 8 MiB`},
		{[]string{"--listen", "x:y"}, `inspect: "x:y" is not an address: want a port`},
		{[]string{"--cacert", "/none"}, `inspect: --cacert "/none": `},
		{[]string{"--http1.1", "--http2"}, "inspect: --http1.1 and --http2 exclude each other"},
		{[]string{"-d", "@-"}, "inspect: the body is not valid UTF-8"},
	} {
		r := runSSE(t, "\xff", append([]string{"inspect"}, test.args...)...)
		r.want(t, errtext.ExitUsage, "")
		r.oneLine(t)
		r.wantStderr(t, test.want)
	}
	r := runSSE(t, "", "inspec")
	r.wantStderr(t, "did you mean inspect?")
}
