package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
)

// served runs the server of streams as if it had begun an hour ago.
func served(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(newStreams(time.Now().Add(-time.Hour), io.Discard))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

func get(t *testing.T, url, id string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestServe(t *testing.T) {
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
	resp := get(t, url, "")
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "new EventSource") {
		t.Errorf("the page: %s, %v", resp.Status, err)
	}
	runSSE(t, "", url, "-n", "1", "--last-event-id", "0", "--field", "n").want(t, exitDone, "1\n")
	res := runSSE(t, "", url+"/events", "-n", "1", "--last-event-id", "0", "--field", "n")
	res.want(t, exitDone, "1\n")
	r.stderr.waitFor(t, " GET /events after id 0\n")
	if res := runSSE(t, "", "serve", strings.TrimPrefix(url, "http://")); res.code != exitError || !strings.Contains(res.stderr, "address already in use") {
		t.Errorf("a port in use: %+v", res)
	}
	r.c.Process.Signal(os.Interrupt)
	r.wait().want(t, exitInterrupted, "")
}

func TestServeEvents(t *testing.T) {
	t.Parallel()
	url := served(t)
	r := sse.NewReader(get(t, url+"/events", "3000").Body)
	for n := 3001; n < 3500; n++ {
		if !r.Next() || r.Event().ID != strconv.Itoa(n) || (n%5 == 0) != (r.Event().Type == "message") {
			t.Fatalf("event %d: %+v, %v", n, r.Event(), r.Err())
		}
	}
	var comment string
	r = sse.NewReader(get(t, url+"/events", "5").Body)
	r.OnComment = func(text string) { comment = text }
	if !r.Next() || comment != " events before "+r.Event().ID+" are gone" {
		t.Errorf("after a long time: %+v, comment %q", r.Event(), comment)
	}
	for _, id := range []string{"", "nonsense", "99999999", "-1"} {
		r = sse.NewReader(get(t, url+"/events", id).Body)
		if !r.Next() || len(r.Event().ID) != 4 {
			t.Errorf("after id %q: %+v", id, r.Event())
		}
	}
}

// The client loses nothing of what /flaky sends.
func TestServeFlaky(t *testing.T) {
	t.Parallel()
	r := runSSE(t, "", served(t)+"/flaky", "--last-event-id", "7000", "-n", "12", "--summary", "json")
	if r.code != exitDone {
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

func TestServeSlow(t *testing.T) {
	t.Parallel()
	runSSE(t, "", served(t)+"/slow", "-n", "1", "--json").want(t, exitDone, `{"id":"1","type":"message","data":"this event came a byte at a time"}`+"\n")
}

func TestServeBig(t *testing.T) {
	t.Parallel()
	url := served(t) + "/big"
	r := sse.NewReader(get(t, url, "").Body)
	var sizes []int
	for r.Next() {
		sizes = append(sizes, len(r.Event().Data))
	}
	if diff := cmp.Diff([]int{1 << 10, 64 << 10, 1 << 20, 8 << 20, 1 << 20}, sizes); diff != "" || r.Err() != nil {
		t.Errorf("sizes (-want +got):\n%s%v", diff, r.Err())
	}
	if resp := get(t, url, r.LastEventID()); resp.StatusCode != http.StatusNoContent {
		t.Errorf("afterwards: %s", resp.Status)
	}
}

func TestServeWeird(t *testing.T) {
	t.Parallel()
	url := served(t) + "/weird"
	r := sse.NewReader(get(t, url, "").Body)
	var got []sse.Event
	for r.Next() {
		got = append(got, r.Event())
	}
	if r.Err() != io.ErrUnexpectedEOF {
		t.Errorf("the end: %v, want io.ErrUnexpectedEOF", r.Err())
	}
	ev := func(id, typ, data string) sse.Event { return sse.Event{ID: id, Type: typ, Data: data} }
	want := []sse.Event{
		ev("", "message", "this event ends with carriage returns alone"),
		ev("", "message", "and this one with CRLF"),
		ev("", "message", "no space after the colon"),
		ev("", "message", " of two spaces one is dropped"),
		ev("", "message", "\ta tab is not"),
		ev("", "message", ""),
		ev("", "message", "a line ends at CR,\nat CRLF,\nand at LF"),
		ev("", "message", "not at U+0085 (\u0085), U+2028 (\u2028), VT (\v) or FF (\f)"),
		ev("", "message", "the type of the block before is forgotten"),
		ev("", "odd type: with a colon", "a type may hold nearly anything"),
		ev("id with spaces ", "message", "so may an id; its space at the end stays"),
		ev("id with spaces ", "message", "an id stays until the next one"),
		ev("id with spaces ", "message", "an id with NUL in it is ignored"),
		ev("id-only", "message", "the block before had only an id, and it counts"),
		ev("", "message", "an empty id resets it"),
		ev("", "message", "names are exact, the rest is ignored"),
		ev("", "message", "NUL (\x00) stays, invalid bytes (\ufffd \ufffd( \ufffd\ufffd\ufffd) become U+FFFD"),
		ev("", "message", "only one of the four retry fields counted"),
		ev("", "message", "control characters: \x1b[31mred?\x1b[m \x07 \x7f \u009b31m \u202eesrever"),
		ev("end", "message", "the next one is cut off, and must not be seen"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if d, ok := r.Retry(); !ok || d != 2*time.Second {
		t.Errorf("retry = %v, %v", d, ok)
	}
	if resp := get(t, url, "end"); resp.StatusCode != http.StatusNoContent {
		t.Errorf("afterwards: %s", resp.Status)
	}
}

func TestServeLLM(t *testing.T) {
	t.Parallel()
	url := served(t)
	const body = `{"stream":true,"messages":[{"role":"user","content":"first"},{"role":"user","content":"Is it <so>?"}]}`
	const answer = `You asked "Is it <so>?". There is no model here, but this is how an answer arrives: word by word, each in an event of its own.` + "\n"
	for _, args := range [][]string{
		{"--field", "choices.0.delta.content", "-d", body, url + "/llm"},
		{"--field", "choices.0.delta.content", "-d", body, url + "/v1/chat/completions", "--until", "[DONE]"},
		{"--field", "choices.0.delta.content", "--until", "[DONE]", url + "/llm?q=Is+it+%3Cso%3E%3F"},
		{"--field", "delta.text", "-d", body, url + "/llm?shape=anthropic"},
		{"--field", "delta.text", "--type", "content_block_delta", "-d", body, url + "/v1/messages"},
	} {
		runSSE(t, "", args...).want(t, exitDone, answer)
	}
	for _, bad := range []string{`{"stream":false}`, `{"messages":1}`, "{"} {
		r := runSSE(t, "", "-d", bad, url+"/llm")
		r.want(t, exitHTTP, "")
		r.wantStderr(t, "sse: HTTP 400 Bad Request\n", `"type":"invalid_request_error"`)
	}
	r := runSSE(t, strings.Repeat("x", maxAsk+1), "-d", "@-", url+"/llm")
	r.want(t, exitHTTP, "")
	r.wantStderr(t, "is too large")
}

// What the two shapes say of themselves is what clients of the two look at.
func TestServeLLMShapes(t *testing.T) {
	t.Parallel()
	url := served(t)
	r := sse.NewReader(get(t, url+"/llm?shape=anthropic", "").Body)
	var types []string
	for r.Next() {
		var v struct{ Type string }
		if err := json.Unmarshal([]byte(r.Event().Data), &v); err != nil || v.Type != r.Event().Type {
			t.Errorf("event %+v: type %q, %v", r.Event(), v.Type, err)
		}
		if n := len(types); n == 0 || types[n-1] != v.Type {
			types = append(types, v.Type)
		}
	}
	if diff := cmp.Diff(strings.Fields("message_start content_block_start ping content_block_delta content_block_stop message_delta message_stop"), types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	r = sse.NewReader(get(t, url+"/llm", "").Body)
	last := ""
	for r.Next() {
		if last = r.Event().Data; last != "[DONE]" && !strings.Contains(last, `"object":"chat.completion.chunk"`) {
			t.Errorf("event %q", last)
		}
	}
	if last != "[DONE]" {
		t.Errorf("the last event is %q", last)
	}
}

func TestServeForOtherPages(t *testing.T) {
	t.Parallel()
	url := served(t)
	req, err := http.NewRequest(http.MethodOptions, url+"/llm", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

func TestServeIsBounded(t *testing.T) {
	t.Parallel()
	url := served(t)
	for range maxStreams {
		if resp := get(t, url+"/events", ""); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
	}
	resp := get(t, url+"/events", "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %s", resp.Status)
	}
}
