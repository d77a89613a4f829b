package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
)

// An error that the stream sends is reported in every format. With --field it also sets the exit
// code, even if the same event has the field.
func TestFollowReportsErrorsOfStream(t *testing.T) {
	t.Parallel()
	const chunk = `data: {"error":{"code":502,"message":"gone"},` +
		`"choices":[{"delta":{"content":""},"finish_reason":"error"}]}` + "\n\n"
	for _, test := range []struct {
		args, stream string
		code         int
		want         string
	}{
		{"--field choices.0.delta.content", chunk, errtext.ExitError,
			`{"code":502,"message":"gone"}`},
		{"--field a", "event: response.failed\n" +
			"data: {\"response\":{\"error\":{\"message\":\"failed\"}}}\n\n", errtext.ExitError,
			`{"message":"failed"}`},
		{"--field type", "event: error\ndata: {\"type\":\"error\"," +
			"\"error\":{\"type\":\"overloaded_error\"}}\n\n", errtext.ExitError,
			`{"type":"overloaded_error"}`},
		{"--field a --until [DONE]", "event: error\ndata: {}\n\ndata: [DONE]\n\n",
			errtext.ExitError, "{}"},
		{"--field a -n 1", "event: error\ndata: {\"a\":1}\n\n", errtext.ExitError, `{"a":1}`},
		{"--data --type tick", "event: job.failed\ndata: 7\n\nevent: tick\ndata: x\n\n",
			errtext.ExitDone, "7"},
		{"--json", "event: job.failed\ndata: 7\n\n", errtext.ExitDone, "7"},
		{"--raw", "data: {\"error\":\"x\\u001b\"}\n\n", errtext.ExitDone, `x\x1b`},
		{"", chunk, errtext.ExitDone, `{"code":502,"message":"gone"}`},
		{"--color always", chunk, errtext.ExitDone, `{"code":502,"message":"gone"}`},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			for _, silent := range []string{"-S", "-s"} { // -S has no effect
				args := append(strings.Fields(test.args), silent, "-")
				r := runSSE(t, test.stream, args...)
				if r.code != test.code {
					t.Errorf("exit code = %d, want %d", r.code, test.code)
				}
				if want := "sse: the stream sent an error: " + test.want + "\n"; r.stderr != want {
					t.Errorf("%s: stderr = %q, want %q", silent, r.stderr, want)
				}
			}
		})
	}
}

func TestFollowUntilTypeEndsAfterEvent(t *testing.T) {
	t.Parallel()
	const in = "data: a\n\nevent: message_stop\ndata: b\n\ndata: c\n\n"
	for _, args := range []string{"--until-type message_stop", "--until-type x,message_stop",
		"--until-type x --until-type message_stop", "--until-type message_stop --until c"} {
		r := runSSE(t, in, append(strings.Fields(args), "--data", "-")...)
		r.want(t, errtext.ExitDone, "a\nb\n")
	}
	r := runSSE(t, in, "--until-type", "message_stop", "--type", "message", "--data", "-")
	r.want(t, errtext.ExitDone, "a\n")
	r = runSSE(t, in, "--until-type", "x", "--data", "-")
	r.want(t, errtext.ExitError, "a\nb\nc\n")
	r.wantStderr(t, "sse: the stream ended without an event of a type that "+
		"--until-type waits for\n")
	r.oneLine(t)
}

// The standard does not dispatch an event without its blank line. The message must say so, because
// the event of --until is in the stream. A GET is not repeated then.
func TestFollowUntilExplainsUnfinishedEvent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flag, value, event, want string }{
		{"--until", "[DONE]", "data: [DONE]", "sse: the last event is the one that --until waits " +
			"for, but the stream ended without the blank line after it\n"},
		{"--until-type", "end", "event: end\ndata: x", "sse: the last event has a type that " +
			"--until-type waits for, but the stream ended without the blank line after it\n"},
	} {
		for _, end := range []string{"", "\n", "\r\n"} {
			stream := "data: a\n\n" + test.event + end
			for _, r := range []result{
				runSSE(t, stream, test.flag, test.value, "--data", "-"),
				runSSE(t, "", test.flag, test.value, "--data", once(t, stream)),
				runSSE(t, "", test.flag, test.value, "--data", "--no-reconnect", once(t, stream)),
				runSSE(t, "", test.flag, test.value, "--data", "-d", "{}", once(t, stream)),
			} {
				r.want(t, errtext.ExitError, "a\n")
				if r.stderr != test.want {
					t.Errorf("%s and %q: stderr = %q, want %q", test.flag, end, r.stderr, test.want)
				}
			}
		}
	}
}

