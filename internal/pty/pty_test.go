package pty

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sse")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sse")
		build := exec.Command("go", "build", "-o", binary, "./cmd/sse")
		build.Dir = filepath.Join("..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
		return m.Run()
	}())
}

// A terminal is a pseudo-terminal on which the command runs.
type terminal struct {
	*screen
	t   *testing.T
	tty *os.File
	cmd *exec.Cmd
}

const columns, rows = 72, 12

// run starts the command on a terminal.
func run(t *testing.T, env []string, stdin io.Reader, args ...string) *terminal {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append([]string{"TERM=xterm-256color", "HOME=" + t.TempDir()}, env...)
	cmd.Stdin = stdin
	// Standard output is the controlling terminal, because input may be something else.
	tty, err := pty.StartWithAttrs(cmd, &pty.Winsize{Rows: rows, Cols: columns},
		&syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	term := &terminal{newScreen(columns), t, tty, cmd}
	go term.follow(tty)
	return term
}

// interrupt types Ctrl-C.
func (term *terminal) interrupt() {
	term.t.Helper()
	if _, err := term.tty.WriteString("\x03"); err != nil {
		term.t.Fatal(err)
	}
}

// waitExit waits until the command exits and returns the text of the screen. It checks the exit
// code, and that the terminal recorded no fault.
func (term *terminal) waitExit(code int) string {
	term.t.Helper()
	term.wait(term.t, "the end", func() bool { return term.closed })
	term.cmd.Wait()
	if got := term.cmd.ProcessState.ExitCode(); got != code {
		term.t.Errorf("exit code = %d, want %d", got, code)
	}
	if len(term.faults) > 0 {
		term.t.Errorf("the terminal received: %s", term.faults)
	}
	if term.t.Failed() {
		term.t.Logf("screen:\n%s", term.text())
	}
	return term.text()
}

func TestTerminalView(t *testing.T) {
	t.Parallel()
	var next [4]chan struct{}
	for i := range next {
		next[i] = make(chan struct{})
	}
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.Comment(" hello"),
			ssetest.Send(sse.Event{
				ID: "1", Type: "tick",
				Data: `{"n":1,"nested":{"list":[1,2,3],"text":"` + strings.Repeat("long ", 20) + `"}}`,
			}),
			ssetest.Wait(next[0]),
			ssetest.Send(sse.Event{
				ID: "2",
				Data: "\x1b[2J\x1b[H\x1b]0;title\x07 \u009b2J \u202e 世界 " +
					strings.Repeat("界", 50),
			}),
			ssetest.Wait(next[1]),
			ssetest.Raw("id: 3\ndata: cut"),
			ssetest.Cut(),
		},
		ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable, "Retry-After", "3600")},
	)
	term := run(t, nil, nil, srv.URL+"/path")
	term.waitBottom(t, "● open  1 event  ")
	term.waitFor(t, "connecting  GET "+srv.URL+"/path")
	term.waitFor(t, "open  200 OK · text/event-stream · HTTP/1.1 · ")
	term.waitFor(t, "  : hello\n")
	term.waitFor(t, "tick  id 1\n  {\n    \"n\": 1,\n    \"nested\": {\n"+
		"      \"list\": [1, 2, 3],\n      \"text\": \"long long ")
	close(next[0])
	term.waitBottom(t, "● open  2 events  ")
	term.waitFor(t, `message  id 2`+"\n"+`  \x1b[2J\x1b[H\x1b]0;title\x07 \x9b2J \u202e 世界 界`)

	// The status line is cut when the terminal becomes narrower.
	if err := pty.Setsize(term.tty, &pty.Winsize{Rows: rows, Cols: 30}); err != nil {
		t.Fatal(err)
	}
	term.wait(t, "a shorter line", func() bool {
		bottom := term.bottom()
		return strings.HasPrefix(bottom, "● open  2 events") && strings.HasSuffix(bottom, "…")
	})
	close(next[1])
	term.waitFor(t, "cut  unexpected")
	term.waitFor(t, "failed  503 Se")

	// The status line shows the remaining wait.
	wait := regexp.MustCompile(`^● connecting again in (3\d{3})`)
	first := ""
	term.wait(t, "a countdown", func() bool {
		m := wait.FindStringSubmatch(term.bottom())
		if m == nil {
			return false
		}
		if first == "" {
			first = m[1]
		}
		return m[1] < first
	})
	term.interrupt()
	text := term.waitExit(130)
	if strings.Contains(text, "●") {
		t.Errorf("the status line was not erased:\n%s", text)
	}
	if !regexp.MustCompile(`(?m)^      "text": "[long ]{40,}…$`).MatchString(text) {
		t.Error("a long line is not cut to the width")
	}
	if !term.sgr {
		t.Error("there are no colors")
	}
	for _, part := range []string{
		"2 events in ", "ended: interrupted", "types        message 1, tick 1",
		"reconnects   2: 503 Service Unavailable 1, unexpected end 1", "last id      2",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", ""), part) { // the summary may wrap
			t.Errorf("the summary does not contain %q:\n%s", part, text)
		}
	}
}

