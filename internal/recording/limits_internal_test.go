package recording

import (
	"bytes"
	"errors"
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
	max := limits{size: 2000, line: 300, lines: 20}
	const header = `{"version":1,"status":200}` + "\n"
	const chunk = `{"text":""}` + "\n"
	spaces := func(n int) string { return strings.Repeat(" ", n) }
	blank := strings.Repeat(spaces(98)+"\n", 30)
	tests := []struct{ name, text, want string }{
		{"gap", header + `{"gap":86400000,"text":""}`, ""},
		{"lines", header + "\n" + strings.Repeat(chunk, max.lines-1) + "\n", ""},
		{"too many lines", header + strings.Repeat(chunk, max.lines),
			"recording has more than 20 lines"},
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
	if MaxLines*len(`{"text":""}`) > MaxSize {
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

// What Limit lets through can be read, and the next line could not.
func TestLimitIsThatOfRead(t *testing.T) {
	max := limits{size: 2000, line: 300, lines: 20}
	const header = `{"version":1,"status":200}` + "\n"
	chunk := func(n int) string {
		const empty = `{"text":""}` + "\n"
		return empty[:9] + strings.Repeat("x", n-len(empty)) + empty[9:]
	}
	for name, lines := range map[string][]string{
		"lines": {chunk(50)},
		"size":  {chunk(250)},
		"line":  {chunk(max.line), chunk(50), chunk(max.line + 1)},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			w := &limitWriter{w: &b, max: max}
			_, err := w.Write([]byte(header))
			next := ""
			for i := 0; err == nil; i++ {
				next = lines[i%len(lines)]
				_, err = w.Write([]byte(next))
			}
			if !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(chunk(20))); !errors.Is(err, ErrTooLarge) {
				t.Errorf("Write after the limit: %v", err)
			}
			if _, err := read(strings.NewReader(b.String()), max); err != nil {
				t.Errorf("Read of what was written: %v", err)
			}
			if _, err := read(strings.NewReader(b.String()+next), max); err == nil {
				t.Errorf("Read accepts also the next line")
			}
		})
	}
}
