package ssetest

import (
	"context"
	"net/http"

	"github.com/seed-0d85b69d/sse/internal/check"
)

// Check reads a response as an event stream and reports what is wrong with it. In
// the header it looks for what prevents clients, caches and proxies from passing
// on each event at once. In the body it looks for what clients ignore or lose,
// and for what prevents them from resuming. [Rules] lists all of it.
//
// Check reads until the body ends, limit bytes have been read or ctx is done, and
// then closes the body. If limit <= 0, there is no limit. Reaching the limit or
// the end of ctx is not a finding, because a live stream has no end. Make the
// request with the same ctx, so that cancelling it also interrupts a blocked read.
//
// Each rule is reported once, with a count. Check needs less than 2 MiB of memory,
// whatever the server sends.
func Check(ctx context.Context, resp *http.Response, limit int64) Report {
	return check.Response(ctx, resp, limit)
}

// A Report is the result of [Check]:
//
//	type Report struct {
//		Findings []Finding // in order of occurrence, at most one for each rule
//		Events   int       // number of events that a client dispatches
//		Comments int       // number of comment lines
//		Bytes    int64     // number of bytes read of the body
//		Complete bool      // whether the body was read to its end
//	}
//
// Its method Worst returns the highest severity of the findings.
type Report = check.Report

// A Finding describes one thing that [Check] found:
//
//	type Finding struct {
//		Severity Severity
//		Rule     string // name of the rule, which does not change
//		Section  string // of the HTML standard, such as "9.2.6"
//		Line     int    // of the body, from 1; 0 if not about a line
//		Offset   int64  // number of bytes of the body before that line
//		Count    int    // of occurrences; the other fields describe the first
//		Message  string // what is wrong and what to do about it
//	}
//
// Its method String returns the finding as one line.
type Finding = check.Finding

// A Severity says how serious a [Finding] is.
type Severity = check.Severity

// These are the severities, in ascending order.
const (
	Info    = check.Info    // worth knowing; nothing is lost
	Warning = check.Warning // fails with some clients or proxies, or after a reconnection
	Error   = check.Error   // a client that follows the standard loses or refuses something
)

// A Rule describes what a [Finding] with its name means:
//
//	type Rule struct {
//		Name     string
//		Severity Severity // the highest severity of its findings
//		Section  string   // of the HTML standard
//		Reason   string   // why it matters
//	}
type Rule = check.Rule

// Rules returns the rules of [Check]: first those about the response, then those
// about the stream as a whole, then those about lines.
func Rules() []Rule { return check.Rules() }
