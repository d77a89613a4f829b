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
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse"
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

// header checks status and header, and says whether the body is worth reading.
func (c *checker) header(resp *http.Response) bool {
	add := func(s Severity, rule, section, format string, args ...any) {
		c.addAt(0, 0, s, rule, section, format, args...)
	}
	switch {
	case resp.StatusCode == http.StatusNoContent:
		add(Info, "no-content", "9.2.3", "The status 204 tells clients to stop: they do not connect again.")
		return false
	case resp.StatusCode != http.StatusOK:
		says := ""
		if re := (*sse.ResponseError)(nil); errors.As(sse.DefaultCheckResponse(resp), &re) && len(re.Body) > 0 {
			says = fmt.Sprintf(" The server says %.500q.", re.Body)
		}
		add(Error, "status", "9.2.3", "The status is %d: clients take only 200 for a stream, and browsers do not try again.%s", resp.StatusCode, says)
		return false
	}
	h := resp.Header
	if !c.contentType(h.Values("Content-Type"), add) {
		return false
	}
	get := resp.Request == nil || resp.Request.Method == "" || resp.Request.Method == http.MethodGet
	cc := directives(h.Values("Cache-Control"))
	fresh := func(name string) bool { return cc[name] != "" && cc[name] != "0" }
	switch {
	case cc["no-store"] != "" || cc["no-cache"] != "":
	case fresh("max-age") || fresh("s-maxage") || cc["public"] != "":
		add(Warning, "cacheable", "9.2.3", "Caches may keep this stream and hand it out again: send Cache-Control: no-cache (or no-store).")
	case get && cc["max-age"] == "":
		add(Info, "cache-control", "9.2.3", "No Cache-Control tells caches to stay away: send Cache-Control: no-cache (or no-store).")
	}
	switch buffering := h.Get("X-Accel-Buffering"); {
	case strings.EqualFold(buffering, "no"):
	case buffering != "":
		add(Warning, "accel-buffering", "9.2.7", "X-Accel-Buffering: %q lets nginx hold events back: send X-Accel-Buffering: no.", clip(buffering))
	default:
		add(Info, "accel-buffering", "9.2.7", "An nginx on the way would hold events back: X-Accel-Buffering: no tells it not to (nginx removes that header where it obeys it).")
	}
	if h.Get("Content-Length") != "" {
		add(Warning, "content-length", "9.2.7", "A Content-Length says that the answer is made in advance: leave it out, and send each event when it happens.")
	}
	encoding := strings.Join(h.Values("Content-Encoding"), ", ")
	if resp.Uncompressed || !accepted(http.Header{"Content-Type": {"text/event-stream"}, "Content-Encoding": {encoding}}) {
		add(Info, "compressed", "9.2.7", "The stream is compressed: the compressor has to be flushed after each event, or clients get it late.")
		if resp.Uncompressed {
			return true
		}
		if resp.Request != nil && resp.Request.Header.Get("Accept-Encoding") != "" {
			add(Warning, "not-decoded", "9.2.5", "The body has the encoding %q, which this check does not decode: ask without Accept-Encoding.", clip(encoding))
		} else {
			add(Error, "not-decoded", "9.2.5", "The body has the encoding %q, which was not asked for: clients can't read it. Send what Accept-Encoding allows.", clip(encoding))
		}
		return false
	}
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		add(Info, "unknown-encoding", "9.2.5", "The Content-Encoding %q is none: browsers read the body as it is, some clients refuse it. Cache-Control: no-transform keeps proxies from compressing, too.", clip(encoding))
	}
	return true
}

// accepted says what the library makes of a header.
func accepted(h http.Header) bool {
	return sse.DefaultCheckResponse(&http.Response{StatusCode: http.StatusOK, Header: h, Body: http.NoBody}) == nil
}

func (c *checker) contentType(values []string, add func(Severity, string, string, string, ...any)) bool {
	if len(values) == 0 {
		add(Error, "content-type", "9.2.3", "There is no Content-Type: clients refuse what is not text/event-stream.")
		return true
	}
	all := strings.Join(values, ", ")
	if strings.Contains(all, ",") {
		add(Warning, "content-types", "9.2.3", "The Content-Type is %q, and clients differ in which of several they take: send one.", clip(all))
	}
	last := values[len(values)-1]
	if !accepted(http.Header{"Content-Type": values}) {
		add(Error, "content-type", "9.2.3", "The Content-Type is %q: clients refuse what is not text/event-stream.", clip(all))
		last = strings.ToLower(last)
		return !strings.Contains(last, "html") && !strings.Contains(last, "json") && !strings.Contains(last, "xml") // it may be one all the same
	}
	if _, params, err := mime.ParseMediaType(last); err == nil {
		if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
			add(Warning, "charset", "9.2.5", "The charset %q is ignored: an event stream is always read as UTF-8.", clip(charset))
		}
	}
	return true
}

