package recording_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	. "github.com/seed-0d85b69d/sse/internal/recording"
)

const (
	headerText = `{"version":1,"status":200}` + "\n"
	eofText    = `{"end":"eof"}` + "\n"
)

func TestReadResponses(t *testing.T) {
	const text = `{"response":7,"version":1,"gap":93,"method":"GET","url":"https://a.test/b",` +
		`"status":200,"header":{"Content-Type":["text/event-stream"],"X":["1","2"]}}

 	{"response":7,"gap":250,"text":"data: h\u00e9\n\n","comment":"ignored"}` + "\r\n" +
		`{"version":1,"status":503}
{"response":7,"base64":"//4="}
{"response":1,"gap":1,"text":""}
{"response":7,"gap":17,"end":"reset"}
{"response":-3,"version":1,"status":204,"header":null}
{"response":-3,"end":"eof"}`
	want := []Response{
		{
			Gap: 93 * time.Millisecond, Method: "GET", URL: "https://a.test/b", Status: 200,
			Header: http.Header{"Content-Type": {"text/event-stream"}, "X": {"1", "2"}},
			Chunks: []Chunk{
				{250 * time.Millisecond, []byte("data: hé\n\n")}, {0, []byte("\xff\xfe")},
			},
			EndGap: 17 * time.Millisecond, End: Reset,
		},
		{Status: 503, Chunks: []Chunk{{time.Millisecond, []byte{}}}, End: Closed},
		{Status: 204, End: EOF},
	}
	for name, r := range map[string]io.Reader{
		"whole":        strings.NewReader(text),
		"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
	} {
		got, err := Read(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: responses (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "recording contains no response"},
		{"blank lines", "\n \r\n\t\n", "recording contains no response"},
		{"no JSON", headerText + "data: x", "recording: line 2: invalid character 'd' looking for " +
			"beginning of value"},
		{"other JSON", "[]", "recording: line 1: not a JSON object"},
		{"other type", `{"version":"1"}`,
			`recording: line 1: the field "version" must not be a JSON string`},
		{"two values", headerText + eofText[:13] + eofText, "recording: line 2: invalid character '{'"},
		{"bad base64", headerText + `{"base64":"/"}`, "recording: line 2: illegal base64"},
		{"no header", eofText, "recording: line 1: response 1 has no header"},
		{"header of another response", headerText + "\n" + `{"response":2,"end":"eof"}`,
			"recording: line 3: response 2 has no header"},
		{"two headers", headerText + headerText, "recording: line 2: response 1 has two headers"},
		{"no version", `{"status":200}`, "recording: line 1: version is 0, want 1"},
		{"later version", `{"version":2,"status":200}`, "recording: line 1: version is 2, want 1"},
		{"no status", `{"version":1}`, "recording: line 1: status is not between 200 and 999"},
		{"status 101", `{"version":1,"status":101}`,
			"recording: line 1: status is not between 200 and 999"},
		{"status 1000", `{"version":1,"status":1000}`,
			"recording: line 1: status is not between 200 and 999"},
		{"header with text", `{"version":1,"status":200,"text":""}`,
			"recording: line 1: header and body must be in different lines"},
		{"header with end", `{"version":1,"status":200,"end":"eof"}`,
			"recording: line 1: header and body must be in different lines"},
		{"nothing", headerText + `{"gap":1}`,
			`recording: line 2: want exactly one of "status", "text", "base64" and "end"`},
		{"text and base64", headerText + `{"text":"","base64":""}`,
			`recording: line 2: want exactly one of "status", "text", "base64" and "end"`},
		{"text and end", headerText + `{"text":"","end":"eof"}`,
			`recording: line 2: want exactly one of "status", "text", "base64" and "end"`},
		{"unknown end", headerText + `{"end":"bang"}`, `recording: line 2: unknown end "bang"`},
		{"two ends", headerText + eofText + eofText,
			"recording: line 3: response has already ended"},
		{"text after the end", headerText + eofText + `{"text":""}`,
			"recording: line 3: response has already ended"},
		{"negative gap", `{"version":1,"status":200,"gap":-1}`,
			"recording: line 1: gap is not between 0 and 86400000"},
		{"long gap", headerText + `{"gap":86400001,"text":""}`,
			"recording: line 2: gap is not between 0 and 86400000"},
		{"overflow", headerText + `{"gap":9223372036854775807,"text":""}`,
			"recording: line 2: gap is not between 0 and 86400000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Read(strings.NewReader(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || r != nil {
				t.Errorf("got %v, %v, want %q", r, err, tt.want)
			}
		})
	}
	errRead := errors.New("read error")
	if _, err := Read(iotest.ErrReader(errRead)); !errors.Is(err, errRead) {
		t.Errorf("got %v, want %v", err, errRead)
	}
}

func TestWriteFailure(t *testing.T) {
	errWrite := errors.New("write error")
	w := &failingWriter{n: 1, err: errWrite}
	err := Write(w, []Response{{Status: 200, End: EOF}})
	if !errors.Is(err, errWrite) {
		t.Errorf("got %v, want %v", err, errWrite)
	}
}

// Read never fails in another way than by an error, and what it returns can be written
// and read again.
func FuzzRead(f *testing.F) {
	f.Add(headerText + eofText)
	f.Add(headerText + `{"gap":1,"text":"data: \u0000\ufffd\n\n"}` + "\n" + `{"base64":"//4="}`)
	f.Add(headerText + `{"response":2,"version":1,"status":503,"header":{"A":["b"]}}` + "\n" +
		`{"response":2,"end":"cut"}` + "\n" + `{"end":"closed"}`)
	f.Add(`{"version":1,"status":200,"header":{"a\n":[null,"\r\n"]},"url":"\ud800"}`)
	f.Add(`{"version":1,"status":1e2}`)
	f.Fuzz(func(t *testing.T, text string) {
		want, err := Read(strings.NewReader(text))
		if err != nil {
			if want != nil {
				t.Fatalf("got responses and %v", err)
			}
			return
		}
		var b bytes.Buffer
		if err := Write(&b, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("responses (-read +written and read):\n%s", diff)
		}
	})
}
