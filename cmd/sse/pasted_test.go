package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/inspect"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/shell"
)

func TestParsePasted(t *testing.T) {
	t.Parallel()
	get := inspect.Form{
		URL: "https://h.test/p", Method: "GET", Headers: [][2]string{}, Reconnect: true,
	}
	with := func(change func(*inspect.Form)) inspect.Form {
		f := get
		change(&f)
		return f
	}
	post := func(body, contentType string) inspect.Form {
		return with(func(f *inspect.Form) {
			f.Method, f.Body = "POST", body
			f.Headers = [][2]string{{"Content-Type", contentType}}
		})
	}
	const form, json = "application/x-www-form-urlencoded", "application/json"
	start := func(flag string) string {
		return flag + ": start sse inspect with this flag to apply it"
	}
	for _, test := range []struct {
		line  string
		want  inspect.Form
		notes []string
	}{
		{"curl https://h.test/p", get, nil},
		{"/usr/bin/curl -N -L --compressed -fSs https://h.test/p", get, []string{
			"-s has no effect here",
		}},
		{`'C:\bin\curl.exe' --url https://h.test/p`, get, nil},
		{"curl https://h.test/p -XPUT", with(func(f *inspect.Form) { f.Method = "PUT" }), nil},
		{"curl -I https://h.test/p", with(func(f *inspect.Form) { f.Method = "HEAD" }), nil},
		{"curl --data a --data b https://h.test/p", post("a&b", form), nil},
		{"curl --json '{}' --request POST --location https://h.test/p", post("{}", json), nil},
		{"curl --data-raw @x https://h.test/p", post("@x", form), nil},
		{"curl -u me:pw -b a=b -A agent https://h.test/p", with(func(f *inspect.Form) {
			f.Headers = [][2]string{{"Authorization", "Basic bWU6cHc="}, {"Cookie", "a=b"},
				{"User-Agent", "agent"}}
		}), nil},
		{"curl -kx h:1 --cacert /none --cert=/none -o f -m 5 https://h.test/p", get, []string{
			start("-k"), start("-x"), start("--cacert"), start("--cert"),
			"-o has no effect here", "-m has no effect here",
		}},
		{"curl -b '' -H Accept: https://h.test/p", get, []string{
			"-b '': start sse inspect with this flag to keep cookies",
			"-H 'Accept:': start sse inspect with this flag to remove the header",
		}},
		{"sse --last-event-id 7 --no-reconnect --idle-timeout 5 https://h.test/p",
			with(func(f *inspect.Form) {
				f.LastEventID, f.Reconnect, f.IdleTimeout = "7", false, "5s"
			}), nil},
		{"sse --text --max-event-size 1k https://h.test/p", get, []string{
			"--text has no effect here", start("--max-event-size"),
		}},
		{"sse inspect --open --memory 8m https://h.test/p", get, []string{
			"--open has no effect here", "--memory has no effect here",
		}},
		{"sse check https://h.test/p", get, nil},
	} {
		words, _, err := shell.Split(test.line)
		if err != nil {
			t.Fatal(err)
		}
		got, notes, err := parsePasted(words)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, form (-want +got):\n%s", test.line, err, diff)
		}
		if diff := cmp.Diff(append([]string{}, test.notes...), notes); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", test.line, diff)
		}
	}
}

func TestParsePastedReadsNoFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("X-Secret: s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"curl -d @FILE http://x":            `-d "@FILE": files are not read here`,
		"curl --data @FILE http://x":        `--data "@FILE": files are not read here`,
		"curl --data-binary=@FILE http://x": `--data-binary "@FILE": files are not read here`,
		"curl --json @- http://x":           `--json "@-": files are not read here`,
		"curl -d @- http://x":               `-d "@-": files are not read here`,
		"curl -H @FILE http://x":            `-H "@FILE": files are not read here`,
		"curl -b FILE http://x":             "the name of a file: files are not read here",
		"curl -K FILE http://x":             "unknown flag -K",
		"curl --config FILE http://x":       "unknown flag --config",
		"curl -T FILE http://x":             "unknown flag -T",
		"curl -F a=@FILE http://x":          "unknown flag -F",
		"sse -d @FILE http://x":             `-d "@FILE": files are not read here`,
		"sse --state FILE -X ' ' http://x":  `-X " ": invalid method`,
		"curl":                              "the command has no URL",
		"curl http://x http://y":            "more than one URL",
		"curl ws://x":                       "ws:// is a WebSocket",
		"wget http://x":                     "want a command that begins with curl or sse",
		"curl --data-raw $'\\xff' http://x": "the body is not valid UTF-8",
	} {
		words, _, err := shell.Split(strings.ReplaceAll(line, "FILE", file))
		if err != nil {
			t.Fatal(err)
		}
		form, _, err := parsePasted(words)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), file, "FILE"), want) {
			t.Errorf("%s: %+v, %v, want the error %s", line, form, err, want)
		}
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommandsOfInspectFillTheSameForm(t *testing.T) {
	t.Parallel()
	const hostile = "it's $x `y` \"z\" !a \\ \r\n\t\x01\x1b[201~\u009b\u202e\u2028é😀\x7f"
	_, page := startInspect(t, "--max-event-size", "none")
	for _, f := range []inspect.Form{
		{URL: "http://h.test/", Method: "GET"},
		{URL: "http://h.test/", Method: "HEAD"},
		{URL: "https://h.test/a?q=[1]{b}'&r=$x#f", Method: "GET", IdleTimeout: "1m30s"},
		{URL: "http://h.test/", Method: "POST", Body: "@file", LastEventID: "-7 é"},
		{URL: "http://h.test/", Method: "GET", Body: hostile, Reconnect: true},
		{URL: "http://[::1]:8/", Method: "-X'", LastEventID: "'\t$x`\u202e"},
		{URL: "http://h.test/", Method: "DELETE", Headers: [][2]string{
			{"Host", "a'b"}, {"X-A", "'$x` \u202eé"}, {"X-A", "-H"}, {"X-Empty", ""}, {"X-F", "@f"},
		}},
	} {
		f.Headers = append([][2]string{}, f.Headers...)
		if f.Body != "" {
			f.Headers = append(f.Headers, [2]string{"Content-Type", "text/x"})
		}
		var commands map[string]string
		if post(t, page+"commands", encode(t, f), &commands) != http.StatusOK {
			t.Fatalf("%+v: %v", f, commands)
		}
		for name, line := range commands {
			want := f
			if name == "curl" {
				want.Reconnect, want.IdleTimeout = true, ""
				want.Headers = insertClientHeaders(want.Headers)
			}
			var got struct {
				Request inspect.Form
				Notes   []string
				Error   string
			}
			post(t, page+"parse", line, &got)
			if diff := cmp.Diff(want, got.Request); diff != "" {
				t.Errorf("%s\n%s, form (-want +got):\n%s", line, got.Error, diff)
			}
			if name == "curl" && len(got.Notes) > 0 {
				t.Errorf("%s\nnotes: %q", line, got.Notes)
			}
			if i := strings.IndexAny(line, "\x01\x1b\r\x7f\u009b\u202e"); i >= 0 {
				t.Errorf("the line would control a terminal: %q", line)
			}
		}
	}
	var refused map[string]string
	nul := inspect.Form{URL: "http://h.test/", Body: "a\x00b"}
	if post(t, page+"commands", encode(t, nul), &refused) != http.StatusUnprocessableEntity ||
		refused["field"] != "body" {
		t.Errorf("a body with NUL: %v", refused)
	}
}

// insertClientHeaders adds the headers that the Client sends to sorted headers.
func insertClientHeaders(headers [][2]string) [][2]string {
	first := 0
	if len(headers) > 0 && headers[0][0] == "Host" {
		first = 1
	}
	return slices.Insert(headers, first,
		[2]string{"Accept", "text/event-stream"}, [2]string{"Cache-Control", "no-cache"})
}

func TestCommandsOfInspectHaveConnectionFlags(t *testing.T) {
	t.Parallel()
	_, page := startInspect(t, "-k", "-x", "http://u:p@proxy.test", "--unix-socket", "/s o",
		"--http2", "--connect-timeout", "1.5", "-b", "", "-H", "Accept:")
	for url, http2 := range map[string]string{
		"http://h.test/": "--http2-prior-knowledge", "https://h.test/": "--http2",
	} {
		var got map[string]string
		post(t, page+"commands", `{"url":"`+url+`","reconnect":true}`, &got)
		flags := "-k -x http://u:p@proxy.test --unix-socket '/s o' " + http2 +
			" --connect-timeout 1.5 -b '' -H Accept: "
		want := map[string]string{
			"curl": "curl -N -L " + flags + "-H 'Cache-Control: no-cache' " + url,
			"sse":  "sse " + flags + url,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("commands (-want +got):\n%s", diff)
		}
	}
}
