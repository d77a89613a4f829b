package ssetest

import (
	"fmt"
	"strconv"
	"strings"
)

// A Severity says how bad a [Finding] is.
type Severity int

const (
	Info    Severity = iota // worth knowing; nothing is lost
	Warning                 // works here, fails with some clients, proxies or after a reconnection
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

// MarshalText returns what String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Finding is something that [Check] found.
type Finding struct {
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`           // a short name for what is wrong, the same every time
	Section  string   `json:"section"`        // of the HTML standard, such as "9.2.6"
	Line     int      `json:"line,omitempty"` // of the body, from 1; 0: the header, or the answer as a whole
	Offset   int64    `json:"offset"`         // bytes of the body before that line
	Count    int      `json:"count"`          // how many times; Line, Offset and Message are those of the first
	Message  string   `json:"message"`        // what is wrong and what to do, a sentence or two
}

// String returns the finding on one line.
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

// A Report is what [Check] has to say of an answer.
type Report struct {
	Findings []Finding `json:"findings"` // in the order of the answer, one for each rule at most
	Events   int       `json:"events"`   // that a client dispatches
	Comments int       `json:"comments"`
	Bytes    int64     `json:"bytes"`    // of the body, as far as it was read
	Complete bool      `json:"complete"` // the body was read to its end
}

// Worst returns the severity of the worst finding, and whether there is any.
func (r Report) Worst() (worst Severity, ok bool) {
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst, len(r.Findings) > 0
}
