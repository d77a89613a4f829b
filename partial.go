package sse

import (
	"bytes"
	"math"
	"time"
	"unicode/utf8"
)

// This file handles what a chunk of the stream may cut in two: the byte order mark, a CRLF, and
// lines. An incomplete line that may contribute to an event is held in the buffer until its end
// arrives. Any other line is consumed as it arrives, so its length does not matter: a comment, an
// unknown field, a retry field, and an id field that contains a NUL.

// maxHookText is the length, in bytes, to which the text for OnComment and OnIgnored is cut.
const maxHookText = 4 << 10

// A lineState says what comes next in the stream.
type lineState uint8

const (
	atStart   lineState = iota // the start of the stream, which may be a byte order mark
	atLine                     // the start of a line
	afterCR                    // the start of a line, or the LF of a CRLF
	inComment                  // the rest of a comment
	inRetry                    // the rest of the value of a retry field
	inIgnored                  // the rest of a line that is ignored
	failed                     // nothing; Err returns an error
)

// A partial is the part of a line that has been consumed.
type partial struct {
	text       []byte // the text of a comment, or a line that is or may be ignored; not decoded
	retryValue int64  // the value of a retry field: a number, noDigit or notNumber
}

// resumeLine skips what precedes the start of a line: a byte order mark, the LF of a CRLF, or the
// rest of a line that is being consumed. It reports whether it has reached the start of a line.
//
// A byte order mark that is cut in two stays in the buffer until its last byte arrives, or a byte
// that does not belong to it.
func (p *Parser) resumeLine() bool {
	b := &p.buf
	switch p.state {
	case failed:
		return false
	case atStart:
		const mark = "\xef\xbb\xbf"
		start := b.data[b.pos:min(b.pos+len(mark), b.end)]
		if string(start) == mark {
			b.pos += len(mark)
		} else if string(start) == mark[:len(start)] {
			return false
		}
	case afterCR:
		if b.pos == b.end {
			return false
		}
		if b.data[b.pos] == '\n' {
			b.pos++
		}
	default:
		return p.resumeConsumed()
	}
	p.state = atLine
	return true
}

// resumeConsumed consumes the rest of a line, and reports whether it has reached the start of the
// next one.
func (p *Parser) resumeConsumed() bool {
	b := &p.buf
	end := b.lineEnd(b.pos)
	p.consume(b.data[b.pos:end])
	b.pos = end
	if end == b.end {
		return false
	}
	state := p.state
	p.state = atLine
	b.pos++
	if b.data[end] == '\r' {
		b.pos = p.skipLF(b.pos)
	}
	switch state {
	case inComment:
		p.endComment()
	case inRetry:
		if !p.endRetry() {
			p.endIgnored()
		}
	case inIgnored:
		p.endIgnored()
	}
	return p.state == atLine
}

// skipLF returns the start of the line after a CR at pos-1. If the byte after the CR has not
// arrived, the line has ended nevertheless: an LF that arrives later is skipped by resumeLine.
func (p *Parser) skipLF(pos int) int {
	if pos == p.buf.end {
		p.state = afterCR
	} else if p.buf.data[pos] == '\n' {
		pos++
	}
	return pos
}

// partialLine handles a line whose end has not arrived. It holds the line, or begins to consume it.
// It fails if the event would be too large if the line ended here.
func (p *Parser) partialLine(limit int) {
	b := &p.buf
	line := b.data[b.pos:b.end]
	size := p.size()
	switch {
	case line[0] == ':':
		p.state = inComment
	case bytes.HasPrefix(line, []byte("data:")):
		size += len(fieldValue(line, "data:"))
		if p.data.set {
			size++ // the LF that joins the lines
		}
	case bytes.HasPrefix(line, []byte("event:")):
		size += len(fieldValue(line, "event:")) - p.eventType.len()
	case bytes.HasPrefix(line, []byte("id:")):
		start := max(b.pos+len("id:"), b.searched)
		if i := bytes.IndexByte(b.data[start:b.end], 0); i >= 0 {
			p.state = inIgnored
			size += len(fieldValue(b.data[b.pos:start+i], "id:")) // the part that was held
		} else {
			size += len(fieldValue(line, "id:"))
		}
		size -= p.idBuffer.len()
	case len(line) > len("retry:") && bytes.HasPrefix(line, []byte("retry:")):
		// "retry:" alone is held, because the space that may follow does not belong to the value.
		p.state = inRetry
	case !isPrefixOfField(line):
		p.state = inIgnored
	}
	b.searched = b.end
	if p.state != atLine {
		p.startConsuming(line)
		b.pos = b.end
	}
	if size > limit {
		p.fail(limit)
	}
}

