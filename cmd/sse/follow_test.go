package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

const sample = `: a comment
id: 1
event: tick
data: {"n":1,"html":"<a&b>","s":"x"}

data: two
data: lines

id: 3
event: done
data: tab	and ` + "\x1b[31m" + ` and ` + "\u202e" + `

`

func TestFollowFormats(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flags, want string }{
		{"", `tick	1	{"n":1,"html":"<a&b>","s":"x"}` + "\n" + `message	1	two\nlines` +
			"\n" + `done	3	tab	and \x1b[31m and \u202e` + "\n"},
		{"--json", `{"id":"1","type":"tick","data":"{\"n\":1,\"html\":\"<a&b>\",\"s\":\"x\"}"}` +
			"\n" +
			`{"id":"1","type":"message","data":"two\nlines"}` + "\n" +
			`{"id":"3","type":"done","data":"tab\tand \u001b[31m and \u202e"}` + "\n"},
		{"--data", `{"n":1,"html":"<a&b>","s":"x"}` +
			"\ntwo\nlines\ntab\tand \x1b[31m and \u202e\n"},
		{"--field html", "<a&b>\n"},
		{"--raw", sample},
		{"--type tick,done --data",
			`{"n":1,"html":"<a&b>","s":"x"}` + "\ntab\tand \x1b[31m and \u202e\n"},
		{"-n 1 --data", `{"n":1,"html":"<a&b>","s":"x"}` + "\n"},
		{"-n 1 --type done --json",
			`{"id":"3","type":"done","data":"tab\tand \u001b[31m and \u202e"}` + "\n"},
	} {
		t.Run(test.flags, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(test.flags)
			runSSE(t, sample, append(args, "-")...).want(t, errtext.ExitDone, test.want)
			got := runSSE(t, "", append(args, once(t, sample))...)
			if test.flags == "--raw" {
				test.want = "retry: 0\n" + test.want
			}
			got.want(t, errtext.ExitDone, test.want)
		})
	}
}

func TestFollowUntilEndsBeforeEvent(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "data: a\n\ndata: [DONE]\n\ndata: b\n\n", "--data", "--until", "[DONE]", "-")
	r.want(t, errtext.ExitDone, "a\n")
}

// If the stream ends without the event of --until, it is incomplete.
func TestFollowUntilMissingIsAnError(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "data: a\n\n", "--data", "--until", "[DONE]", "-")
	r.want(t, errtext.ExitError, "a\n")
	r.wantStderr(t, "sse: the stream ended without the event that --until waits for\n")
	r = runSSE(t, "", "--data", "--until", "[DONE]", "-d", "{}", once(t, "data: a\n\n"))
	r.want(t, errtext.ExitError, "a\n")
}

// An event that is an error lacks the field, so it would go unnoticed.
func TestFollowFieldReportsErrorEvents(t *testing.T) {
	t.Parallel()
	const text = `{"error":{"message":"over\u001bloaded"}}`
	if r := runSSE(t, strings.Repeat("data: {\"error\":false}\n\ndata: {\"error\":\"\"}\n\n", 9),
		"--field", "a", "-"); strings.Contains(r.stderr, "sent an error") {
		t.Errorf("events that are not errors: stderr %q", r.stderr)
	}
	if r := runSSE(t, strings.Repeat("event: error\ndata\n\n", 99), "--field", "a",
		"-"); strings.Count(r.stderr, "sent an error") != 3 ||
		!strings.Contains(r.stderr, "sse: 99 errors from the stream in total\n") {
		t.Errorf("99 errors: stderr %q, want 3 of them", r.stderr)
	}
	for _, event := range []string{"event: error\ndata: " + text + "\n\n", "data: " + text + "\n\n",
		"event: error\ndata: {}\n\n"} {
		r := runSSE(t, "data: {\"a\":\"x\"}\n\n"+event, "--field", "a", "-")
		r.want(t, errtext.ExitError, "x\n")
		r.wantStderr(t, "sse: the stream sent an error: {")
		r = runSSE(t, event, "--field", "a", "-s", "-")
		r.want(t, errtext.ExitError, "")
		r.wantStderr(t, "sse: the stream sent an error: {")
		r.oneLine(t)
	}
}

// If the connection is closed without a response, the text is more than "EOF".
func TestFollowReportsMissingResponse(t *testing.T) {
	t.Parallel()
	url := server(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	r := runSSE(t, "", "--no-reconnect", url)
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "sse: GET "+url+": the server closed the connection without a response\n")
}