// Many events do not damage the status line or the headers of -v, or the other way round.
func TestTerminalManyEvents(t *testing.T) {
	t.Parallel()
	const n = 2000
	events := make([]sse.Event, n)
	for i := range events {
		events[i] = sse.Event{ID: fmt.Sprint(i + 1), Data: "x"}
	}
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(events...), ssetest.Stall()})
	term := run(t, nil, nil, srv.URL, "-v")
	term.waitBottom(t, fmt.Sprintf("● open  %d events  ", n))
	term.interrupt()
	text := term.waitExit(130)
	event := regexp.MustCompile(
		`(?m)^\d\d:\d\d:\d\d\.\d{3} +\+[0-9.]+(µs|ms|s)  message  id (\d+)  x$`)
	got := event.FindAllStringSubmatch(text, -1)
	if len(got) != n {
		t.Fatalf("%d lines of events, want %d", len(got), n)
	}
	for i, m := range got {
		if m[2] != fmt.Sprint(i+1) {
			t.Fatalf("line %d shows event %s", i+1, m[2])
		}
	}
	for _, line := range []string{
		"\n> GET / HTTP/1.1\n", "\n> Accept: text/event-stream\n", "\n< HTTP/1.1 200 OK\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the screen does not contain %q:\n%.2000s", line, text)
		}
	}
}

func TestTerminalColors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env         []string
		args        string
		sgr, erased bool
	}{
		{nil, "", true, true},
		{[]string{"NO_COLOR=1"}, "", false, true},
		{[]string{"NO_COLOR="}, "", true, true},
		{[]string{"NO_COLOR=1"}, "--color always", true, true},
		{nil, "--color never", false, true},
		{[]string{"TERM=dumb"}, "", false, false},
		{nil, "-s", true, false},
		{nil, "--json", false, false},
	} {
		t.Run(strings.Join(append(test.env, test.args), " "), func(t *testing.T) {
			event := sse.Event{ID: "1", Data: `{"n":1}`}
			srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(event)})
			args := append(strings.Fields(test.args), "--no-reconnect", srv.URL)
			term := run(t, test.env, nil, args...)
			term.waitExit(0)
			if term.sgr != test.sgr || term.erased != test.erased {
				t.Errorf("colors %t, erased %t, want %t, %t",
					term.sgr, term.erased, test.sgr, test.erased)
			}
		})
	}
}

