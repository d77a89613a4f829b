package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/serve"
)

// startExamples starts the server of the example streams as if it had begun an hour ago, and
// returns its URL.
func startExamples(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(serve.NewHandler(time.Now().Add(-time.Hour), servePaces, io.Discard))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

func TestServeStartsAndStops(t *testing.T) {
	t.Parallel()
	r := start(t, command(t, "serve", ":0"))
	first := r.line()
	url, ok := strings.CutSuffix(strings.TrimPrefix(first, "serving "), "/ (Ctrl-C ends it)")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("first line = %q", first)
	}
	if paths := r.line(); !strings.Contains(paths, "/events") {
		t.Errorf("second line = %q, want the paths", paths)
	}
	for _, path := range []string{"/flaky", "/slow", "/big", "/weird", "/llm?q=QUESTION",
		"/v1/chat/completions", "/v1/messages", "/"} {
		if line := r.line(); !strings.HasPrefix(line, "  "+path+"  ") ||
			len(strings.Fields(line)) < 3 {
			t.Errorf("line = %q, want the path %s and a few words", line, path)
		}
	}
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "new EventSource") ||
		!strings.Contains(string(body), "`sse inspect --open ${quoted}`") {
		t.Errorf("the page: %s, %v", resp.Status, err)
	}
	runSSE(t, "", url, "-n", "1", "--last-event-id", "0", "--field", "n").want(t, errtext.ExitDone,
		"1\n")
	res := runSSE(t, "", url+"/events", "-n", "1", "--last-event-id", "0", "--field", "n")
	res.want(t, errtext.ExitDone, "1\n")
	r.stderr.waitFor(t, " GET /events after id 0\n")
	if res := runSSE(t, "", "serve",
		strings.TrimPrefix(url, "http://")); res.code != errtext.ExitError ||
		!strings.Contains(res.stderr, "address already in use") {
		t.Errorf("a port in use: %+v", res)
	}
	sendSignal(t, r.c, os.Interrupt)
	r.wait().want(t, errtext.ExitInterrupted, "")
}

func TestServeFlakyLosesNothing(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "", startExamples(t)+"/flaky", "--last-event-id", "7000", "-n", "12",
		"--summary", "json")
	if r.code != errtext.ExitDone {
		t.Errorf("exit code = %d", r.code)
	}
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	for i, line := range lines {
		if id := strings.Split(line, "\t")[1]; id != strconv.Itoa(7001+i) {
			t.Errorf("event %d has id %s", i, id)
		}
	}
	r.wantStderr(t, "unexpected end", "503 Service Unavailable", `"reconnects":3`)
}

func TestServeSlowSendsEvent(t *testing.T) {
	t.Parallel()
	runSSE(t, "", startExamples(t)+"/slow", "-n", "1", "--json").want(t, errtext.ExitDone,
		`{"id":"1","type":"message","data":"this event came a byte at a time"}`+"\n")
}

func TestServeLLMAnswersPrompt(t *testing.T) {
	t.Parallel()
	url := startExamples(t)
	const body = `{"stream":true,"messages":[{"role":"user","content":"first"},` +
		`{"role":"user","content":"Is it <so>?"}]}`
	const blocks = `{"stream":true,"messages":[{"role":"assistant","content":null},` +
		`{"role":"user","content":[{"type":"text","text":"Is it"},` +
		`{"type":"image","source":{"type":"url","url":"x"}},{"type":"text","text":"<so>?"}]}]}`
	const answer = `You asked "Is it <so>?". ` +
		`There is no model here, but this is how an answer arrives: ` +
		`word by word, each in an event of its own.` + "\n"
	for _, args := range [][]string{
		{"--field", "choices.0.delta.content", "-d", body, url + "/llm"},
		{"--field", "choices.0.delta.content", "-d", body, url + "/v1/chat/completions", "--until",
			"[DONE]"},
		{"--field", "choices.0.delta.content", "--until", "[DONE]",
			url + "/llm?q=Is+it+%3Cso%3E%3F"},
		{"--text", "-d", body, url + "/llm"}, // as on the page
		{"--text", url + "/llm?shape=anthropic&q=Is+it+%3Cso%3E%3F"},
		{"--field", "delta.text", "-d", body, url + "/llm?shape=anthropic"},
		{"--field", "delta.text", "--type", "content_block_delta", "-d", body,
			url + "/v1/messages"},
		{"--field", "choices.0.delta.content", "-d", blocks, url + "/v1/chat/completions",
			"--until", "[DONE]"},
		{"--field", "delta.text", "--type", "content_block_delta", "-d", blocks,
			url + "/v1/messages"},
	} {
		runSSE(t, "", args...).want(t, errtext.ExitDone, answer)
	}
	for _, bad := range []string{`{"stream":false}`, `{"messages":1}`, "{",
		`{"messages":[{"content":7}]}`, `{"messages":[{"content":["x"]}]}`} {
		r := runSSE(t, "", "-d", bad, url+"/llm")
		r.want(t, errtext.ExitHTTP, "")
		r.wantStderr(t, "sse: HTTP 400 Bad Request\n", `"type":"invalid_request_error"`)
	}
	r := runSSE(t, strings.Repeat("x", 1<<20+1), "-d", "@-", url+"/llm")
	r.want(t, errtext.ExitHTTP, "")
	r.wantStderr(t, "is too large")
}
