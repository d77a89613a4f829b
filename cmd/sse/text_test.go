package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// modelStream returns a recorded stream of a model.
func modelStream(t *testing.T, name string) string {
	t.Helper()
	return readFile(t, filepath.Join("internal", "model", "testdata", name+".sse"))
}

func TestTextPrintsEachFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		stream string
		code   int
		stdout string
		stderr string
	}{
		{"chat", errtext.ExitDone, "Grüße,\n\"World\"\n", ""},
		{"chat_tools", errtext.ExitDone, "",
			"sse: tool call: get_weather({\"city\":\"Paris\"})\nsse: tool call: now({})\n"},
		{"deepseek", errtext.ExitDone, "4\n", "sse: the model stopped early: length\n"},
		{"ollama", errtext.ExitDone, "Hi\n", "sse: tool call: add({\"a\":1})\n"},
		{"openrouter_error", errtext.ExitError, "So\n",
			"sse: the stream sent an error: {\"code\":502,\"message\":\"gone\"}\n"},
		{"mistral", errtext.ExitDone, "Oui.\n", ""},
		{"completions", errtext.ExitDone, " once more\n", ""},
		{"responses", errtext.ExitDone, "Hello there\n", "sse: tool call: wave({\"n\":2})\n" +
			"sse: tool call: web_search({\"type\":\"search\",\"query\":\"q\"})\n"},
		{"responses_failed", errtext.ExitError, "",
			"sse: the stream sent an error: {\"code\":\"server_error\",\"message\":\"failed\"}\n"},
		{"responses_incomplete", errtext.ExitDone, "Cut\n",
			"sse: the model stopped early: max_output_tokens\n"},
		{"messages", errtext.ExitDone, "I look it up.\n",
			"sse: tool call: get_weather({\"city\":\"Paris\"})\n"},
		{"messages_error", errtext.ExitError, "Hel\n", "sse: the stream sent an error: " +
			"{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}\n"},
		{"gemini", errtext.ExitDone, "Good day\n", "sse: tool call: wave({\"n\":2})\n"},
		{"gemini_blocked", errtext.ExitError, "",
			"sse: the stream sent an error: the prompt was blocked: PROHIBITED_CONTENT\n"},
	} {
		t.Run(test.stream, func(t *testing.T) {
			t.Parallel()
			stream := modelStream(t, test.stream)
			for how, r := range map[string]result{
				"input": runSSE(t, stream, "--text", "-"),
				"POST":  runSSE(t, "", "--text", "-d", "{}", once(t, stream)),
				"GET":   runSSE(t, "", "--text", once(t, stream)),
			} {
				r.want(t, test.code, test.stdout)
				if r.stderr != test.stderr {
					t.Errorf("%s: stderr:\n%s\nwant:\n%s", how, r.stderr, test.stderr)
				}
			}
			silent := runSSE(t, stream, "--text", "-s", "-")
			silent.want(t, test.code, test.stdout)
			wantSilent := ""
			if test.code != errtext.ExitDone {
				wantSilent = test.stderr
			}
			if silent.stderr != wantSilent {
				t.Errorf("-s: stderr:\n%s\nwant:\n%s", silent.stderr, wantSilent)
			}
		})
	}
}

func TestTextPrintsEachWordAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan bool)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range []string{"Hello", " you"} {
			<-next
			io.WriteString(w, `data: {"choices":[{"delta":{"content":"`+word+`"}}]}`+"\n\n")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "data: [DONE]\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the run ends with the final event
	})
	r := start(t, command(t, "--text", url))
	next <- true
	buf := make([]byte, len("Hello"))
	if _, err := io.ReadFull(r.stdout, buf); err != nil || string(buf) != "Hello" {
		t.Errorf("first word = %q, %v", buf, err)
	}
	next <- true
	r.wait().want(t, errtext.ExitDone, " you\n")
}

// A stream that ends before the model has finished must not look like a whole text.
func TestTextEndsWithErrorIfIncomplete(t *testing.T) {
	t.Parallel()
	const piece = `data: {"choices":[{"delta":{"content":"x"}}]}` + "\n\n"
	const incomplete = "sse: the stream ended before the model had finished its text\n"
	for _, test := range []struct{ name, stream, stdout, stderr string }{
		{"no final event", piece, "x\n", incomplete},
		{"nothing", "", "", incomplete},
		{"other events", "data: {\"a\":1}\n\n", "", "sse: --text found no text in the events: " +
			"it knows OpenAI chat completions, OpenAI responses, Anthropic messages, Gemini\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []result{
				runSSE(t, test.stream, "--text", "-"),
				runSSE(t, "", "--text", "-d", "{}", once(t, test.stream)),
			} {
				r.want(t, errtext.ExitError, test.stdout)
				r.wantStderr(t, test.stderr)
				r.oneLine(t)
			}
		})
	}
}

