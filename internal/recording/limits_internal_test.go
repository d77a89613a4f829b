package recording

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// An endless reads as an endless number of blank lines, one for each Read.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	copy(b, bytes.Repeat([]byte{' '}, len(b)))
	b[len(b)-1] = '\n'
	e.read += len(b)
	return len(b), nil
}

func TestReadLimits(t *testing.T) {
	max := limits{size: 2000, line: 300, responses: 10, chunks: 20}
	const header = `{"version":1,"status":200}` + "\n"
	const chunk = `{"text":""}` + "\n"
	headers := ""
	for i := range max.responses {
		headers += fmt.Sprintf(`{"response":%d,"version":1,"status":200}`+"\n", i)
	}
	spaces := func(n int) string { return strings.Repeat(" ", n) }
	blank := strings.Repeat(spaces(98)+"\n", 30)
	tests := []struct{ name, text, want string }{
		{"gap", header + `{"gap":86400000,"text":""}`, ""},
		{"responses", headers, ""},
		{"too many responses", headers + `{"response":-1,"version":1,"status":200}`,
			"recording: line 11: there are more than 10 responses"},
		{"chunks", header + strings.Repeat(chunk, max.chunks) + `{"end":"eof"}`, ""},
		{"too many chunks", header + strings.Repeat(chunk, max.chunks+1),
			"recording: line 22: there are more than 20 chunks"},
		{"line", header + spaces(max.line-1) + "\n", ""},
		{"long line", header + spaces(max.line) + "\n",
			"recording: line 2 is longer than 300 bytes"},
		{"size", (header + blank)[:max.size], ""},
		{"large", (header + blank)[:max.size+1], "recording is larger than 2000 bytes"},
		{"larger", header + blank, "recording is larger than 2000 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, err := read(strings.NewReader(tt.text), max); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Read stops after MaxSize bytes.
func TestReadIsBounded(t *testing.T) {
	if MaxChunks*len(`{"text":""}`) > MaxSize || MaxResponses > MaxChunks {
		t.Error("a limit has no effect, because another one is reached before")
	}
	e := &endless{}
	r := io.MultiReader(strings.NewReader(strings.Repeat(" ", MaxLine-1)+"\n"), e)
	want := fmt.Sprintf("recording is larger than %d bytes", MaxSize)
	if _, err := Read(r); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if e.read > MaxSize {
		t.Errorf("read %d bytes, want at most %d", e.read, MaxSize)
	}
}