// The file of -o keeps its content until the stream is open. With --state, it is appended to.
func TestFollowTruncatesFileWhenOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "out")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refuses := server(t,
		func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	write("precious, and long")
	for _, args := range [][]string{{refuses},
		{"--state", filepath.Join(dir, "none", "x"), refuses}} {
		if r := runSSE(t, "", append(args, "-o", file)...); r.code == errtext.ExitDone {
			t.Errorf("%v: exit code 0", args)
		}
		if got := readFile(t, file); got != "precious, and long" {
			t.Errorf("%v: file = %q", args, got)
		}
	}
	runSSE(t, "", once(t, "data: a\n\n"), "-o", file, "--data").want(t, errtext.ExitDone, "")
	if got := readFile(t, file); got != "a\n" {
		t.Errorf("file = %q", got)
	}
	write("old")
	runSSE(t, "data: b\n\n", "-", "-o", file, "--data").want(t, errtext.ExitDone, "")
	if got := readFile(t, file); got != "b\n" {
		t.Errorf("file = %q", got)
	}
	write("old and longer than what comes")
	runSSE(t, "", "--color", "always", "--no-reconnect", "-o", file, once(t, "data: c\n\n")).want(t,
		errtext.ExitDone, "")
	if got := readFile(t, file); strings.ContainsAny(got, "\x00") || strings.Contains(got, "old") ||
		!strings.Contains(got, "connecting") {
		t.Errorf("file = %q", got)
	}
	write("b\n")
	url := ids(t, 3)
	runSSE(t, "", url, "-o", file, "--data", "--state", filepath.Join(dir, "state"), "-n",
		"1").want(t, errtext.ExitDone, "")
	runSSE(t, "", url, "-o", file, "--data", "--state", filepath.Join(dir, "state")).want(t,
		errtext.ExitDone, "")
	if got := readFile(t, file); got != "b\n1\n2\n3\n" {
		t.Errorf("file = %q", got)
	}
}

func TestCommandReportsWriteErrors(t *testing.T) {
	t.Parallel()
	needDevFull(t)
	url := once(t, "data: a\n\n")
	for _, args := range [][]string{{"--help"}, {"--version"}, {"check", url},
		{"check", "--json", url}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		c := command(t, args...)
		c.Stdout = full
		var stderr strings.Builder
		c.Stderr = &stderr
		err = c.Run()
		full.Close()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) ||
			exit.ExitCode() != errtext.ExitError ||
			!strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: %v: %s", args, err, stderr.String())
		}
	}
}

// Each event can be read from the pipe before the server sends the next one.
func TestFollowPrintsEachEventAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan bool)
	defer close(next)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range next {
			io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
		}
	})
	r := start(t, command(t, url, "--data"))
	for range 3 {
		next <- true
		if got := r.line(); got != "x" {
			t.Errorf("line = %q, want x", got)
		}
	}
	sendSignal(t, r.c, os.Interrupt)
	r.wait().want(t, errtext.ExitInterrupted, "")
}

