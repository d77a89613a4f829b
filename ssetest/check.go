package ssetest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

// Check reads the answer of a server as an event stream and reports what is
// wrong with it: in the header what keeps clients, caches and proxies from
// handing on each event at once; in the body what clients ignore or lose, and
// what can't be resumed.
//
// It reads until the body ends, limit bytes are read (limit <= 0: as many as
// there are) or ctx is done, and closes the body. Neither of the last two is a
// finding: a live stream has no end. The request should have been made with ctx,
// too: that breaks off every read, the first of a compressed body as well. Each rule is reported once, with a count, and
// what is kept of a line is bounded: Check needs less than 2 MiB of memory,
// whatever the server sends.
func Check(ctx context.Context, resp *http.Response, limit int64) Report {
	defer resp.Body.Close()
	c := &checker{index: map[string]int{}, ids: map[uint64]struct{}{}, seed: maphash.MakeSeed(), line: 1}
	c.report.Findings = []Finding{}
	defer context.AfterFunc(ctx, func() { resp.Body.Close() })() // unblocks Read
	if c.header(resp) {
		c.read(ctx, resp, limit)
	}
	return c.report
}

// checkedLine is how much of a line is kept to judge it, checkedIDs how many
// ids are remembered to find one that comes again.
const (
	checkedLine = 8 << 10
	checkedIDs  = 16 << 10
)

type checker struct {
	report Report
	index  map[string]int // of Findings, by rule

	line    int    // the number of the line at hand
	offset  int64  // where it begins
	before  int64  // where the line before it begins
	text    []byte // its first bytes
	length  int64  // all its bytes so far
	tail    []byte // of a UTF-8 sequence that is not complete
	bad     bool   // the line has invalid UTF-8
	nul     bool   // it has a NUL
	afterCR bool   // an LF would belong to the CR before it

	ends struct{ lf, crlf bool }      // seen
	gaps struct{ with, without bool } // "data: x", "data:x" seen

	block   block
	ids     map[uint64]struct{} // hashes
	idLines int                 // with an id that counts
	seed    maphash.Seed
}

// A block is what there is since the last blank line.
type block struct {
	begun           bool // has a line that is no comment
	line            int
	offset          int64
	data, event, id bool
	accepted        bool  // an id
	size            int64 // of its data
}

// add notes a finding at the line at hand.
func (c *checker) add(s Severity, rule, section, format string, args ...any) {
	c.addAt(c.line, c.offset, s, rule, section, format, args...)
}

func (c *checker) addAt(line int, offset int64, s Severity, rule, section, format string, args ...any) {
	if i, ok := c.index[rule]; ok {
		c.report.Findings[i].Count++
		return
	}
	c.index[rule] = len(c.report.Findings)
	c.report.Findings = append(c.report.Findings, Finding{
		Severity: s, Rule: rule, Section: section, Line: line, Offset: offset, Count: 1, Message: fmt.Sprintf(format, args...),
	})
}

