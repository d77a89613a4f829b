// Package check finds mistakes in event streams.
package check

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
)

// Response reads a response as an event stream and reports what is wrong with it. In
// the header it looks for what prevents clients, caches and proxies from passing
// on each event at once. In the body it looks for what clients ignore or lose,
// and for what prevents them from resuming.
//
// Response reads until the body ends, limit bytes have been read or ctx is done, and
// then closes the body. If limit <= 0, there is no limit. Reaching the limit or
// the end of ctx is not a finding, because a live stream has no end. Make the
// request with the same ctx, so that cancelling it also interrupts a blocked read.
//
// Each rule is reported once, with a count. Response needs less than 2 MiB of memory,
// whatever the server sends.
func Response(ctx context.Context, resp *http.Response, limit int64) Report {
	c := newChecker()
	c.check(ctx, resp, limit)
	return c.report
}

// Stream is like Response for a stream that is not the body of a response, such as a
// file. There is no header to check.
func Stream(ctx context.Context, stream io.ReadCloser, limit int64) Report {
	c := newChecker()
	c.noResponse = true
	c.check(ctx, &http.Response{Body: stream}, limit)
	return c.report
}

func newChecker() *checker {
	c := &checker{
		index: map[string]int{},
		ids:   map[uint64]struct{}{},
		seed:  maphash.MakeSeed(),
		line:  1,
	}
	c.report.Findings = []Finding{}
	return c
}

func (c *checker) check(ctx context.Context, resp *http.Response, limit int64) {
	defer resp.Body.Close()
	defer context.AfterFunc(ctx, func() { resp.Body.Close() })() // interrupts Read
	if c.noResponse || c.checkHeader(resp) {
		c.checkBody(ctx, resp, limit)
	}
}

const (
	maxLine = 8 << 10  // bytes kept of a line
	maxIDs  = 16 << 10 // IDs remembered to find duplicates
)

// A checker checks one response.
type checker struct {
	report     Report
	noResponse bool           // the stream is not the body of a response
	index      map[string]int // index into report.Findings, by rule
	onFinding  func(Finding)  // if not nil, called with each new or changed finding
	timing     timing

	// The current line.
	line        int    // number, starting at 1
	offset      int64  // of its first byte in the body
	prevOffset  int64  // offset of the line before
	text        []byte // the first maxLine bytes of it
	length      int64  // number of its bytes so far
	partialRune []byte // the start of an incomplete UTF-8 sequence at its end
	invalidUTF8 bool
	hasNUL      bool
	afterCR     bool // the line before ended in CR, so an LF belongs to its line ending

	lineEndings struct{ lf, crlf bool }      // that occurred
	colonSpace  struct{ with, without bool } // "data: x" and "data:x" occurred

	block   block
	ids     map[uint64]struct{} // hashes of the IDs that occurred
	idLines int                 // number of valid IDs that are not empty
	seed    maphash.Seed
}

// A block is the lines since the last blank line.
type block struct {
	started         bool // there is a line that is not a comment
	line            int  // of the first such line
	offset          int64
	data, event, id bool  // there is such a field
	validID         bool  // there is an id field without NUL
	dataSize        int64 // bytes of the data fields
	jsonLines       int   // number of data fields that are a JSON object or array
	textLines       int   // number of other data fields that are not empty
}

// add adds a finding about the current line.
func (c *checker) add(rule, format string, args ...any) {
	c.addAt(c.line, c.offset, rule, format, args...)
}

// addResponse adds a finding about the header or about the response as a whole.
func (c *checker) addResponse(rule, format string, args ...any) {
	c.addAt(0, 0, rule, format, args...)
}

func (c *checker) addAt(line int, offset int64, rule, format string, args ...any) {
	if i, ok := c.index[rule]; ok {
		c.report.Findings[i].Count++
		c.found(i)
		return
	}
	r, ok := ruleNamed(rule)
	if !ok {
		panic("check: no rule " + rule)
	}
	c.index[rule] = len(c.report.Findings)
	c.report.Findings = append(c.report.Findings, Finding{
		Severity: r.Severity, Rule: rule, Section: r.Section,
		Line: line, Offset: offset, Count: 1, Message: fmt.Sprintf(format, args...),
	})
	c.found(len(c.report.Findings) - 1)
}

// found passes the finding with index i, which is new or has changed, to onFinding.
func (c *checker) found(i int) {
	if c.onFinding != nil {
		c.onFinding(c.report.Findings[i])
	}
}
