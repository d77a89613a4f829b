package follow

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// A watch looks at the bytes of a stream beside the parser, for what the
// parser rightly keeps to itself: the lines that mean nothing, and the
// moment at which a retry field comes.
type lineStats struct {
	onRetry func(time.Duration) // called for each valid retry field; may be nil

	mu      sync.Mutex
	line    []byte // the beginning of the line being read
	skipLF  bool   // the last byte was a CR
	begun   bool   // the first line has ended
	data    int    // data lines
	fields  int    // event and id lines
	unknown int    // lines that the standard ignores
	json    int    // those of them that look like JSON
	empty   int    // blank lines
	sample  string // the first unknown line
}

// lineHead is how much of a line the watch looks at.
const lineHead = 64

// reset begins a connection.
func (w *lineStats) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line, w.skipLF, w.begun = w.line[:0], false, false
}

func (w *lineStats) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p)
	if w.skipLF && n > 0 {
		w.skipLF = false
		if p[0] == '\n' {
			p = p[1:]
		}
	}
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			i = len(p)
		}
		w.line = append(w.line, p[:min(i, max(lineHead-len(w.line), 0))]...)
		if i == len(p) {
			break
		}
		w.endLine()
		if p[i] == '\r' {
			if i+1 == len(p) {
				w.skipLF = true
			} else if p[i+1] == '\n' {
				i++
			}
		}
		p = p[i+1:]
	}
	return n, nil
}

// head is the beginning of the line being read, without a byte order mark.
func (w *lineStats) head() []byte {
	if w.begun {
		return w.line
	}
	return bytes.TrimPrefix(w.line, []byte("\xef\xbb\xbf"))
}

func (w *lineStats) endLine() {
	line := w.head()
	w.line, w.begun = w.line[:0], true
	if len(line) == 0 {
		w.empty++
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch string(name) {
	case "":
	case "data":
		w.data++
	case "retry":
		value = bytes.TrimPrefix(value, []byte(" "))
		if ms, err := strconv.ParseUint(string(value), 10, 63); err == nil && w.onRetry != nil {
			w.onRetry(time.Duration(min(ms, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond)
		}
	case "event", "id":
		w.fields++
	default:
		w.unknown++
		if looksJSON(line) {
			w.json++
		}
		if w.sample == "" {
			w.sample = string(line)
		}
	}
}

// looksJSON reports whether line begins like a JSON object or array.
func looksJSON(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && (line[0] == '{' || line[0] == '[')
}

// explain says why the bytes so far made no event; "" if nothing is odd,
// as with nothing but comments and a retry field.
func (w *lineStats) explain() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	line := w.head()
	switch {
	case w.json > 0 && w.data == 0:
		return fmt.Sprintf("the lines are JSON without \"data:\" before it (NDJSON?): %s", escape.Line(w.sample))
	case w.unknown > 0 && w.data == 0:
		return fmt.Sprintf("the lines are no fields of an event stream: %s", escape.Line(w.sample))
	case w.data > 0 && w.empty == 0:
		return "data lines came, but no blank line, which ends an event"
	case w.data > 0:
		return "data lines came, and the blank line after them has not"
	case looksJSON(line):
		return fmt.Sprintf("what came is JSON, not an event stream: %s", escape.Line(string(line)))
	case len(line) > 0 && line[0] != ':':
		return fmt.Sprintf("a line began that has not ended: %s", escape.Line(string(line)))
	case w.fields > 0:
		return "event or id lines came without a data line: no event is made of those"
	}
	return ""
}
