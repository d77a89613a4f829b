package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// withoutTimes replaces the time of day, durations and the port by texts of the same width.
func withoutTimes(s string) string {
	for pattern, with := range map[string]string{
		`\d\d:\d\d:\d\d\.\d\d\d`:             "HH:MM:SS.mmm",
		` *\+\d+(\.\d+)?(µs|ms|s)`:           "   +GAP",
		`again in \d+(\.\d+)?(ms|s)`:         "again in T",
		`(127\.0\.0\.1):\d+`:                 "$1:PORT",
		`(HTTP/1\.1 · )\d+(\.\d+)?(µs|ms|s)`: "${1}T",
	} {
		s = regexp.MustCompile(pattern).ReplaceAllString(s, with)
	}
	return s
}

const shown = `: a comment
retry: 0
id: 1
event: tick
data: {"n": 1, "html":"<b>", "no":null, "ok" :true, "e":{}, "l":[]}

data: a text that is much too long for the forty-eight columns there are

id: 3
event: order
data: {"order":1005,"items":[{"name":"tea","price":4.20},{"name":"biscuits","price":[2.75,3]}],"paid":true}

data: two
data:	lines, 世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界

data: ` + "\x1b[31m\u202e\u009b" + ` red

data

data: {"n": 1

`

// With --color always, the view is also used on a pipe, without the status line.
func TestViewGolden(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Last-Event-ID") {
		case "":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, shown)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	c := command(t, "--color", "always", url+"/s?key=s3cret")
	c.Env = append(c.Env, "COLUMNS=48")
	r := finish(t, c)
	if r.code != errtext.ExitDone || r.stderr != "" {
		t.Errorf("%+v", r)
	}
	want := strings.Join([]string{
		"HH:MM:SS.mmm  connecting  GET http://127.0.0.1:PORT/s?key=****",
		"HH:MM:SS.mmm  open  200 OK · text/event-stream …",
		"HH:MM:SS.mmm  retry 0s",
		"HH:MM:SS.mmm  : a comment",
		"HH:MM:SS.mmm   +GAP  tick  id 1",
		"  {",
		`    "n": 1,`,
		`    "html": "<b>",`,
		`    "no": null,`,
		`    "ok": true,`,
		`    "e": {},`,
		`    "l": []`,
		"  }",
		"HH:MM:SS.mmm   +GAP  message  id 1",
		"  a text that is much too long for the forty-ei…",
		"HH:MM:SS.mmm   +GAP  order  id 3",
		"  {",
		`    "order": 1005,`,
		`    "items": [`,
		`      {"name": "tea", "price": 4.20},`,
		`      {"name": "biscuits", "price": [2.75, 3]}`,
		`    ],`,
		`    "paid": true`,
		"  }",
		"HH:MM:SS.mmm   +GAP  message  id 3",
		"  two",
		"      lines, 世界世界世界世界世界世界世界世界世…",
		`HH:MM:SS.mmm   +GAP  message  id 3`,
		`  \x1b[31m\u202e\x9b red`,
		"HH:MM:SS.mmm   +GAP  message  id 3  (empty)",
		`HH:MM:SS.mmm   +GAP  message  id 3  {"n": 1`,
		"HH:MM:SS.mmm  ended  end of the response · conn…",
		"HH:MM:SS.mmm  the server responded with 204 No Content, which ends the stream",
	}, "\n") + "\n"
	colors := regexp.MustCompile("\x1b\\[[0-9]*m")
	if diff := cmp.Diff(want, withoutTimes(colors.ReplaceAllString(r.stdout, ""))); diff != "" {
		t.Errorf("view (-want +got):\n%s", diff)
	}
	for _, part := range []string{
		"\x1b[1mtick\x1b[m", "\x1b[36mid 1\x1b[m", "\x1b[34m\"n\"\x1b[m: \x1b[35m1\x1b[m",
		"\x1b[32m\"<b>\"\x1b[m", "\x1b[2m: a comment\x1b[m", "\x1b[32mopen",
	} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("colors: lacks %q:\n%q", part, r.stdout)
		}
	}
	if rest := colors.ReplaceAllString(r.stdout, ""); strings.ContainsAny(rest,
		"\x1b\u009b\u202e") || strings.Contains(rest, "s3cret") {
		t.Errorf("a control character or a secret is shown:\n%q", rest)
	}
}

func TestViewFullCutsNothing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 30)
	lines := strings.Repeat("data: x\n", 100)
	in := "data: {\"a\":\"" + long + "\",\"b\":1}\n\n" + lines + "\n"
	c := command(t, "--color", "always", "--full", "-")
	c.Stdin = strings.NewReader(in)
	full := finish(t, c)
	if !strings.Contains(full.stdout, long) || strings.Count(full.stdout, "\n  x") != 100 ||
		strings.Contains(full.stdout, "…") {
		t.Errorf("--full:\n%s", full.stdout)
	}
	c = command(t, "--color", "always", "-")
	c.Env = append(c.Env, "COLUMNS=80")
	c.Stdin = strings.NewReader(in)
	cut := finish(t, c)
	if strings.Contains(cut.stdout, long) || strings.Count(cut.stdout, "\n  x") != 40 ||
		!strings.Contains(cut.stdout, "… (199 bytes; --full shows all)") {
		t.Errorf("cut:\n%s", cut.stdout)
	}
}

func TestViewIsNotUsedOnPipe(t *testing.T) {
	t.Parallel()
	for _, color := range []string{"auto", "never"} {
		r := runSSE(t, "data: x\n\n", "-", "--color", color)
		r.want(t, errtext.ExitDone, "message\t-\tx\n")
	}
}

// A line is cut between characters, and ends in "…".
func TestViewCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	c := command(t, "--color", "always", "-")
	c.Env = append(c.Env, "COLUMNS=80")
	c.Stdin = strings.NewReader("data: " + strings.Repeat("\u0e17\u0e35\u0e48", 30) +
		"END\n\ndata: " + strings.Repeat("\u0e17\u0e35\u0e48", 400) + "\n\n")
	r := finish(t, c)
	if strings.Contains(r.stdout, `\x`) || !strings.Contains(r.stdout, "END") ||
		!strings.Contains(r.stdout, "…") {
		t.Errorf("stdout:\n%s", r.stdout)
	}
}

// Characters without a width must not make a line of any length.
func TestViewBoundsLineLength(t *testing.T) {
	t.Parallel()
	c := command(t, "--color", "always", "-")
	c.Env = append(c.Env, "COLUMNS=80")
	c.Stdin = strings.NewReader("event: t" + strings.Repeat("\u0301", 20000) + "\ndata: x\n\n")
	if r := finish(t, c); len(r.stdout) > 2000 {
		t.Errorf("%d bytes are shown for an event of 80 columns", len(r.stdout))
	}
}
