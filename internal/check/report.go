package check

import (
	"fmt"
	"strconv"
	"strings"
)

// A Severity says how serious a [Finding] is.
type Severity int

const (
	Info    Severity = iota // worth knowing; nothing is lost
	Warning                 // fails with some clients or proxies, or after a reconnection
	Error                   // a client that follows the standard loses or refuses something
)

// String returns "info", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return "Severity(" + strconv.Itoa(int(s)) + ")"
}

// MarshalText returns the text of String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Finding describes one thing that [Response] found.
type Finding struct {
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`           // name of the rule, which does not change
	Section  string   `json:"section"`        // of the HTML standard, such as "9.2.6"
	Line     int      `json:"line,omitempty"` // of the body, from 1; 0 if not about a line
	Offset   int64    `json:"offset"`         // number of bytes of the body before that line
	Count    int      `json:"count"`          // of occurrences; the other fields describe the first
	Message  string   `json:"message"`        // what is wrong and what to do about it
}

// String returns the finding as one line.
func (f Finding) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	fmt.Fprintf(&b, "%v: %s", f.Severity, f.Message)
	if f.Count > 1 {
		fmt.Fprintf(&b, " (%d times)", f.Count)
	}
	fmt.Fprintf(&b, " [%s %s]", f.Section, f.Rule)
	return b.String()
}

// A Report is the result of [Response].
type Report struct {
	Findings []Finding `json:"findings"` // in order of occurrence, at most one for each rule
	Events   int       `json:"events"`   // number of events that a client dispatches
	Comments int       `json:"comments"` // number of comment lines
	Bytes    int64     `json:"bytes"`    // number of bytes read of the body
	Complete bool      `json:"complete"` // whether the body was read to its end
}

// Worst returns the highest severity of the findings. The boolean ok is false if
// there are none.
func (r Report) Worst() (worst Severity, ok bool) {
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst, len(r.Findings) > 0
}