func TestFollowExitCodes(t *testing.T) {
	t.Parallel()
	cut := func(body string) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, body)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
	}
	silent := endless(t, "")
	mute := server(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	status := func(code int, contentType, body string) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(code)
			io.WriteString(w, body)
		})
	}
	for _, test := range []struct {
		name   string
		args   []string
		code   int
		stdout string
		stderr []string
	}{
		{"204", []string{status(204, "", "")}, errtext.ExitDone, "",
			[]string{"sse: the server responded with 204 No Content, which ends the stream\n"}},
		{"204 and silent", []string{"-s", status(204, "", "")}, errtext.ExitDone, "", nil},
		{"end of the response to a POST",
			[]string{"-d", "x", status(200, "text/event-stream", "data: a\n\n"), "--data"},
			errtext.ExitDone, "a\n", nil},
		{"end without reconnect",
			[]string{"--no-reconnect", status(200, "text/event-stream", "data: a\n\n"), "--data"},
			errtext.ExitDone, "a\n", nil},
		{"cut without reconnect", []string{"--no-reconnect", cut("data: a\n\ndata"), "--data"},
			errtext.ExitError, "a\n",
			[]string{"sse: GET {URL}: unexpected end of the stream " +
				"(if an event was incomplete, it is not shown)\n"}},
		{"cut response to a POST", []string{"-d", "x", cut("data: a\n\n"), "--data"},
			errtext.ExitError, "a\n",
			[]string{"sse: POST {URL}: unexpected end of the stream " +
				"(if an event was incomplete, it is not shown)\n"}},
		{"clean end within an event",
			[]string{"--no-reconnect", status(200, "text/event-stream", "data: a\n\ndata: b\n"),
				"--data"}, errtext.ExitError, "a\n", []string{"unexpected end"}},
		{"refused", []string{"--no-reconnect", "http://127.0.0.1:1"}, errtext.ExitError, "",
			[]string{"connection refused"}},
		{"too large",
			[]string{"--max-event-size", "1k",
				status(200, "text/event-stream", "data: "+strings.Repeat("x", 2000)+"\n\n")},
			errtext.ExitError, "",
			[]string{"sse: GET {URL}: event too large: more than 1024 bytes " +
				"(--max-event-size allows larger events)\n"}},
		{"no event stream", []string{status(200, "text/html", "<h1>Hello\x1b[31m</h1>")},
			errtext.ExitError, "",
			[]string{"sse: not an event stream: 200 OK: Content-Type is text/html, " +
				"not text/event-stream\n  <h1>Hello\\x1b[31m</h1>\n  request: GET {URL}\n"}},
		{"401", []string{status(401, "application/json",
			"{\"error\": {\n  \"message\": \"bad key\"}}\n")}, errtext.ExitHTTP, "",
			[]string{"sse: HTTP 401 Unauthorized\n  {\"error\": {\n    \"message\": \"bad key\"}}\n" +
				"  request: GET {URL}\n" +
				"  (-u USER:PASSWORD or -H 'Authorization: …' sends credentials)\n"}},
		{"404 and silent", []string{"-s", status(404, "text/plain", "")}, errtext.ExitHTTP, "",
			[]string{"sse: HTTP 404 Not Found\n  request: GET {URL}\n"}},
		{"503 without reconnect", []string{"--no-reconnect", status(503, "text/plain", "down")},
			errtext.ExitHTTP, "",
			[]string{"sse: HTTP 503 Service Unavailable\n  down\n  request: GET {URL}\n"}},
		{"idle", []string{"--no-reconnect", "--idle-timeout", "0.05", silent}, errtext.ExitTimeout,
			"", []string{"sse: GET {URL}: idle timeout (--idle-timeout allows longer pauses)\n"}},
		{"idle POST", []string{"-d", "x", "--idle-timeout", "50ms", silent}, errtext.ExitTimeout,
			"", []string{"sse: POST {URL}: idle timeout (--idle-timeout allows longer pauses)\n"}},
		{"no headers", []string{"--no-reconnect", "--connect-timeout", "50ms", mute},
			errtext.ExitTimeout, "", []string{"sse: GET {URL}: timeout"}},
		{"time is up", []string{"--for", "50ms", silent}, errtext.ExitDone, "", nil},
		{"time is up while waiting", []string{"--for", "50ms", "-s", "http://127.0.0.1:1"},
			errtext.ExitDone, "", nil},
		{"cut input", []string{"-", "--data"}, errtext.ExitError, "a\n",
			[]string{"sse: standard input: unexpected end of the stream " +
				"(if an event was incomplete, it is not shown)\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := runSSE(t, "data: a\n\ndata: b\n", test.args...)
			r.want(t, test.code, test.stdout)
			for _, part := range test.stderr {
				r.wantStderr(t, strings.ReplaceAll(part, "{URL}", urlOf(test.args)))
			}
			if test.stderr == nil && r.stderr != "" {
				t.Errorf("stderr: %s", r.stderr)
			}
		})
	}
}

// Nothing but the error is reported of an event that is too large.
func TestFollowReportsLargeEventInOneLine(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "data: "+strings.Repeat("x", 2000)+"\n\n", "-", "--max-event-size", "1k")
	r.want(t, errtext.ExitError, "")
	r.oneLine(t)
}

// urlOf returns the URL in a command line.
func urlOf(args []string) string {
	i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "http://") })
	if i < 0 {
		return ""
	}
	return args[i]
}

func TestFollowEndsOnSignal(t *testing.T) {
	t.Parallel()
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: errtext.ExitInterrupted,
		syscall.SIGTERM: errtext.ExitTerminated} {
		url := endless(t, "data: x\n\n")
		for _, where := range []string{"in a read", "in a wait", "on standard input"} {
			args := []string{url, "--data"}
			var stdin io.WriteCloser
			c := command(t)
			switch where {
			case "in a wait":
				args = []string{once(t, "retry: 3600000\ndata: x\n\n"), "--data"}
			case "on standard input":
				args = []string{"-", "--data"}
				stdin, _ = c.StdinPipe()
			}
			c.Args = append(c.Args, args...)
			r := start(t, c)
			if stdin != nil {
				io.WriteString(stdin, "data: x\n\n")
			}
			if got := r.line(); got != "x" {
				t.Errorf("line = %q, want x", got)
			}
			if where == "in a wait" {
				r.stderr.waitFor(t, "connecting again")
			}
			sendSignal(t, c, sig)
			res := r.wait()
			res.want(t, code, "")
			if t.Failed() {
				t.Fatal(sig, where)
			}
		}
	}
}