// Another request would start the model again, unless the server can resume after an ID.
func TestTextReconnectsOnlyAfterID(t *testing.T) {
	t.Parallel()
	const piece = `data: {"choices":[{"delta":{"content":"x"}}]}` + "\n\n"
	requests := make(chan string, 10)
	handler := func(first string, cut bool) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			id := r.Header.Get("Last-Event-ID")
			requests <- id
			w.Header().Set("Content-Type", "text/event-stream")
			if id != "" {
				io.WriteString(w, piece+"data: [DONE]\n\n")
				return
			}
			io.WriteString(w, "retry: 0\n"+first+piece)
			w.(http.Flusher).Flush()
			if cut {
				panic(http.ErrAbortHandler)
			}
		})
	}
	r := runSSE(t, "", "--text", handler("", true))
	r.want(t, errtext.ExitError, "x\n")
	r.wantStderr(t, "unexpected end of the stream")
	r = runSSE(t, "", "--text", handler("", false))
	r.want(t, errtext.ExitError, "x\n")
	r.wantStderr(t, "the stream ended before the model had finished its text")
	r = runSSE(t, "", "--text", handler("id: 7\n", true))
	r.want(t, errtext.ExitDone, "xx\n")
	close(requests)
	var ids []string
	for id := range requests {
		ids = append(ids, id)
	}
	if got := strings.Join(ids, ","); got != ",,,7" {
		t.Errorf("Last-Event-IDs = %q, want three first requests and one after 7", got)
	}
}

// A run that ends as requested is still an error if it had no text.
func TestTextReportsUnknownFormat(t *testing.T) {
	t.Parallel()
	const text = "--text knows OpenAI chat completions, OpenAI responses, " +
		"Anthropic messages, Gemini"
	r := runSSE(t, strings.Repeat("data: {\"a\":1}\n\n", 30), "--text", "-n", "20", "-")
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "sse: no text in the first 10 events: "+text+"\n",
		"sse: --text found no text in the events: it knows OpenAI chat completions")
	if n := strings.Count(r.stderr, "no text in"); n != 2 {
		t.Errorf("%d lines, want 2:\n%s", n, r.stderr)
	}
}

func TestTextSummary(t *testing.T) {
	t.Parallel()
	r := runSSE(t, modelStream(t, "chat"), "--text", "--summary", "-")
	r.want(t, errtext.ExitDone, "Grüße,\n\"World\"\n")
	r.wantStderr(t, "ended: end of the model's response\n", "model        gpt-4o-2024-08-06\n",
		"tokens       11 in, 9 out (4 of them reasoning)")
	r = runSSE(t, modelStream(t, "ollama"), "--text", "--summary", "-")
	r.wantStderr(t, `tokens       not in the stream (OpenAI sends them with `+
		`"stream_options":{"include_usage":true})`)
	r = runSSE(t, modelStream(t, "gemini"), "--text", "--summary", "json", "-")
	r.wantStderr(t, `"model":{"name":"gemini-2.5-flash","usage":`+
		`{"input_tokens":4,"output_tokens":12,"reasoning_tokens":5},"tokens_per_s":`)
}

func TestTextWritesFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "out")
	runSSE(t, modelStream(t, "messages"), "--text", "-o", file, "-").want(t, errtext.ExitDone, "")
	if got := readFile(t, file); got != "I look it up.\n" {
		t.Errorf("file = %q", got)
	}
	r := runSSE(t, modelStream(t, "messages"), "--text", "-o", os.DevNull, "-")
	r.want(t, errtext.ExitDone, "")
}

// A program after the pipe may show the text on a terminal.
func TestRunningTextEscapesControlCharacters(t *testing.T) {
	t.Parallel()
	const in = `data: {"choices":[{"delta":{"content":"a\u001b]0;x\u0007\t\u009b2J\u200f\n"},` +
		`"finish_reason":"stop"}]}` + "\n\n"
	const want = `a\x1b]0;x\x07` + "\t" + `\x9b2J` + "\u200f\n"
	runSSE(t, in, "--text", "-").want(t, errtext.ExitDone, want)
	runSSE(t, in, "--field", "choices.0.delta.content", "-").want(t, errtext.ExitDone, want)
}
