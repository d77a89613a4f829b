package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

func TestCommandRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("dear diary,\nnot an id\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string // separated by "|"
		want string
	}{
		{"", "no URL"},
		{"--json", "no URL"},
		{"--wat|http://x", "unknown flag --wat"},
		{"-Q|http://x", "unknown flag -Q"},
		{"-sQ|http://x", "unknown flag -Q"},
		{"-Uuser:s3cret|http://x", "unknown flag -U "},
		{"-H|Bearer s3cret|http://x", "-H: want 'Name: value'"},
		{"-H|s3cret|http://x", "-H: want 'Name: value'"},
		{"flags.go", "\"flags.go\" is a file; use sse - < FILE to read it"},
		{"http://x|http://y", "more than one URL"},
		{"--data|{}|http://x", "more than one URL (--data takes no value; use -d to send a body)"},
		{"--json|{}|http://x", "use -d to send a body"},
		{"--json=1|http://x", "--json takes no value"},
		{"http://x|-n", "-n needs a value"},
		{"http://x|--count", "--count needs a value"},
		{"-n|0|http://x", `-n "0": want a number of events`},
		{"-nx|http://x", `-n "x": want a number of events`},
		{"--for|soon|http://x", `--for "soon": want a duration such as 90s, 5m or 1.5 (seconds)`},
		{"--for|-1s|http://x", `--for "-1s": want a duration`},
		{"--for|0|http://x", `--for "0": want a duration of more than 0`},
		{"--for|NaN|http://x", `want a duration`},
		{"--idle-timeout|often|http://x", `--idle-timeout "often": want a duration`},
		{"--idle-timeout|auto|http://x", `--idle-timeout "auto": want a duration`},
		{"--connect-timeout=1y|http://x", `--connect-timeout "1y": want a duration`},
		{"--max-event-size|big|http://x", `--max-event-size "big": want a size`},
		{"--max-event-size|0|http://x", `--max-event-size "0": want a size`},
		{"--json|--data|http://x", "--json and --data exclude each other"},
		{"--raw|--type|a|http://x", "--type has no effect on --raw"},
		{"--type|a,,b|http://x", `--type "a,,b": want event types separated by commas`},
		{"--field||http://x", "want a path"},
		{"--color|mauve|http://x", "want auto, always or never"},
		{"--summary=xml|http://x", "want text, json or none"},
		{"--http1.1|--http2|http://x", "exclude each other"},
		{"-H|no colon|http://x", "want 'Name: value'"},
		{"-H|Bad Name: x|http://x", `-H: invalid header name`},
		{"-H|Authorization: Bearer s3cret\x01|http://x",
			`-H "Authorization": the value contains control characters`},
		{"-b|a=s3cret\x01|http://x", "-b: the value contains control characters"},
		{"-b|" + dir + "/s3cret|http://x",
			"-b: a value without = is the name of a file: no such file or directory"},
		{"-b|" + text + "|http://x", "-b: the file contains no cookies"},
		{"-H|@" + dir + "/none|http://x", dir + "/none\": no such file or directory"},
		{"-H|@" + text + "|http://x", text + "\": line 1: want 'Name: value'"},
		{"-m|soon|http://x", `-m "soon": want a duration`},
		{"--retry|-1|http://x", `--retry "-1": want a number of retries, 0 or more`},
		{"--retry|1|--no-reconnect|http://x", "exclude each other"},
		{"--cert|" + dir + "/none:s3cret|https://x",
			"--cert \"" + dir + "/none\": no such file or directory"},
		{"--cert|" + text + "|https://x",
			"--cert \"" + text + "\": failed to find any PEM data in certificate input"},
		{"--cert|" + text + "|--key|" + dir + "/none|https://x",
			"--key \"" + dir + "/none\": no such"},
		{"--key|" + text + "|https://x", "--key needs --cert"},
		{"--record|" + dir + "/none/x|http://x",
			"--record \"" + dir + "/none/x\": no such file or directory"},
		{"-|--record|x", "--record needs a URL"},
		{"-X|GE T|http://x", "invalid method"},
		{"-d|@" + dir + "/none|http://x", "no such file or directory"},
		{"-d|@-|-", "-d needs a URL: standard input takes no request"},
		{"-|--state|x", "--state needs a URL: standard input cannot be resumed"},
		{"-o|" + dir + "/none/x|http://x", "no such file or directory"},
		{"--state|" + dir + "/none/x|http://x", "the directory does not exist"},
		{"--state|" + text + "|http://x",
			"not a file written by --state; want one line with an event ID"},
		{"--last-event-id|a\x02|http://x", "must not contain control characters"},
		{"--cacert|" + dir + "/none|https://x", "no such file or directory"},
		{"--cacert|" + text + "|https://x", "the file contains no certificate"},
		{"-x|http://|http://x", "-x: bad URL of a proxy"},
		{"http://", "bad URL: no host"},
		{"http://u:s3cret@a b/", "bad URL"},
		{"http://u:s3cret@x:port/", "bad URL: invalid port"},
		{"http:/s3cret@x", "bad URL: want http:// at its beginning"},
		{"HTTPS:x", "bad URL: want https:// at its beginning"},
		{"http:", "bad URL: want http:// at its beginning"},
		{"http//x", "bad URL: want http:// at its beginning"},
		{"unix:/run/s3cret", "bad URL: --unix-socket PATH connects to a Unix socket; "},
		{dir + "/s3cret", "bad URL: it looks like a path, and there is no such file"},
		{"check|./none", "check: bad URL: it looks like a path, and there is no such file"},
		{"--josn|http://x", "unknown flag --josn; did you mean --json?"},
		{"check|--fro=s3cret|http://x", "unknown flag --fro; did you mean --for?"},
		{"ftp://x/", `bad URL: the scheme is "ftp", want http or https`},
		{"ws://x/", "ws:// is a WebSocket, not an event stream: " +
			"use a WebSocket client such as websocat, or the http:// URL of the service's event stream"},
		{"wss://x/", "or the https:// URL of the service's event stream"},
		{"serve|--wat", "serve: there are no flags; want files, or an address such as"},
		{"serve|localhost:http2much", `serve: "localhost:http2much" is not an address: ` +
			"want a port, or HOST:PORT, or an existing file (see sse serve --help)"},
		{"serve|8787|8788", `serve: more than one address: "8787" and "8788"`},
		{"serve|" + text, text + "\" is not a recording: line 1: invalid character 'd'"},
		{"check|-|-", "check: more than one URL"},
		{"demo|--json", "unknown flag --json"},
		{"help|nope", `"nope" is not a command: the commands are inspect, check, serve and demo`},
		{"serv", `"serv" is not a command; did you mean serve? (http://serv for a host)`},
		{"chekc|http://x", `"chekc" is not a command; did you mean check?`},
		{"--text|--data|http://x", "--text and --data exclude each other"},
		{"--text|--type|a|http://x", "--type and --text exclude each other"},
		{"--until-type|a,|http://x", `--until-type "a,": want event types separated by commas`},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			var args []string
			if test.args != "" {
				args = strings.Split(test.args, "|")
			}
			r := runSSE(t, "data: x\n\n", args...)
			r.want(t, errtext.ExitUsage, "")
			r.oneLine(t)
			r.wantStderr(t, test.want, " --help)\n")
			if strings.Contains(r.stderr, "s3cret") {
				t.Errorf("a secret is shown: %s", r.stderr)
			}
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--help", "-h", "help", "http://x --help"} {
		r := runSSE(t, "", strings.Fields(args)...)
		r.want(t, errtext.ExitDone, help)
	}
	for name, want := range map[string]string{
		"inspect": helpInspect, "check": helpCheck, "serve": helpServe, "demo": helpDemo,
	} {
		for _, args := range []string{name + " --help", name + " x -h", "help " + name} {
			r := runSSE(t, "", strings.Fields(args)...)
			r.want(t, errtext.ExitDone, want)
		}
		for line := range strings.Lines(want) {
			if n := utf8.RuneCountInString(line); n > 81 {
				t.Errorf("the help of %s has a line of %d columns: %s", name, n, line)
			}
		}
	}
	lines := strings.Split(strings.TrimSuffix(help, "\n"), "\n")
	if len(lines) > 40 {
		t.Errorf("the help has %d lines, want at most 40", len(lines))
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("the help has a line of %d columns, want at most 80: %s", n, line)
		}
	}
	// The help names every flag, except those that have no effect and variants of -d.
	for _, f := range followFlags {
		found := false
		for name := range strings.FieldsSeq(f.names) {
			found = found || strings.Contains(help, "-"+name+" ") ||
				strings.Contains(help, "-"+name+"\n")
		}
		switch f.names {
		case "L location", "N no-buffer", "f fail", "S show-error", "i include", "g globoff",
			"compressed", "data-binary", "data-raw":
		default:
			if !found {
				t.Errorf("--help does not name %q", f.names)
			}
		}
	}
}

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	if r := runSSE(t, "", "--version"); r.code != 0 || !strings.HasPrefix(r.stdout, "sse ") {
		t.Errorf("got %+v", r)
	}
}