func TestFollowForEndsStandardInput(t *testing.T) {
	t.Parallel()
	c := command(t, "-", "--data", "--for", "50ms")
	stdin, err := c.StdinPipe() // nothing is written to it
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	start(t, c).wait().want(t, errtext.ExitDone, "")
}

func TestFollowReconnectsAndResumes(t *testing.T) {
	t.Parallel()
	ids := make(chan string, 10)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Last-Event-ID")
		ids <- id
		w.Header().Set("Content-Type", "text/event-stream")
		switch id {
		case "":
			io.WriteString(w, "retry: 0\nid: 1\ndata: a\n\nid: 2\ndata: cut")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "1":
			io.WriteString(w, "id: 2\ndata: b\n\n")
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	r := runSSE(t, "", url, "--data", "--summary", "json")
	r.want(t, errtext.ExitDone, "a\nb\n")
	r.wantStderr(t, "sse: unexpected end of the stream; connecting again in ",
		"sse: end of the response; connecting again in ",
		`"reconnects":2,"causes":{"end of the response":1,"unexpected end":1},`+
			`"last_event_id":"2","end":"server","exit_code":0`)
	if got := []string{<-ids, <-ids, <-ids}; got[0] != "" || got[1] != "1" || got[2] != "2" {
		t.Errorf("Last-Event-IDs = %q, want \"\", 1 and 2", got)
	}
	silent := runSSE(t, "", once(t, "data: a\n\n"), "--data", "-s")
	silent.want(t, errtext.ExitDone, "a\n")
	if silent.stderr != "" {
		t.Errorf("-s: stderr %q, want nothing", silent.stderr)
	}
}

func TestFollowFirstFailureGivesHint(t *testing.T) {
	t.Parallel()
	r := start(t, command(t, "http://127.0.0.1:1"))
	r.stderr.waitFor(t, "connection refused; connecting again in ")
	r.stderr.waitFor(t, "(--no-reconnect ends the run instead)\n")
	sendSignal(t, r.c, os.Interrupt)
	r.wait().want(t, errtext.ExitInterrupted, "")
}

// The text of a status line must not control the terminal.
func TestFollowEscapesHTTPStatus(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		defer c.Close()
		io.WriteString(c,
			"HTTP/1.1 "+r.URL.Path[1:]+" Oops\x1b]0;x\x07\xc2\x9b2J\r\nContent-Length: 0\r\n\r\n")
	})
	const shown = `Oops\x1b]0;x\x07\x9b2J`
	r := runSSE(t, "", url+"/404", "--summary")
	r.wantStderr(t, "HTTP 404 "+shown)
	r.wantStderr(t, "ended: 404 "+shown)
	s := start(t, command(t, url+"/503", "--summary"))
	s.stderr.waitFor(t, "503 "+shown)
	sendSignal(t, s.c, os.Interrupt)
	for _, stderr := range []string{r.stderr, s.wait().stderr} {
		if strings.ContainsAny(stderr, "\x1b\x07\u009b") {
			t.Errorf("stderr %q", stderr)
		}
	}
}

