package inspect

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
)

// The kinds of messages, which are the types of the events that the page gets.
const (
	kindRun      = "run"
	kindState    = "state"
	kindRequest  = "request"
	kindResponse = "response"
	kindEvent    = "event"
	kindComment  = "comment"
	kindIgnored  = "ignored"
	kindFinding  = "finding"
	kindStats    = "stats"
	kindLost     = "lost"
)

// The limits of what a message contains.
const (
	maxData    = 64 << 10 // bytes of the data of an event, of its raw bytes, and of its parts
	maxText    = 4 << 10  // bytes of a type, an ID, a header, a comment, or an ignored line
	maxHeaders = 64 << 10 // bytes of all headers
)

// A runStart is the first message of a run.
type runStart struct {
	Run    int       `json:"run"`
	Method string    `json:"method"`
	URL    string    `json:"url"`
	Time   time.Time `json:"time"`
}

// A state is a state of the connection. Times are in milliseconds, here and in all messages. T is
// the time since the run began.
type state struct {
	T           float64  `json:"t"`
	State       string   `json:"state"` // "connecting", "open", "waiting" or "closed"
	Attempt     int      `json:"attempt"`
	Reason      string   `json:"reason"`
	Wait        *float64 `json:"wait,omitempty"` // if waiting
	LastEventID string   `json:"lastEventID"`
}

// A requestSent shows the headers of a request. A redirect leads to another request of the same
// attempt.
type requestSent struct {
	T       float64     `json:"t"`
	Attempt int         `json:"attempt"`
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Proto   string      `json:"proto"`
	Headers [][2]string `json:"headers"`
}

// A responseReceived shows the headers of a response.
type responseReceived struct {
	T          float64     `json:"t"`
	Attempt    int         `json:"attempt"`
	Status     int         `json:"status"`
	StatusText string      `json:"statusText"`
	Proto      string      `json:"proto"`
	Headers    [][2]string `json:"headers"`
	Redirected bool        `json:"redirected"` // its request followed a redirect
	Body       string      `json:"body,omitempty"`
}

// An eventReceived shows an event of the stream.
type eventReceived struct {
	N       int      `json:"n"`
	T       float64  `json:"t"`
	Gap     *float64 `json:"gap"` // null for the first event
	Type    string   `json:"type"`
	ID      string   `json:"id"`
	Data    string   `json:"data"`
	Size    int      `json:"size"` // of the whole data
	Cut     bool     `json:"cut"`
	Raw     string   `json:"raw"`
	RawCut  bool     `json:"rawCut"`
	Attempt int      `json:"attempt"`
	Error   bool     `json:"error"` // it reports an error
	Parts   []part   `json:"parts"`
}

// A part is a piece of the output of a model.
type part struct {
	Kind      string `json:"kind"` // "text", "reasoning", "tool" or "error"
	Text      string `json:"text"`
	Paragraph bool   `json:"paragraph"`
}

// A comment shows a comment of the stream.
type comment struct {
	T    float64 `json:"t"`
	Text string  `json:"text"`
}

// An ignoredLine shows a line that the standard ignores.
type ignoredLine struct {
	T    float64 `json:"t"`
	Line string  `json:"line"`
}

// A finding shows a finding of the checker. It is sent again when it has changed.
type finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Section  string `json:"section"`
	Text     string `json:"text"`
	Reason   string `json:"reason"` // why it matters
	Count    int    `json:"count"`
	Line     int    `json:"line"` // of the first occurrence; 0 if it is not about a line
}

// counters are the numbers of a run.
type counters struct {
	T          float64  `json:"t"`
	Events     int      `json:"events"`
	Bytes      int64    `json:"bytes"`
	Rate       float64  `json:"rate"` // events per second
	FirstEvent *float64 `json:"firstEvent"`
	GapP50     *float64 `json:"gapP50"` // null if there were fewer than two events
	GapP95     *float64 `json:"gapP95"`
	GapMax     *float64 `json:"gapMax"`
	Reconnects int      `json:"reconnects"`
	Comments   int      `json:"comments"`
	Ignored    int      `json:"ignored"`
}

// lost reports that messages of the run were dropped before the page got them.
type lost struct {
	From int `json:"from"` // the number of the first
	To   int `json:"to"`   // the number of the last
}

// milliseconds returns d in milliseconds, with a precision of a microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// cut returns the first n bytes of b, without an incomplete character at their end, and whether
// that is less than b.
func cut(b []byte, n int) (string, bool) {
	if len(b) <= n {
		return string(b), false
	}
	return string(wholeRunes(b[:n])), true
}

// wholeRunes returns b without an incomplete character at its end.
func wholeRunes(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if start := len(b) - i; utf8.RuneStart(b[start]) {
			if !utf8.FullRune(b[start:]) {
				b = b[:start]
			}
			break
		}
	}
	return b
}

// shortText returns the first maxText bytes of s.
func shortText(s string) string {
	if len(s) <= maxText {
		return s
	}
	text, _ := cut([]byte(s[:maxText+1]), maxText)
	return text + "…"
}

// headerFields returns the fields of h in the order of their names, without secrets.
func headerFields(h http.Header) [][2]string {
	fields := make([][2]string, 0, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			fields = append(fields, [2]string{name, value})
		}
	}
	return maskFields(fields)
}

// maskFields returns fields without secrets and without what exceeds the limits.
func maskFields(fields [][2]string) [][2]string {
	masked := make([][2]string, 0, len(fields))
	size := 0
	for _, f := range fields {
		value := redact.Header(f[0], f[1])
		f = [2]string{shortText(f[0]), shortText(strings.ToValidUTF8(value, "\ufffd"))}
		if size += len(f[0]) + len(f[1]); size > maxHeaders {
			masked = append(masked, [2]string{"…", "the other headers are not shown"})
			break
		}
		masked = append(masked, f)
	}
	return masked
}
