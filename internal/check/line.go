package check

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// write checks the next bytes of the body.
func (c *checker) write(b []byte) {
	c.report.Bytes += int64(len(b))
	if c.afterCR && len(b) > 0 {
		c.afterCR = false
		if b[0] == '\n' {
			c.lineEndings.crlf = true
			c.offset++
			b = b[1:]
		} else {
			c.addBareCR()
		}
	}
	for len(b) > 0 {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			c.addText(b)
			return
		}
		c.addText(b[:i])
		c.checkLine()
		c.startLine()
		if b[i] == '\n' {
			c.lineEndings.lf = true
		} else if i+1 == len(b) {
			c.afterCR = true
		} else if b[i+1] == '\n' {
			c.lineEndings.crlf = true
			c.offset++
			i++
		} else {
			c.addBareCR()
		}
		b = b[i+1:]
	}
}

// startLine starts the line that follows the current one and its line ending of one byte.
func (c *checker) startLine() {
	c.line++
	c.prevOffset, c.offset = c.offset, c.offset+c.length+1
	c.text, c.length, c.partialRune = c.text[:0], 0, nil
	c.invalidUTF8, c.hasNUL = false, false
}

func (c *checker) addBareCR() {
	c.addAt(c.line-1, c.prevOffset, "cr-line-ending", "The line ends in CR alone. The standard "+
		"allows that, but many clients do not support it. Send LF.")
}

// addText adds b to the current line.
func (c *checker) addText(b []byte) {
	c.length += int64(len(b))
	c.hasNUL = c.hasNUL || bytes.IndexByte(b, 0) >= 0
	c.text = append(c.text, b[:min(len(b), maxLine-len(c.text))]...)
	if len(c.partialRune) > 0 {
		b = append(c.partialRune, b...)
		c.partialRune = nil
	}
	for len(b) > 0 && !c.invalidUTF8 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(b) {
				c.partialRune = bytes.Clone(b)
				return
			}
			c.invalidUTF8 = true
		}
		b = b[n:]
	}
}

// lineText returns the text of the current line without a byte order mark.
func (c *checker) lineText() []byte {
	if c.line == 1 {
		return bytes.TrimPrefix(c.text, []byte("\ufeff"))
	}
	return c.text
}

// checkLine checks the current line, which is complete.
func (c *checker) checkLine() {
	text := string(c.lineText())
	isComment := strings.HasPrefix(text, ":")
	switch valid := !c.invalidUTF8 && len(c.partialRune) == 0; {
	case valid:
	case isComment:
		c.add("invalid-utf-8-comment", "The comment is not valid UTF-8. Clients ignore it.")
	default:
		c.add("invalid-utf-8", "The line is not valid UTF-8. Clients replace the invalid bytes by "+
			"U+FFFD. Send only UTF-8, and do not cut characters.")
	}
	if len(text) < len(c.text) {
		c.add("byte-order-mark", "The stream starts with a byte order mark. Clients skip it, so it "+
			"can be left out.")
	}
	switch {
	case text == "":
		c.endBlock()
	case isComment:
		c.report.Comments++
	default:
		if !c.block.started {
			c.block.started, c.block.line, c.block.offset = true, c.line, c.offset
		}
		c.checkField(text)
	}
}

// maxQuote is the number of bytes that a message quotes of the stream.
const maxQuote = 40

// clip returns the first n bytes of s, without a part of a character at their end.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
