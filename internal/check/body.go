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

// checkBody reads and checks the body.
func (c *checker) checkBody(ctx context.Context, resp *http.Response, limit int64) {
	buf := make([]byte, 32<<10)
	last, silence := time.Now(), time.Duration(0)
	started := last // when the current line or the current block with data started
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
			started = now
		}
		if err != nil {
			c.checkEnd(ctx, resp, err)
			break
		}
	}
	if waited := time.Since(started); ctx.Err() != nil && waited >= patience {
		c.checkNoEvents(resp, waited)
	}
	c.checkWhole(resp, silence)
}

// checkWhole checks what is known only after the body has been read.
func (c *checker) checkWhole(resp *http.Response, silence time.Duration) {
	isHead := resp.Request != nil && resp.Request.Method == http.MethodHead
	if c.report.Complete && c.report.Bytes == 0 && !isHead {
		c.addResponse("empty-body", "The body is empty, so clients reconnect again and again. "+
			"If there is nothing to send, respond with 204 No Content.")
	}
	if c.report.Complete && c.report.Bytes > 0 && c.report.Events == 0 {
		c.addResponse("no-events", "The stream ends without an event. If there is nothing to send, "+
			"respond with 204 No Content.")
	}
	if silence > maxSilence {
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
	}
	if c.colonSpace.with && c.colonSpace.without {
		c.addResponse("ambiguous-space", "Some values have a space after the colon and others do "+
			"not. Clients remove that space, even if it belongs to the value. Always send "+
			"\"data: \" with a space.")
	}
	if c.lineEndings.lf && c.lineEndings.crlf {
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
	isGet := resp.Request == nil || resp.Request.Method == http.MethodGet
	if c.report.Complete && c.report.Events > 0 && isGet && !c.noResponse {
		c.addResponse("stream-ended", "The stream ended, after which browsers reconnect. If there "+
			"is nothing more to send, respond to their next request with 204 No Content.")
	}
}

func isGzipError(resp *http.Response, err error, n int64) bool {
	return errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.As(err, new(flate.CorruptInputError)) ||
		resp.Uncompressed && n == 0 && err == io.ErrUnexpectedEOF // shorter than a gzip header
}
