package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
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

func TestForms(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flags, want string }{
		{"", `tick	1	{"n":1,"html":"<a&b>","s":"x"}` + "\n" + `message	1	two\nlines` + "\n" + `done	3	tab	and \x1b[31m and \u202e` + "\n"},
		{"--json", `{"id":"1","type":"tick","data":"{\"n\":1,\"html\":\"<a&b>\",\"s\":\"x\"}"}` + "\n" +
			`{"id":"1","type":"message","data":"two\nlines"}` + "\n" + `{"id":"3","type":"done","data":"tab\tand \u001b[31m and \u202e"}` + "\n"},
		{"--data", `{"n":1,"html":"<a&b>","s":"x"}` + "\ntwo\nlines\ntab\tand \x1b[31m and \u202e\n"},
		{"--field html", "<a&b>\n"},
		{"--raw", sample},
		{"--type tick,done --data", `{"n":1,"html":"<a&b>","s":"x"}` + "\ntab\tand \x1b[31m and \u202e\n"},
		{"-n 1 --data", `{"n":1,"html":"<a&b>","s":"x"}` + "\n"},
		{"-n 1 --type done --json", `{"id":"3","type":"done","data":"tab\tand \u001b[31m and \u202e"}` + "\n"},
	} {
		t.Run(test.flags, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(test.flags)
			runSSE(t, sample, append(args, "-")...).want(t, exitDone, test.want)
			got := runSSE(t, "", append(args, once(t, sample))...)
			if test.flags == "--raw" {
				test.want = "retry: 0\n" + test.want
			}
			got.want(t, exitDone, test.want)
		})
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "data: a\n\ndata: [DONE]\n\ndata: b\n\n", "--data", "--until", "[DONE]", "-")
	r.want(t, exitDone, "a\n")
}

func TestDemo(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "", "demo")
	if r.code != exitDone {
		t.Errorf("exit code = %d, want 0\nstderr: %s", r.code, r.stderr)
	}
	for _, part := range []string{"503 Service Unavailable", "unexpected end", "resumed after id 8", "\n24 received, 0 lost, 0 repeated, 4 reconnects\n"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("output lacks %q:\n%s", part, r.stdout)
		}
	}
}

// An event is on the pipe before the next one is sent.
func TestFlushedAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan bool)
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
	if err := r.c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r.wait().want(t, exitInterrupted, "")
	close(next)
}