// fieldValue returns the value of the field in line, which starts with prefix.
func fieldValue(line []byte, prefix string) []byte {
	return bytes.TrimPrefix(line[len(prefix):], []byte(" "))
}

// isPrefixOfField reports whether start may be the start of a line with a known field.
func isPrefixOfField(start []byte) bool {
	for _, field := range [...]string{"data:", "event:", "id:", "retry:"} {
		if len(start) <= len(field) && string(start) == field[:len(start)] {
			return true
		}
	}
	return false
}

// startConsuming consumes the first part of a line that is not held.
func (p *Parser) startConsuming(line []byte) {
	p.partial.text = p.partial.text[:0]
	switch p.state {
	case inComment:
		p.addComment(line[1:])
	case inRetry:
		p.partial.retryValue = noDigit
		p.addRetry(fieldValue(line, "retry:"))
		p.addIgnored(line)
	case inIgnored:
		p.addIgnored(line)
	}
}

// consume consumes the next part of a line that is not held.
func (p *Parser) consume(part []byte) {
	switch p.state {
	case inComment:
		p.addComment(part)
	case inRetry:
		p.addRetry(part)
		p.addIgnored(part)
	case inIgnored:
		p.addIgnored(part)
	}
}

// handleComment passes a comment to OnComment.
func (p *Parser) handleComment(text []byte) {
	p.partial.text = p.partial.text[:0]
	p.addComment(text)
	p.endComment()
}

// addComment appends a part of the text of a comment.
func (p *Parser) addComment(part []byte) {
	if p.OnComment != nil {
		p.addText(part)
	}
}

// endComment passes the text of a comment to OnComment.
func (p *Parser) endComment() {
	if p.OnComment != nil {
		p.OnComment(hookText(p.partial.text))
	}
}

// handleIgnored passes a line that is ignored to OnIgnored.
func (p *Parser) handleIgnored(line []byte) {
	p.partial.text = p.partial.text[:0]
	p.addIgnored(line)
	p.endIgnored()
}

// addIgnored appends a part of a line that is or may be ignored.
func (p *Parser) addIgnored(part []byte) {
	if p.OnIgnored != nil || p.onIgnored != nil {
		p.addText(part)
	}
}

// endIgnored passes a line that is ignored to OnIgnored.
func (p *Parser) endIgnored() {
	if p.onIgnored != nil {
		p.onIgnored(p.partial.text)
	}
	if p.OnIgnored != nil {
		p.OnIgnored(hookText(p.partial.text))
	}
}

// incompleteIgnored returns the incomplete last line of a stream that has ended, unless that is a
// comment or a known field.
func (p *Parser) incompleteIgnored() []byte {
	switch p.state {
	case inIgnored:
		return p.partial.text
	case atLine:
		line := p.buf.data[p.buf.pos:p.buf.end]
		field, _, _ := bytes.Cut(line, []byte(":"))
		switch string(field) {
		case "data", "event", "id", "retry":
			return nil
		}
		return line
	}
	return nil
}

// addText appends a part of a text for a hook, up to its limit.
func (p *Parser) addText(part []byte) {
	// Up to three bytes after the limit show whether a character that it cuts is valid.
	n := maxHookText + utf8.UTFMax - 1 - len(p.partial.text)
	p.partial.text = append(p.partial.text, part[:min(n, len(part))]...)
}

// hookText decodes text and cuts it.
func hookText(text []byte) string {
	text = appendUTF8(nil, text)
	return string(text[:cutUTF8(text, maxHookText)])
}

// These are values of retryValue that are not numbers.
const (
	noDigit   = -1 // the empty string
	notNumber = -2 // contains a byte that is not a digit
)

// setRetry sets the reconnection time to value, unless that is not a number. It reports whether it
// did.
func (p *Parser) setRetry(value []byte) bool {
	p.partial.retryValue = noDigit
	p.addRetry(value)
	return p.endRetry()
}

// addRetry appends a part of the value of a retry field.
func (p *Parser) addRetry(part []byte) {
	v := &p.partial.retryValue
	for _, c := range part {
		switch {
		case c < '0' || c > '9' || *v == notNumber:
			*v = notNumber
			return
		case *v < math.MaxInt64/100: // a larger number is too large for a Duration already
			*v = max(*v, 0)*10 + int64(c-'0')
		}
	}
}

// endRetry sets the reconnection time to the value of a retry field, in milliseconds, unless that
// is not a number. It reports whether it did.
func (p *Parser) endRetry() bool {
	ms := p.partial.retryValue
	if ms < 0 {
		return false
	}
	p.retry, p.hasRetry = math.MaxInt64, true
	if ms <= int64(p.retry/time.Millisecond) {
		p.retry = time.Duration(ms) * time.Millisecond
	}
	return true
}
