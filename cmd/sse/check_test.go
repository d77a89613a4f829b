package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestCheckFindings(t *testing.T) {
	t.Parallel()
	stream := func(body string) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "text/event-stream")
			h.Set("Cache-Control", "no-cache")
			h.Set("X-Accel-Buffering", "no")
			w.(http.Flusher).Flush()
			io.WriteString(w, body)
		})
	}
	endless := server(t, func(w http.ResponseWriter, r *http.Request) {
		out, err := sse.NewWriter(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		out.Comment("and nothing more")
		<-r.Context().Done()
	})
	broken := func(body string, end ssetest.Step) string {
		return ssetest.NewServer(t, ssetest.Conn{ssetest.Raw(body), end}).URL
	}
	mute := server(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	late := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		select {
		case <-time.After(700 * time.Millisecond):
			io.WriteString(w, "data: a\n\n")
		case <-r.Context().Done():
		}
	})
	for _, test := range []struct {
		name   string
		args   []string
		code   int
		stdout []string
		stderr string
	}{
		{"good", []string{stream("id: 1\ndata: a\n\n")}, errtext.ExitDone,
			[]string{"0 errors, 0 warnings, 1 info in 1 event and 0 comments, 15 bytes, read for ",
				" to the end\n"}, ""},
		{"bad", []string{stream("id: 1\ndata: a\n\nid: 2\ndata:b\n\ndata: c")}, errtext.ExitError,
			[]string{"error   line 7: ", "warning response: ", "info    ", "1 error, 1 warning, "},
			""},
		{"no stream",
			[]string{server(t,
				func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })},
			errtext.ExitError, []string{"error   response: The status is 404"}, ""},
		{"endless", []string{endless, "--for", "50ms"}, errtext.ExitDone,
			[]string{"0 events and 1 comment, "}, ""},
		{"no response in time", []string{mute, "--for", "50ms"}, errtext.ExitTimeout, nil,
			"sse: check: GET {URL}: timeout: the server sent no response headers\n"},
		{"no headers in time", []string{mute, "--connect-timeout", "50ms"}, errtext.ExitTimeout,
			nil, "sse: check: GET {URL}: timeout: the response headers are not complete\n"},
		{"headers in time", []string{late, "--connect-timeout", "500ms"}, errtext.ExitDone,
			[]string{" in 1 event and ", " to the end\n"}, ""},
		{"no content",
			[]string{server(t,
				func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusNoContent)
				})},
			errtext.ExitDone, []string{"info    response: The status 204"}, ""},
		{"refused", []string{"http://127.0.0.1:1/?key=s3cret"}, errtext.ExitError, nil,
			"connection refused\n"},
		{"usage", []string{"--raw", "http://x"}, errtext.ExitUsage, nil,
			"sse: check: unknown flag --raw (see sse check --help)\n"},
		{"cut", []string{broken("data: a\n\n", ssetest.Cut())}, errtext.ExitError,
			[]string{"error   line 3: The connection was lost: unexpected EOF. [", " read for "},
			""},
		{"reset", []string{broken("data: a\n\n", ssetest.Reset())}, errtext.ExitError,
			[]string{"error   line 3: The connection was lost: ", "connection reset"}, ""},
		{"cut before the first event", []string{broken("", ssetest.Cut())}, errtext.ExitError,
			[]string{"error   line 1: The connection was lost: "}, ""},
		{"no URL", nil, errtext.ExitUsage, nil, "sse: check: no URL"},
		{"verbose", []string{"-v", stream("")}, errtext.ExitDone, nil,
			"< Content-Type: text/event-stream\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := runSSE(t, "", append([]string{"check"}, test.args...)...)
			if r.code != test.code {
				t.Errorf("exit code = %d, want %d", r.code, test.code)
			}
			for _, part := range test.stdout {
				if !strings.Contains(portable(r.stdout), part) {
					t.Errorf("stdout lacks %q:\n%s", part, r.stdout)
				}
			}
			wantStderr := strings.ReplaceAll(test.stderr, "{URL}", urlOf(test.args))
			if !strings.Contains(r.stderr, wantStderr) || test.stderr == "" && r.stderr != "" ||
				strings.Contains(r.stderr, "s3cret") {
				t.Errorf("stderr:\n%s\nwant:\n%s", r.stderr, wantStderr)
			}
		})
	}

	// If it is interrupted, it prints the findings so far.
	r := start(t, command(t, "check", "-v", "--for", "1h", endless))
	r.stderr.waitFor(t, "< Content-Type")
	sendSignal(t, r.c, os.Interrupt)
	if res := r.wait(); res.code != errtext.ExitInterrupted ||
		!strings.Contains(res.stdout, "0 errors") {
		t.Errorf("interrupted: %+v", res)
	}
}

func TestCheckReadsInputAndFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "stream")
	for _, test := range []struct {
		stream string
		code   int
		want   []string
	}{
		{"id: 1\ndata: a\n\n", errtext.ExitDone,
			[]string{"0 errors, 0 warnings, 0 info in 1 event and 0 comments, 15 bytes",
				" to the end\n"}},
		{"data: a\n\ndata: b", errtext.ExitError,
			[]string{"error   line 3: The stream ends within an event",
				"info    stream: No event has an ID"}},
		{"", errtext.ExitDone, []string{"warning stream: The body is empty"}},
	} {
		if err := os.WriteFile(file, []byte(test.stream), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"-", file} {
			r := runSSE(t, test.stream, "check", name)
			if r.code != test.code || r.stderr != "" {
				t.Errorf("check %s: exit code %d, stderr %q", name, r.code, r.stderr)
			}
			for _, part := range test.want {
				if !strings.Contains(portable(r.stdout), part) {
					t.Errorf("check %s: stdout lacks %q:\n%s", name, part, r.stdout)
				}
			}
		}
	}

	// A pipe that stays open is read for a while.
	c := command(t, "check", "-", "--for", "50ms")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	io.WriteString(stdin, "id: 1\ndata: a\n\n")
	r := finish(t, c)
	if r.code != errtext.ExitDone || !strings.Contains(r.stdout, " in 1 event ") {
		t.Errorf("a live pipe: %+v", r)
	}
}

func TestCheckPrintsJSON(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "", "check", "--json", once(t, "data: a\n\ndata"))
	var got struct {
		Findings []struct{ Severity, Rule string }
		Events   int
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || got.Events != 1 ||
		len(got.Findings) == 0 {
		t.Errorf("%v: %s", err, r.stdout)
	}
	if r.code != errtext.ExitError {
		t.Errorf("exit code = %d, want %d", r.code, errtext.ExitError)
	}
}

// A token in the query is sent neither to another host nor to the terminal.
func TestCheckKeepsSecrets(t *testing.T) {
	t.Parallel()
	referer := make(chan string, 1)
	other := server(t, func(w http.ResponseWriter, r *http.Request) {
		referer <- r.Referer()
		w.WriteHeader(http.StatusNoContent)
	})
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/malformed" {
			c, _, _ := http.NewResponseController(w).Hijack()
			defer c.Close()
			io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://h/?token=s3cret\x7f\r\n\r\n")
			return
		}
		location := other + "/"
		if r.URL.Path == "/broken" {
			location = "http://u:s3cret@h:bad/?token=s3cret"
		}
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	})
	runSSE(t, "", "check", url+"/?token=s3cret")
	if got := <-referer; strings.Contains(got, "s3cret") {
		t.Errorf("Referer = %q, want no secret", got)
	}
	for _, path := range []string{"/broken", "/malformed"} {
		if r := runSSE(t, "", "check", url+path); r.code != errtext.ExitError ||
			strings.Contains(r.stderr, "s3cret") {
			t.Errorf("a broken redirect: %s: %+v", path, r)
		}
	}
}