func TestFollowReportsIgnoredLines(t *testing.T) {
	t.Parallel()
	const in = "data: a\n\nretry: 1s\nid: a\x00b\n: a comment\nHello \x1b[31m\n\n"
	const notes = "sse: ignored line: retry: 1s\nsse: ignored line: id: a\\x00b\n" +
		"sse: ignored line: Hello \\x1b[31m\n"
	for _, r := range []result{
		runSSE(t, in, "--data", "-"),
		runSSE(t, "", "--data", "--no-reconnect", once(t, in)),
	} {
		r.want(t, errtext.ExitDone, "a\n")
		if r.stderr != notes {
			t.Errorf("stderr = %q, want %q", r.stderr, notes)
		}
	}
	if r := runSSE(t, in, "--data", "-s", "-"); r.stderr != "" {
		t.Errorf("-s: stderr = %q, want nothing", r.stderr)
	}

	many := "data: a\n\n" + strings.Repeat("x\n", 1234)
	r := runSSE(t, many, "--data", "--summary", "-")
	r.want(t, errtext.ExitDone, "a\n")
	if n := strings.Count(r.stderr, "sse: ignored line: x\n"); n != 3 {
		t.Errorf("%d lines are reported, want 3:\n%s", n, r.stderr)
	}
	r.wantStderr(t, "sse: 10 lines ignored so far\nsse: 100 lines ignored so far\n"+
		"sse: 1000 lines ignored so far\nsse: 1234 lines ignored in total\n",
		"\nignored      1234 lines\n")
	r = runSSE(t, in, "--data", "-s", "--summary", "json", "-")
	var report stats.Report
	if err := json.Unmarshal([]byte(r.stderr), &report); err != nil || report.Ignored != 3 {
		t.Errorf("summary: %v: %s", err, r.stderr)
	}
}

func TestFollowReportsSilence(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: a\n\n")
		w.(http.Flusher).Flush()
		<-release
		io.WriteString(w, "data: b\n\n")
	})
	c := command(t, "--data", "--no-reconnect", url)
	c.Env = append(c.Env, "SSE_TEST_SILENCE_AFTER=50ms")
	r := start(t, c)
	r.stderr.waitFor(t, "(--idle-timeout T ends a connection without data for T)\n")
	close(release)
	r.wait().want(t, errtext.ExitDone, "a\nb\n")
}

func TestFollowExplainsCompressedStream(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "data: a\n\n") // it is never flushed
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c := command(t, url)
	c.Env = append(c.Env, "SSE_TEST_HINT_AFTER=50ms")
	r := start(t, c)
	r.stderr.waitFor(t, "no event so far: the response is compressed, and nothing of it could be "+
		"decoded (-H 'Accept-Encoding: identity' asks for a response that is not compressed)\n")
	c.Process.Signal(os.Interrupt)
	r.wait().want(t, errtext.ExitInterrupted, "")

	// A coding that was not requested is not decoded, and its bytes are not printed.
	url = server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "br")
		io.WriteString(w, "\x1b\x00brotli")
	})
	refused := runSSE(t, "", url)
	refused.want(t, errtext.ExitError, "")
	refused.wantStderr(t, "undecoded Content-Encoding br",
		"(-H 'Accept-Encoding: identity' asks for a response that is not compressed)\n")
	if strings.Contains(refused.stderr, "brotli") {
		t.Errorf("the compressed body is printed: %s", refused.stderr)
	}
}

