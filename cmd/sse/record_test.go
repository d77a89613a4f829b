package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/internal/recording"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// startServe starts sse serve with files, and returns its URL without a slash at the end.
func startServe(t *testing.T, files ...string) (r *process, url string) {
	t.Helper()
	r = start(t, command(t, append([]string{"serve", ":0"}, files...)...))
	url, _, ok := strings.Cut(strings.TrimPrefix(r.line(), "serving "), "/ (Ctrl-C")
	if !ok {
		t.Fatalf("first line of sse serve: %q", url)
	}
	return r, url
}

// A recording is replayed with its events, its gaps, its cut and its status.
func TestRecordAndServe(t *testing.T) {
	t.Parallel()
	const gap = 300 * time.Millisecond
	origin := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Retry(0), ssetest.Send(sse.Event{ID: "1", Data: "a"}),
			ssetest.Sleep(gap), ssetest.Send(sse.Event{ID: "2", Data: "b"}),
			ssetest.Raw("data: c"), ssetest.Cut()},
		ssetest.Conn{ssetest.Status(503, "Retry-After-Ms", "1"), ssetest.Raw("down")},
		ssetest.Conn{ssetest.Send(sse.Event{ID: "3", Data: "ć"}), ssetest.Stall()},
	)
	file := filepath.Join(t.TempDir(), "incident.jsonl")
	args := []string{"--data", "-n", "3"}
	path := "/events?token=s3cret"
	runSSE(t, "", append(args, origin.URL+path, "--record", file)...).want(t, errtext.ExitDone,
		"a\nb\nć\n")
	if text := readFile(t, file); strings.Contains(text, "s3cret") {
		t.Errorf("the recording contains a secret:\n%s", text)
	}

	r, url := startServe(t, file)
	if line := r.line(); !strings.HasPrefix(line, "  /events  3 responses of incident.jsonl, ") {
		t.Errorf("second line of sse serve: %q", line)
	}
	for range 2 { // after the last response, the first follows again
		began := time.Now()
		res := runSSE(t, "", append(args, url+"/events")...)
		res.want(t, errtext.ExitDone, "a\nb\nć\n")
		res.wantStderr(t, "unexpected end", "503 Service Unavailable: down")
		if took := time.Since(began); took < gap*9/10 {
			t.Errorf("the replay took %v, want at least %v", took, gap)
		}
	}
	res := runSSE(t, "", url+"/other")
	res.want(t, errtext.ExitHTTP, "")
	res.wantStderr(t, "no response was recorded for this path; there are:\n",
		"/events  3 responses")
	sendSignal(t, r.c, os.Interrupt)
	r.wait().want(t, errtext.ExitInterrupted, "")
}

// A response that a recording cannot contain ends the recording, but not the run.
func TestRecordStopsBeforeItCannotBeRead(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", recording.MaxLine)
	origin := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Retry(0), ssetest.Send(sse.Event{Data: "a"})},
		ssetest.Conn{ssetest.Status(200, "X-Large", large), ssetest.Send(sse.Event{Data: "b"})},
		ssetest.Conn{ssetest.Send(sse.Event{Data: "c"})},
	)
	file := filepath.Join(t.TempDir(), "r.jsonl")
	res := runSSE(t, "", "--data", "-n", "3", "--record", file, origin.URL)
	res.want(t, errtext.ExitDone, "a\nb\nc\n")
	res.wantStderr(t, "r.jsonl\": recording is full, because a larger one could not be read: "+
		"the limit of a line is 4194304 bytes; the run continues without it\n")
	if n := strings.Count(res.stderr, "recording is full"); n != 1 {
		t.Errorf("reported %d times", n)
	}
	responses, err := recording.Read(openFile(t, file))
	if err != nil || len(responses) != 1 || responses[0].End != recording.EOF {
		t.Errorf("got %+v, %v", responses, err)
	}
}

func TestRecordAndServeUnknownStatus(t *testing.T) {
	t.Parallel()
	origin := ssetest.NewServer(t, ssetest.Conn{ssetest.Status(799)})
	file := filepath.Join(t.TempDir(), "r.jsonl")
	runSSE(t, "", "--record", file, origin.URL).want(t, errtext.ExitHTTP, "")
	_, url := startServe(t, file)
	res := runSSE(t, "", url)
	res.want(t, errtext.ExitHTTP, "")
	res.wantStderr(t, "HTTP 799")
}

