package ssetest

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

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