// The text of the screen is compared literally, except for the times.
func TestTerminalText(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Retry(1500 * time.Millisecond),
		ssetest.Comment(" hello"),
		ssetest.Send(
			sse.Event{ID: "1", Type: "tick", Data: `{"n":1}`},
			sse.Event{ID: "2", Data: "two\nlines"},
			sse.Event{ID: "3"}),
	})
	url := srv.URL + "/events?token=s3cret"
	text := run(t, []string{"NO_COLOR=1"}, nil, "--no-reconnect", url).waitExit(0)
	for pattern, with := range map[string]string{
		`\d\d:\d\d:\d\d\.\d{3}`:         "HH:MM:SS.mmm",
		` *\+?\d+(\.\d+)?(µs|ms|s)(,?)`: " T$3",
		`:\d{4,5}/`:                     ":PORT/",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	const want = `HH:MM:SS.mmm  connecting  GET http://127.0.0.1:PORT/events?token=****
HH:MM:SS.mmm  open  200 OK · text/event-stream · HTTP/1.1 · T
HH:MM:SS.mmm  retry T
HH:MM:SS.mmm  : hello
HH:MM:SS.mmm T  tick  id 1  {"n": 1}
HH:MM:SS.mmm T  message  id 2
  two
  lines
HH:MM:SS.mmm T  message  id 3  (empty)

3 events in T, 96 bytes; ended: the server ended the stream
types        message 2, tick 1
first event  after T
gaps         p50 T, p95 T, max T
`
	if !strings.HasPrefix(text, want) || !strings.HasSuffix(text, "\nlast id      3\n") {
		t.Errorf("screen:\n%s\nwant:\n%s", text, want)
	}
}

// The output forms for pipes also escape everything that a terminal would interpret.
func TestTerminalFormsAreEscaped(t *testing.T) {
	t.Parallel()
	const data = "é\x1b[31m\u009b1m\u202e"
	for args, want := range map[string]string{
		"--data":     `é\x1b[31m\x9b1m\u202e` + "\n",
		"--json":     `"data":"é\u001b[31m\u009b1m\u202e"}` + "\n",
		"--raw":      `data: é\x1b[31m\x9b1m\u202e` + "\n\n",
		"--field 0":  `é\x1b[31m` + "\n",
		"--field=99": "sse: no event had the field \"99\" (of 2 events); a path consists of",
	} {
		t.Run(args, func(t *testing.T) {
			in := "data: " + data + "\n\ndata: [\"é\\u001b[31m\"]\n\n"
			term := run(t, nil, strings.NewReader(in), append(strings.Fields(args), "-")...)
			code := 0
			if args == "--field=99" {
				code = 1
			}
			if text := term.waitExit(code); !strings.Contains(text, want) {
				t.Errorf("the screen shows %q, want %q", text, want)
			}
		})
	}
}

// An error message starts on a new line, and the status line is erased.
func TestTerminalError(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Status(401, "Content-Type", "application/json"),
		ssetest.Raw(`{"error":"no` + "\x1b" + ` key"}`),
	})
	term := run(t, nil, nil, srv.URL)
	text := term.waitExit(22)
	const want = "\nsse: HTTP 401 Unauthorized\n  {\"error\":\"no\\x1b key\"}\n"
	if !strings.Contains(text, want) || strings.Contains(text, "●") {
		t.Errorf("screen:\n%s\nwant it to contain:\n%s", text, want)
	}
}

func TestTerminalCheckSaysHowLong(t *testing.T) {
	t.Parallel()
	stdin, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer stdin.Close()
	term := run(t, nil, stdin, "check", "--for", "1h", "-")
	term.waitFor(t, "reading for 1h00m (Ctrl-C ends it earlier)\n")
	term.interrupt()
	if text := term.waitExit(130); !strings.Contains(text, " in 0 events ") {
		t.Error("there is no report")
	}
}

func TestTerminalDemo(t *testing.T) {
	t.Parallel()
	term := run(t, nil, nil, "demo")
	term.waitBottom(t, "● connecting again in ")
	text := term.waitExit(0)
	if !strings.HasSuffix(text, "\n24 received, 0 lost, 0 repeated, 4 reconnects\n") {
		t.Errorf("screen:\n%s", text)
	}
}