// directives splits a Cache-Control header; a directive without a value is "-".
func directives(values []string) map[string]string {
	m := map[string]string{}
	for _, d := range strings.Split(strings.Join(values, ","), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(d), "=")
		if !ok {
			value = "-"
		}
		m[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	return m
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

// write takes the next bytes of the body.
func (c *checker) write(b []byte) {
	c.report.Bytes += int64(len(b))
	if c.afterCR && len(b) > 0 {
		c.afterCR = false
		if b[0] == '\n' {
			c.ends.crlf = true
			c.offset++
			b = b[1:]
		} else {
			c.bareCR()
		}
	}
	for len(b) > 0 {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			c.addText(b)
			return
		}
		c.addText(b[:i])
		c.endLine()
		c.line++
		c.before, c.offset = c.offset, c.offset+c.length+1
		c.text, c.length, c.bad, c.tail = c.text[:0], 0, false, nil
		c.nul = false
		if b[i] == '\n' {
			c.ends.lf = true
		} else if i+1 == len(b) {
			c.afterCR = true
		} else if b[i+1] == '\n' {
			c.ends.crlf = true
			c.offset++
			i++
		} else {
			c.bareCR()
		}
		b = b[i+1:]
	}
}

func (c *checker) bareCR() {
	c.addAt(c.line-1, c.before, Warning, "bare-cr", "9.2.5", "A line ends in CR alone: that is allowed, but many clients do not know it. Send LF.")
}

func (c *checker) addText(b []byte) {
	c.length += int64(len(b))
	c.nul = c.nul || bytes.IndexByte(b, 0) >= 0
	c.text = append(c.text, b[:min(len(b), checkedLine-len(c.text))]...)
	if len(c.tail) > 0 {
		b = append(c.tail, b...)
		c.tail = nil
	}
	for len(b) > 0 && !c.bad {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(b) {
				c.tail = bytes.Clone(b)
				return
			}
			c.bad = true
		}
		b = b[n:]
	}
}

// bare is the line at hand, without a byte order mark.
func (c *checker) bare() []byte {
	if c.line == 1 {
		return bytes.TrimPrefix(c.text, []byte("\ufeff"))
	}
	return c.text
}

// endLine judges the line at hand.
func (c *checker) endLine() {
	if c.bad || len(c.tail) > 0 {
		if bytes.HasPrefix(c.bare(), []byte(":")) {
			c.add(Info, "utf-8-comment", "9.2.5", "The comment is not valid UTF-8: clients ignore it.")
		} else {
			c.add(Error, "utf-8", "9.2.5", "The line is not valid UTF-8: clients put U+FFFD in place of what they can't read. Send UTF-8 only, and cut no character.")
		}
	}
	text := string(c.bare())
	if len(text) < len(c.text) {
		c.add(Info, "bom", "9.2.5", "The stream begins with a byte order mark: clients skip it, so it can be left out.")
	}
	if text == "" {
		c.endBlock()
		return
	}
	if text[0] == ':' {
		c.report.Comments++
		return
	}
	if !c.block.begun {
		c.block.begun, c.block.line, c.block.offset = true, c.line, c.offset
	}
	name, value, colon := strings.Cut(text, ":")
	switch name {
	case "data":
		c.block.data = true
		c.block.size += c.length - int64(len("data:"))
		switch {
		case strings.HasPrefix(value, " "):
			c.gaps.with = true
		case value != "":
			c.gaps.without = true
		}
	case "event":
		if c.block.event {
			c.add(Warning, "two-events", "9.2.6", "An event has two event fields, of which the last counts: is a blank line missing between two events?")
		}
		c.block.event = true
		c.event(strings.TrimPrefix(value, " "))
	case "id":
		if c.block.id {
			c.add(Warning, "two-ids", "9.2.6", "An event has two id fields, of which the last counts: is a blank line missing between two events?")
		}
		c.block.id = true
		c.block.accepted = strings.IndexByte(value, 0) < 0 || c.block.accepted
		c.id(value)
	case "retry":
		c.retry(strings.TrimPrefix(value, " "))
	default:
		c.unknown(name, colon)
	}
}

