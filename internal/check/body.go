package check

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// patience is how long a server may take to complete the first line and the first event.
	patience = 3 * time.Second
	// maxSilence is how long a server may send nothing.
	maxSilence = 30 * time.Second
)

// A timing is when the bytes of the body were received.
type timing struct {
	last    time.Time     // the last read, or the header
	silence time.Duration // the longest time between two reads
	started time.Time     // of the current line, or of the current block with data
}

// checkBody reads and checks the body.
func (c *checker) checkBody(ctx context.Context, resp *http.Response, limit int64) {
	buf := make([]byte, 32<<10)
	c.startBody(time.Now())
	for limit <= 0 || c.report.Bytes < limit {
		part := buf
		if limit > 0 {
			part = buf[:min(int64(len(buf)), limit-c.report.Bytes)]
		}
		n, err := resp.Body.Read(part)
		c.received(part[:n], time.Now())
		if err != nil {
			c.checkEnd(ctx, resp, err)
			break
		}
	}
	c.finish(ctx, resp)
}

// startBody starts to measure the times of the body.
func (c *checker) startBody(now time.Time) {
	c.timing = timing{last: now, started: now}
}

// received checks b, which was read from the body.
func (c *checker) received(b []byte, now time.Time) {
	c.timing.silence, c.timing.last = max(c.timing.silence, now.Sub(c.timing.last)), now
	events, pending := c.report.Events, c.block.data || len(c.text) > 0
	c.write(b)
	if len(b) > 0 && (!pending || c.report.Events > events) {
		c.timing.started = now
	}
}

// finish checks what is known only when nothing more is read. If ctx is done, the body has not
// ended.
func (c *checker) finish(ctx context.Context, resp *http.Response) {
	if waited := time.Since(c.timing.started); ctx.Err() != nil && waited >= patience {
		c.checkNoEvents(resp, waited)
	}
	isHead := resp.Request != nil && resp.Request.Method == http.MethodHead
	if c.report.Complete && c.report.Bytes == 0 && !isHead {
		c.addResponse("empty-body", "The body is empty, so clients reconnect again and again. "+
			"If there is nothing to send, respond with 204 No Content.")
	}
	if c.report.Complete && c.report.Bytes > 0 && c.report.Events == 0 {
		c.addResponse("no-events", "The stream ends without an event. If there is nothing to send, "+
			"respond with 204 No Content.")
	}
	if silence := c.timing.silence; silence > maxSilence {
		c.addResponse("silence", "The server sent nothing for %v, and proxies close connections "+
			"that are silent. Send a comment about every 15 seconds.", silence.Round(time.Second))
	}
	if c.report.Events > 0 && c.idLines == 0 {
		c.addResponse("no-ids", "No event has an ID, so a client that lost the connection cannot "+
			"say where to resume. Send id fields if no event may be lost.")
	}
	// IDs that are times repeat now and then, which is less serious.
	if i, ok := c.index["duplicate-id"]; ok && c.report.Findings[i].Count*4 < c.idLines {
		c.report.Findings[i].Severity = Info
		c.found(i)
	}
	c.checkMixtures()
}

// checkMixtures checks for things that occur in the stream, but should not occur in the same one.
func (c *checker) checkMixtures() {
	has := func(rule string) bool { _, ok := c.index[rule]; return ok }
	if c.colonSpace.with && c.colonSpace.without && !has("ambiguous-space") {
		c.addResponse("ambiguous-space", "Some values have a space after the colon and others do "+
			"not. Clients remove that space, even if it belongs to the value. Always send "+
			"\"data: \" with a space.")
	}
	if c.lineEndings.lf && c.lineEndings.crlf && !has("mixed-line-endings") {
		c.addResponse("mixed-line-endings", "Some lines end in LF and others in CRLF. The standard "+
			"allows that, but a proxy may have changed the stream.")
	}
}

// checkNoEvents reports why there has not been any event. The stream has waited for the
// rest of a line or an event for the given time.
func (c *checker) checkNoEvents(resp *http.Response, waited time.Duration) {
	text := c.lineText()
	switch {
	case c.report.Events > 0:
	case c.report.Bytes == 0 && resp.Uncompressed:
		c.addResponse("compression-stalled", "The stream is compressed, and nothing could be decoded "+
			"for %v. The compressor may not be flushed after each event. Make the request with "+
			"Accept-Encoding: identity to receive events at once.", waited.Round(time.Second))
	case c.report.Bytes == 0:
		c.addResponse("no-data", "Nothing was received after the header. Flush each event, and "+
			"send a comment at the start, so that clients see that the stream is open.")
	case c.block.data:
		c.addAt(c.block.line, c.block.offset, "no-blank-line", "There is data, but no blank line "+
			"follows, so clients keep waiting. End each event with a blank line (\"\\n\\n\").")
	case len(text) == 0 || text[0] == ':':
	case bytes.Contains(text, []byte(`\n\n`)):
		c.add("no-line-ending", "The line has no line ending, but contains a backslash and an n. "+
			"Send a line feed, which is the byte 0x0A.")
	default:
		c.add("no-line-ending", "The line has no line ending, so clients keep waiting for it and "+
			"for the blank line after it.")
	}
}

// checkEnd checks how the body ended.
func (c *checker) checkEnd(ctx context.Context, resp *http.Response, err error) {
	if err != io.EOF && ctx.Err() != nil {
		return
	}
	if c.afterCR {
		c.addBareCR()
	}
	text := c.lineText()
	incomplete := c.block.data || c.block.event || c.block.validID || len(text) > 0 && text[0] != ':'
	if len(text) > 0 && !c.block.started {
		c.block.line, c.block.offset = c.line, c.offset
	}
	switch {
	case isGzipError(resp, err, c.report.Bytes):
		c.addResponse("invalid-gzip", "The Content-Encoding is gzip, but the body is not: %v.", err)
	case err != io.EOF:
		c.add("connection-lost", "The connection was lost: %v.", err)
	case incomplete:
		c.report.Complete = true
		c.addAt(c.block.line, c.block.offset, "incomplete-event", "The stream ends within an "+
			"event, which clients discard. End each event with a blank line, also the last one.")
	default:
		c.report.Complete = true
	}
	if c.report.Complete && c.report.Events > 0 && isGet(resp) && !c.noResponse {
		c.addResponse("stream-ended", "The stream ended, after which browsers reconnect. If there "+
			"is nothing more to send, respond to their next request with 204 No Content.")
	}
}

func isGzipError(resp *http.Response, err error, n int64) bool {
	return errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.As(err, new(flate.CorruptInputError)) ||
		resp.Uncompressed && n == 0 && err == io.ErrUnexpectedEOF // shorter than a gzip header
}