func TestFollowExplainsMissingEvents(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, stream, want string }{
		{"comments only", ": hello\n\n:\n\n", ""},
		{"nothing", "", ""},
		{"NDJSON", "{\"a\":1}\n{\"a\":2}\n",
			`no event so far: the lines are JSON without "data:" (NDJSON?): {"a":1}`},
		{"NDJSON with long lines", `{"a":"` + strings.Repeat("x", 100) + "\"}\n",
			`no event so far: the lines are JSON without "data:" (NDJSON?): {"a":"x`},
		{"not all lines are JSON", "hello\n{\"a\":1}\n",
			"no event so far: the lines are not fields of an event stream: hello"},
		{"lines that are not JSON", "hello\n{abc\n",
			"no event so far: the lines are not fields of an event stream: hello"},
		{"a line in brackets", "[INFO] started\n",
			"no event so far: the lines are not fields of an event stream: [INFO] started"},
		{"an unfinished line that is not JSON", "{abc",
			"no event so far: the line has not ended: {abc"},
		{"one JSON value", "[1,2", "no event so far: this is JSON, not an event stream: [1,2"},
		{"text", "hello \x1b[31mworld\n\n",
			`no event so far: the lines are not fields of an event stream: hello \x1b[31mworld`},
		{"no blank line", "data: a\ndata: b\n",
			"no event so far: there are data lines, but no blank line, which ends an event"},
		{"no data", "event: a\nid: 1\n\n",
			"no event so far: there are event or id lines, but no data line, which an event needs"},
		{"an unfinished data line", "id: 1\ndata: and so on",
			"no event so far: the line has not ended: data: and so on"},
		{"an unfinished line", "data: and so on",
			"no event so far: the line has not ended: data: and so on"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			check := func(how string, r result) {
				t.Helper()
				if (test.want != "") != strings.Contains(r.stderr, "no event so far") ||
					!strings.Contains(r.stderr, test.want) {
					t.Errorf("%s: stderr %q, want %q", how, r.stderr, test.want)
				}
			}
			check("input", runSSE(t, test.stream, "-"))
			check("URL", runSSE(t, "", "--no-reconnect", once(t, test.stream)))
			check("reconnecting", runSSE(t, "", once(t, test.stream)))
			if r := runSSE(t, test.stream, "-s", "-"); strings.Contains(r.stderr, "no event") {
				t.Errorf("with -s: %s", r.stderr)
			}
		})
	}
}

// The explanation does not wait for the end of the stream.
func TestFollowExplainsMissingEventsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	url := endless(t, "{\"a\":1}\n")
	c := command(t, url)
	c.Env = append(c.Env, "SSE_TEST_HINT_AFTER=200ms")
	r := start(t, c)
	r.stderr.waitFor(t, "NDJSON?")
	sendSignal(t, c, os.Interrupt)
	r.wait().want(t, errtext.ExitInterrupted, "")
}

func TestFollowExplainsEmptyOutput(t *testing.T) {
	t.Parallel()
	r := runSSE(t, sample, "--type", "other", "-")
	r.want(t, errtext.ExitDone, "")
	r.wantStderr(t, "sse: no event had a type that --type lists (of 3 events)\n")
	r = runSSE(t, sample, "--field", "choices.0", "-")
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "sse: no event had the field \"choices.0\" (of 3 events); "+
		"a path consists of names "+
		"and indexes, such as choices.0.delta.content or choices[0].delta\n")
	r.oneLine(t)
	r = runSSE(t, "data: {\"a\":null}\n\n", "--field", "a", "-s", "-") // null is a value
	r.want(t, errtext.ExitDone, "")
	for _, path := range []string{"choices[0].delta", ".choices[0].delta", ".choices.0.delta"} {
		r = runSSE(t, "data: {\"choices\":[{\"delta\":\"x\"}]}\n\n", "--field", path, "-")
		r.want(t, errtext.ExitDone, "x\n")
	}
}

func TestFollowWritesFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "out")
	runSSE(t, sample, "-", "-o", file, "--type", "message", "--data").want(t, errtext.ExitDone, "")
	b, err := os.ReadFile(file)
	if err != nil || string(b) != "two\nlines\n" {
		t.Errorf("file = %q, %v", b, err)
	}
	runSSE(t, sample, "-", "-o", "-", "--type", "message", "--data").want(t, errtext.ExitDone,
		"two\nlines\n")
	needDevFull(t)
	r := runSSE(t, sample, "-", "-o", "/dev/full")
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "no space left on device")
	r = runSSE(t, "", once(t, sample), "-o", "/dev/full", "--raw")
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "no space left on device")
}

// The text of a model is printed word by word, and the POST is sent once.
func TestFollowFieldPrintsText(t *testing.T) {
	t.Parallel()
	requested := make(chan bool, 1)
	next := make(chan bool)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		requested <- true
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range []string{`"Hello"`, `", "`, `null`, `"wörld\n"`, `"!"`} {
			<-next
			io.WriteString(w, `data: {"choices":[{"delta":{"content":`+word+`}}]}`+"\n\n")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "data: {\"choices\":[]}\n\ndata: [DONE]\n\n")
	})
	r := start(t, command(t, "--field", "choices.0.delta.content", "-d", `{"stream":true}`, url))
	next <- true
	buf := make([]byte, 5)
	if _, err := io.ReadFull(r.stdout, buf); err != nil || string(buf) != "Hello" {
		t.Errorf("first word = %q, %v", buf, err)
	}
	for range 4 {
		next <- true
	}
	r.wait().want(t, errtext.ExitDone, ", wörld\n!\n")
	<-requested
}