func TestCheckRefusesRecording(t *testing.T) {
	t.Parallel()
	file := writeRecording(t, recording.Response{Status: 200, End: recording.EOF})
	res := runSSE(t, "", "check", file)
	res.want(t, errtext.ExitUsage, "")
	res.wantStderr(t, "r.jsonl\" is a recording; replay it with sse serve")
}

// writeRecording writes a recording of responses and returns the name of the file.
func writeRecording(t *testing.T, responses ...recording.Response) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "r.jsonl")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := recording.Write(f, responses); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestServeReplaysEnds(t *testing.T) {
	t.Parallel()
	response := func(url string, status int, end recording.End, body string) recording.Response {
		header := http.Header{"Content-Type": {"text/event-stream"}, "Content-Length": {"7"}}
		r := recording.Response{URL: url, Status: status, Header: header, End: end}
		if body != "" {
			r.Chunks = []recording.Chunk{{Data: []byte(body)}}
		}
		return r
	}
	redirect := response("https://prod.test/old", http.StatusFound, recording.EOF, "")
	redirect.Header = http.Header{"Location": {"https://prod.test/new"}}
	_, url := startServe(t,
		writeRecording(t,
			response("https://prod.test/reset", 200, recording.Reset, "data: a\n\n"),
			response("https://prod.test/eof", 200, recording.EOF, "data: b\n\n"),
			response("https://prod.test/none", 204, recording.EOF, ""),
		),
		writeRecording(t, redirect,
			response("https://prod.test/new", 200, recording.EOF, "data: c\n\n"),
			response("", 200, recording.EOF, "data: d\n\n"),
			response("https://prod.test/refused", 400, recording.Closed, "bad"),
			response("https://prod.test/open", 200, recording.Closed, "data: e\n\n"),
		))
	for _, test := range []struct {
		path   string
		code   int
		stdout string
		stderr string
	}{
		{"/reset", errtext.ExitError, "a\n", "connection reset"},
		{"/eof", errtext.ExitDone, "b\n", ""},
		{"/none", errtext.ExitDone, "", ""},
		{"/old", errtext.ExitDone, "c\n", ""},
		{"/", errtext.ExitDone, "d\n", ""},
		{"/refused", errtext.ExitHTTP, "", "HTTP 400 Bad Request"},
		{"/open", errtext.ExitTimeout, "e\n", "--max-time"},
	} {
		r := runSSE(t, "", url+test.path, "--data", "--no-reconnect", "-m", "500ms")
		r.want(t, test.code, test.stdout)
		r.wantStderr(t, test.stderr)
	}
}

// A web page elsewhere must not read a recording, which may be confidential.
func TestServeReplayIsForLocalPages(t *testing.T) {
	t.Parallel()
	_, url := startServe(t, writeRecording(t, recording.Response{
		Status: 200,
		Header: http.Header{"Access-Control-Allow-Origin": {"https://prod.test"}},
		End:    recording.EOF,
	}))
	for _, test := range []struct{ origin, want string }{
		{"http://localhost:3000", "http://localhost:3000"},
		{"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
		{"https://prod.test", ""},
		{"http://localhost.evil.test", ""},
		{"null", ""},
		{"", ""},
	} {
		req := httptest.NewRequest(http.MethodGet, url, nil)
		req.RequestURI = ""
		req.Header.Set("Origin", test.origin)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != test.want {
			t.Errorf("Origin %q: Access-Control-Allow-Origin = %q, want %q", test.origin, got,
				test.want)
		}
	}
}

// A name of another host may be that of an attacker whose DNS leads to this machine.
func TestServeReplayRefusesOtherHosts(t *testing.T) {
	t.Parallel()
	_, url := startServe(t, writeRecording(t, recording.Response{Status: 200, End: recording.EOF}))
	for host, want := range map[string]int{
		"localhost:8787": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:80": http.StatusOK,
		"evil.test": http.StatusForbidden, "localhost.evil.test:8787": http.StatusForbidden,
		"192.0.2.1": http.StatusForbidden,
	} {
		req := httptest.NewRequest(http.MethodGet, url, nil)
		req.RequestURI, req.Host = "", host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %s: %s, want %d", host, resp.Status, want)
		}
	}
}

// A recording that cannot be written ends the run, because it would be incomplete.
func TestRecordWriteErrorEndsRun(t *testing.T) {
	t.Parallel()
	needDevFull(t)
	url := endless(t, "data: a\n\n")
	r := runSSE(t, "", url, "--data", "--record", "/dev/full")
	r.want(t, errtext.ExitError, "")
	r.oneLine(t)
	r.wantStderr(t, `--record "/dev/full": no space left on device`)
}