// read checks the body.
func (c *checker) read(ctx context.Context, resp *http.Response, limit int64) {
	buf := make([]byte, 32<<10)
	last, silence := time.Now(), time.Duration(0)
	begun := last // when what is at hand came: a block with data, or a line; or else the body
	for limit <= 0 || c.report.Bytes < limit {
		part := buf
		if limit > 0 {
			part = buf[:min(int64(len(buf)), limit-c.report.Bytes)]
		}
		n, err := resp.Body.Read(part)
		now := time.Now()
		silence, last = max(silence, now.Sub(last)), now
		events, pending := c.report.Events, c.block.data || len(c.text) > 0
		c.write(part[:n])
		if n > 0 && (!pending || c.report.Events > events) {
			begun = now
		}
		if err != nil {
			c.end(ctx, resp, err)
			break
		}
	}
	if ctx.Err() != nil && time.Since(begun) >= patience {
		c.nothing()
	}
	if c.report.Complete && c.report.Bytes == 0 && (resp.Request == nil || resp.Request.Method != http.MethodHead) {
		c.addAt(0, 0, Warning, "empty", "9.2.3", "The body is empty: clients that connect again do so again and again. Where there is nothing to say, answer with 204 No Content.")
	}
	if silence > 30*time.Second {
		c.addAt(0, 0, Info, "silence", "9.2.7", "Nothing came for %v: proxies drop a connection that is silent; send a comment every 15 seconds or so.", silence.Round(time.Second))
	}
	if c.report.Events > 0 && c.idLines == 0 {
		c.addAt(0, 0, Info, "no-ids", "9.2.4", "No event has an id: a client that lost its connection can't say where to go on. Send id fields if events shall not be lost.")
	}
	if i, ok := c.index["id-again"]; ok && c.report.Findings[i].Count*4 < c.idLines {
		c.report.Findings[i].Severity = Info // ids made of the time do that now and then
	}
	if c.gaps.with && c.gaps.without {
		c.addAt(0, 0, Warning, "ambiguous-space", "9.2.6", "Some values follow their colon at once, others after a space: a client removes that space, also where it belongs to the value. Always send \"data: \" with a space.")
	}
	if c.ends.lf && c.ends.crlf {
		c.addAt(0, 0, Info, "mixed-line-ends", "9.2.5", "Lines end in LF here and in CRLF there: that is allowed, but some proxy or program on the way may have changed the stream.")
	}
}

// patience is how long a server may take for the first line and the first event.
const patience = 3 * time.Second

// nothing says why there was no event so far.
func (c *checker) nothing() {
	text := c.bare()
	switch {
	case c.report.Events > 0:
	case c.report.Bytes == 0:
		c.addAt(0, 0, Info, "nothing", "9.2.7", "No byte came after the header: is each event flushed? A comment at the beginning shows that the stream is open.")
	case c.block.data:
		c.addAt(c.block.line, c.block.offset, Error, "no-blank-line", "9.2.6", "There is data, but no blank line after it: clients wait for that. End each event with a blank line (\"\\n\\n\").")
	case len(text) == 0 || text[0] == ':':
	case bytes.Contains(text, []byte(`\n\n`)):
		c.add(Error, "no-line-end", "9.2.5", "There is no line end, but a backslash and an n: clients wait for it. Send a line feed, the byte 0x0A.")
	default:
		c.add(Error, "no-line-end", "9.2.5", "The line does not end: clients wait for that, and for a blank line after it.")
	}
}

// end judges how the body ended.
func (c *checker) end(ctx context.Context, resp *http.Response, err error) {
	if err != io.EOF && ctx.Err() != nil {
		return
	}
	if c.afterCR {
		c.bareCR()
	}
	text := c.bare()
	unfinished := c.block.data || c.block.event || c.block.accepted || len(text) > 0 && text[0] != ':'
	if len(text) > 0 && !c.block.begun {
		c.block.line, c.block.offset = c.line, c.offset
	}
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, new(flate.CorruptInputError)),
		resp.Uncompressed && c.report.Bytes == 0 && err == io.ErrUnexpectedEOF: // shorter than its header
		c.addAt(0, 0, Error, "bad-gzip", "9.2.5", "The body is not the gzip that the Content-Encoding says: %v.", err)
	case err != io.EOF:
		c.add(Warning, "broken-off", "9.2.3", "The connection broke off: %v.", err)
	case unfinished:
		c.report.Complete = true
		c.addAt(c.block.line, c.block.offset, Error, "unfinished", "9.2.6", "The stream ends within an event, which clients throw away: end each event with a blank line, the last one, too.")
	default:
		c.report.Complete = true
	}
	if c.report.Complete && c.report.Events > 0 && (resp.Request == nil || resp.Request.Method == http.MethodGet) {
		c.addAt(0, 0, Info, "ends", "9.2.3", "The stream ended: browsers connect again after that. If there is nothing more to come, answer their next request with 204 No Content.")
	}
}

// clip shortens what a message quotes.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
