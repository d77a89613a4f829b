package sse

import (
	"bytes"
	"math"
	"time"
)

// What a parser does not hold: the byte order mark, comments, unknown fields, the digits of retry,
// and an id from its NUL on stream by, however long they are and however they are cut.

// state says what Next meets before the start of a line.
type state uint8

const (
	atStart   state = iota // a byte order mark may come
	atLine                 // nothing
	afterCR                // an LF would belong to the CR before it
	inComment              // the rest of a line whose beginning has streamed by
	inRetry
	inOther
	failed
)

// enter takes what comes before a line: the byte order mark, an LF after a CR, the rest of a line
// that streams by. It reports whether the start of a line was reached.
func (p *Parser) enter() bool {
	switch p.state {
	case failed:
		return false
	case atStart:
		const mark = "\xef\xbb\xbf"
		b := p.win[p.pos:min(p.pos+len(mark), p.end)]
		if string(b) == mark {
			p.pos += len(mark)
		} else if string(b) == mark[:len(b)] {
			return false
		}
	case afterCR:
		if p.pos == p.end {
			return false
		}
		if p.win[p.pos] == '\n' {
			p.pos++
		}
	default:
		eol := p.lineEnd(p.pos)
		p.stream(p.win[p.pos:eol])
		p.pos = eol
		if eol == p.end {
			return false
		}
		was := p.state
		p.state = atLine
		if p.pos++; p.win[eol] == '\r' {
			p.pos = p.skipLF(p.pos)
		}
		switch was {
		case inComment:
			p.endComment()
		case inRetry:
			p.endRetry()
		}
		return p.state == atLine
	}
	p.state = atLine
	return true
}

// skipLF returns where the next line starts after a CR at pos-1. Nobody waits for an LF.
func (p *Parser) skipLF(pos int) int {
	if pos == p.end {
		p.state = afterCR
	} else if p.win[pos] == '\n' {
		pos++
	}
	return pos
}

// unfinished decides what to do with a line whose end has not come: hold it, or let it stream by.
func (p *Parser) unfinished(limit int) {
	line := p.win[p.pos:p.end]
	size := p.size() // of the event, were this the end of the line
	switch {
	case line[0] == ':':
		p.state, p.comment = inComment, p.comment[:0]
		line = line[1:]
	case bytes.HasPrefix(line, []byte("data:")):
		size += len(value(line, 5))
		if p.hasData {
			size++
		}
	case bytes.HasPrefix(line, []byte("event:")):
		size += len(value(line, 6)) - p.typeLen()
	case bytes.HasPrefix(line, []byte("id:")):
		held := max(p.pos+3, p.seen)
		nul := bytes.IndexByte(p.win[held:p.end], 0)
		if nul >= 0 {
			p.state = inOther
			line = p.win[p.pos : held+nul]
		}
		size += len(value(line, 3)) - p.nextID.len()
	case len(line) > 6 && bytes.HasPrefix(line, []byte("retry:")):
		p.state, p.number = inRetry, -1
		line = value(line, 6)
	case !bytes.HasPrefix([]byte("data:"), line) && !bytes.HasPrefix([]byte("event:"), line) &&
		!bytes.HasPrefix([]byte("id:"), line) && !bytes.HasPrefix([]byte("retry:"), line):
		p.state = inOther
	}
	p.seen = p.end
	if p.state != atLine {
		p.stream(line)
		p.pos = p.end
	}
	if size > limit {
		p.fail(limit)
	}
}

// stream takes a part of a line that is not held.
func (p *Parser) stream(part []byte) {
	switch p.state {
	case inComment:
		p.addComment(part)
	case inRetry:
		p.addRetry(part)
	}
}

// value returns what follows a colon: line[i:] but for a space.
func value(line []byte, i int) []byte {
	if i < len(line) && line[i] == ' ' {
		i++
	}
	return line[i:]
}

func (p *Parser) addComment(part []byte) {
	// A character cut at the limit needs up to three bytes more to be known as one.
	if n := maxComment + 3 - len(p.comment); p.OnComment != nil {
		p.comment = append(p.comment, part[:min(n, len(part))]...)
	}
}

func (p *Parser) endComment() {
	if p.OnComment != nil {
		text := appendUTF8(nil, p.comment)
		p.OnComment(string(text[:cutUTF8(text, maxComment)]))
	}
}

// The number on a retry line: -1 before its first digit, -2 where it is none.
func (p *Parser) addRetry(part []byte) {
	for _, c := range part {
		switch {
		case c < '0' || c > '9' || p.number == -2:
			p.number = -2
			return
		case p.number < math.MaxInt64/100:
			p.number = max(p.number, 0)*10 + int64(c-'0')
		}
	}
}

func (p *Parser) endRetry() {
	if p.number >= 0 {
		p.hasRetry = true
		p.retry = math.MaxInt64
		if p.number <= int64(p.retry/time.Millisecond) {
			p.retry = time.Duration(p.number) * time.Millisecond
		}
	}
}