func (c *checker) event(value string) {
	switch bare := strings.Trim(value, " \t"); {
	case bare != value && bare != "":
		c.add(Warning, "event-space", "9.2.6", "The event type %q begins or ends with a space or tab, which is part of it: who listens for %q does not get it.", clip(value), clip(bare))
	case value == "error" || value == "open":
		c.add(Info, "event-own", "9.2.2", "The event type %q is that of an event of EventSource's own: in a browser a listener gets both.", value)
	}
}

func (c *checker) id(value string) {
	outer := strings.HasPrefix(value, "  ") || strings.HasPrefix(value, " \t") || strings.HasPrefix(value, "\t")
	value = strings.TrimPrefix(value, " ")
	switch {
	case value == "":
		c.add(Info, "id-reset", "9.2.6", "An empty id field takes the last event ID away: a client that connects again after it begins anew.")
		return
	case c.nul:
		c.add(Error, "id-nul", "9.2.6", "The id has a NUL, so that clients ignore it: leave it out.")
		return
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		c.add(Warning, "id-control", "9.2.4", "The id %q has a control character, which no header can carry: clients can't send it back in Last-Event-ID.", clip(value))
	case outer || strings.TrimRight(value, " \t") != value:
		c.add(Warning, "id-space", "9.2.4", "The id %q begins or ends with a space or tab, which gets lost in the Last-Event-ID header.", clip(value))
	case len(value) > 4<<10:
		c.add(Warning, "id-long", "9.2.4", "The id has %d bytes: many servers and proxies refuse so long a Last-Event-ID header. Stay below 4 KiB.", c.length-int64(len(c.text)-len(value)))
	}
	c.idLines++
	if c.length > int64(len(c.text)) {
		return // what was kept of it may be the same
	}
	hash := maphash.String(c.seed, value)
	if _, ok := c.ids[hash]; ok {
		c.add(Warning, "id-again", "9.2.4", "The id %q came before: with it a client can't say which of these events it had last. Give each event an id of its own.", clip(value))
	} else if len(c.ids) < checkedIDs {
		c.ids[hash] = struct{}{}
	}
}

func (c *checker) retry(value string) {
	if value == "" || strings.Trim(value, "0123456789") != "" {
		c.add(Error, "retry-digits", "9.2.6", "The retry value %q is ignored: it has to be a number of milliseconds, in ASCII digits only.", clip(value))
		return
	}
	switch ms, err := strconv.ParseInt(value, 10, 64); {
	case err != nil || ms > (24*time.Hour).Milliseconds():
		c.add(Warning, "retry-long", "9.2.6", "The retry value %s is more than a day: a client that loses its connection stays away that long. The unit is milliseconds.", clip(value))
	case ms < 100:
		c.add(Warning, "retry-short", "9.2.6", "The retry value %s is less than 100 ms: all clients come back at once when the server restarts. The unit is milliseconds.", value)
	}
}

const lineEndInData = "Is there a line end within the data? Each line of it needs its own \"data: \"."

func (c *checker) unknown(name string, colon bool) {
	switch almost := strings.ToLower(strings.Trim(name, " \t\ufeff\x00")); {
	case almost == "data" || almost == "event" || almost == "id" || almost == "retry":
		c.add(Error, "almost-a-field", "9.2.6", "The line is ignored: %q is not %q. Field names are lower case, at the start of the line and directly before the colon.", clip(name), almost)
	case colon && isName(name):
		hint := "Put what clients shall see into data."
		if c.block.data {
			hint = lineEndInData
		}
		c.add(Warning, "unknown-field", "9.2.6", "The field %q is ignored: the fields are data, event, id and retry. %s", clip(name), hint)
	default:
		c.add(Error, "not-a-field", "9.2.6", "The line %q is ignored: it has no field name. %s", clip(string(c.text)), lineEndInData)
	}
}

// isName says whether s looks like the name of a field that somebody meant.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

func (c *checker) endBlock() {
	b := c.block
	c.block = block{}
	if !b.data {
		if b.event {
			c.addAt(b.line, b.offset, Warning, "no-data", "9.2.6", "The event has no data field, so that clients do not dispatch it: add one, be it empty (\"data:\").")
		}
		return
	}
	c.report.Events++
	if !b.id && c.idLines > 0 {
		c.addAt(b.line, b.offset, Info, "event-without-id", "9.2.4", "The event has no id, others have: a client that lost its connection after it gets it again.")
	}
	if b.size > 64<<10 {
		c.addAt(b.line, b.offset, Info, "large-event", "9.2.6", "The event has %d bytes of data: some clients refuse lines or events of more than 64 KiB.", b.size)
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