func TestFollowReportsRedirect(t *testing.T) {
	t.Parallel()
	methods := make(chan string, 10)
	target := server(t, func(w http.ResponseWriter, r *http.Request) {
		methods <- r.Method
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: a\n\n")
		case "/private":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target+r.URL.Path+"?key=s3cret", http.StatusFound)
	})
	r := runSSE(t, "", "--data", "--no-reconnect", url+"/events")
	r.want(t, errtext.ExitDone, "a\n")
	if want := "sse: redirected to " + target + "/events?key=****\n"; r.stderr != want {
		t.Errorf("stderr = %q, want %q", r.stderr, want)
	}
	r = runSSE(t, "", "--data", "--no-reconnect", "-d", "{}", url+"/events")
	r.want(t, errtext.ExitDone, "a\n")
	if want := "sse: the POST was redirected and became a GET without a body: " + target +
		"/events?key=**** (use that URL to send the POST)\n"; r.stderr != want {
		t.Errorf("stderr = %q, want %q", r.stderr, want)
	}
	r = runSSE(t, "", "-d", "{}", url+"/post?q=1")
	r.want(t, errtext.ExitHTTP, "")
	if want := "sse: HTTP 405 Method Not Allowed\n  request: POST " + url + "/post?q=****\n" +
		"  redirected to: GET " + target + "/post\n  (the redirect turned the POST into a GET " +
		"without a body; use the URL that it leads to)\n"; r.stderr != want {
		t.Errorf("stderr = %q, want %q", r.stderr, want)
	}
	r = runSSE(t, "", "-u", "me:s3cret", url+"/private")
	r.want(t, errtext.ExitHTTP, "")
	r.wantStderr(t, "  redirected to: GET "+target+"/private\n"+
		"  (credentials are not sent to another host after a redirect)\n")
	if r := runSSE(t, "", target+"/private?q=1"); strings.Contains(r.stderr, "redirect") {
		t.Errorf("without a redirect: %s", r.stderr)
	}
}

func TestFollowReportsRetryAfter(t *testing.T) {
	t.Parallel()
	refuses := func(header, value string) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(header, value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
	}
	for _, test := range []struct{ header, value, want string }{
		{"Retry-After", "90", "  retry after: 1m30s\n"},
		{"Retry-After-Ms", "1500", "  retry after: 1.5s\n"},
		{"X-Other", "90", ""},
	} {
		r := runSSE(t, "", "-d", "{}", refuses(test.header, test.value))
		r.want(t, errtext.ExitHTTP, "")
		hasHint := strings.Contains(r.stderr, "retry after")
		if hasHint != (test.want != "") || !strings.HasSuffix(r.stderr, test.want) {
			t.Errorf("%s: stderr = %q, want it to end in %q", test.header, r.stderr, test.want)
		}
	}
}

// Text that is not an event stream is an error on standard input, as it is in a response.
func TestFollowRejectsOtherText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   string
		code int
	}{
		{"hello\n{abc\n", errtext.ExitError},
		{`{"a":1}`, errtext.ExitError},
		{"<html>", errtext.ExitError},
		{"retry: 1s\n\n", errtext.ExitError},
		{"", errtext.ExitDone},
		{": a comment\n\nretry: 10\nid: 1\n\n", errtext.ExitDone},
		{": a comment", errtext.ExitDone},
		{"hello\ndata: a\n\n", errtext.ExitDone},
	} {
		for _, r := range []result{
			runSSE(t, test.in, "--raw", "-"),
			runSSE(t, test.in, "--raw", "-s", "-"),
		} {
			r.want(t, test.code, test.in)
			const text = "sse: standard input is not an event stream\n"
			if strings.Contains(r.stderr, text) != (test.code != errtext.ExitDone) {
				t.Errorf("%q: stderr = %q", test.in, r.stderr)
			}
		}
		r := runSSE(t, "", "--no-reconnect", "--raw", "-d", "{}", once(t, test.in))
		r.want(t, test.code, "retry: 0\n"+test.in)
	}
}

// A request without "stream": true gets a JSON response.
func TestFollowExplainsJSONResponse(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(w, `{"choices":[]}`)
	})
	r := runSSE(t, "", "--text", "-d", "{}", url)
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "not an event stream", `  {"choices":[]}`, `"stream": true`, "alt=sse")
}
