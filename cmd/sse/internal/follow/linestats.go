package follow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// lineHead is how many bytes of a line a lineStats keeps.
const lineHead = 64

// A lineStats counts the lines of a stream by their kind, to explain why no event was dispatched.
// It also reports each retry field when it arrives, which a Client does not.
type lineStats struct {
	onRetry func(time.Duration) // if not nil, called for each valid retry field

	mu           sync.Mutex
	line         []byte // the beginning of the current line
	skipLF       bool   // the last byte was a CR, so a LF belongs to it
	hadLine      bool   // the first line has ended
	data         int    // data lines
	eventsAndIDs int    // event and id lines
	unknown      int    // lines that the standard ignores, except comments
	json         int    // the unknown lines that look like JSON
	blank        int    // blank lines
	sample       string // the first unknown line
}

// reset begins the stream of a new connection. The counts remain.
func (l *lineStats) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line, l.skipLF, l.hadLine = l.line[:0], false, false
}

// Write counts the lines in p. It never fails.
func (l *lineStats) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	if l.skipLF && n > 0 {
		l.skipLF = false
		if p[0] == '\n' {
			p = p[1:]
		}
	}
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			i = len(p)
		}
		l.line = append(l.line, p[:min(i, max(lineHead-len(l.line), 0))]...)
		if i == len(p) {
			break
		}
		l.endLine()
		if p[i] == '\r' {
			if i+1 == len(p) {
				l.skipLF = true
			} else if p[i+1] == '\n' {
				i++
			}
		}
		p = p[i+1:]
	}
	return n, nil
}

// head returns the beginning of the current line, without a byte order mark.
func (l *lineStats) head() []byte {
	if l.hadLine {
		return l.line
	}
	return bytes.TrimPrefix(l.line, []byte("\xef\xbb\xbf"))
}

// endLine counts the current line, which has ended.
func (l *lineStats) endLine() {
	line := l.head()
	l.line, l.hadLine = l.line[:0], true
	if len(line) == 0 {
		l.blank++
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch string(name) {
	case "": // a comment
	case "data":
		l.data++
	case "retry":
		l.retry(string(bytes.TrimPrefix(value, []byte(" "))))
	case "event", "id":
		l.eventsAndIDs++
	default:
		l.unknown++
		if beginsJSON(line, len(line) < lineHead) {
			l.json++
		}
		if l.sample == "" {
			l.sample = string(line)
		}
	}
}

// retry reports a retry field if its value is valid.
func (l *lineStats) retry(value string) {
	ms, err := strconv.ParseUint(value, 10, 63)
	if err == nil && l.onRetry != nil {
		ms = min(ms, math.MaxInt64/uint64(time.Millisecond))
		l.onRetry(time.Duration(ms) * time.Millisecond)
	}
}

// beginsJSON reports whether line is the beginning of a JSON object or array. If whole is true, the
// line must contain all of it.
func beginsJSON(line []byte, whole bool) bool {
	line = bytes.TrimLeft(line, " \t")
	if len(line) == 0 || line[0] != '{' && line[0] != '[' {
		return false
	}
	if whole {
		return json.Valid(line)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	for {
		if _, err := dec.Token(); err != nil {
			return err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// endsInText reports whether the line that has not ended is neither a field nor a comment.
func (l *lineStats) endsInText() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	name, _, _ := bytes.Cut(l.head(), []byte(":"))
	switch string(name) {
	case "", "data", "event", "id", "retry":
		return false
	}
	return true
}

// explain returns why the lines so far did not dispatch an event. It returns "" if that is normal,
// as for a stream of comments and retry fields.
func (l *lineStats) explain() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := l.head()
	switch {
	case l.json > 0 && l.json == l.unknown && l.data == 0:
		return `the lines are JSON without "data:" (NDJSON?): ` + escape.Line(l.sample)
	case l.unknown > 0 && l.data == 0:
		return "the lines are not fields of an event stream: " + escape.Line(l.sample)
	case l.data > 0 && l.blank == 0:
		return "there are data lines, but no blank line, which ends an event"
	case l.data > 0:
		return "there are data lines, but no blank line after them yet"
	case beginsJSON(line, false):
		return "this is JSON, not an event stream: " + escape.Line(string(line))
	case len(line) > 0 && line[0] != ':':
		return "the line has not ended: " + escape.Line(string(line))
	case l.eventsAndIDs > 0:
		return "there are event or id lines, but no data line, which an event needs"
	}
	return ""
}
