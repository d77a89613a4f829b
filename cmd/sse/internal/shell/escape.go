package shell

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapedQuotes reads $'…', in which a backslash begins an escape sequence as in C.
func (p *splitter) escapedQuotes() error {
	p.add("")
	p.rest = p.rest[2:]
	for p.rest != "" {
		c := p.rest[0]
		if c == '\\' && len(p.rest) > 1 {
			if err := p.escape(); err != nil {
				return err
			}
			continue
		}
		p.rest = p.rest[1:]
		if c == '\'' {
			return nil
		}
		p.add(string([]byte{c}))
	}
	return errQuote
}

// simpleEscapes are the escape sequences of one letter, and what they stand for.
var simpleEscapes = map[byte]string{
	'a': "\a", 'b': "\b", 'e': "\x1b", 'E': "\x1b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t",
	'v': "\v", '\\': `\`, '\'': "'", '"': `"`, '?': "?",
}

// escape reads an escape sequence. A backslash before any other character is kept.
func (p *splitter) escape() error {
	c := p.rest[1]
	if text, ok := simpleEscapes[c]; ok {
		p.add(text)
		p.rest = p.rest[2:]
		return nil
	}
	text := `\`
	switch {
	case '0' <= c && c <= '7':
		p.rest = p.rest[1:]
		text = string([]byte{byte(p.number(8, 3))})
	case c == 'x' && p.hasDigit(2):
		p.rest = p.rest[2:]
		text = string([]byte{byte(p.number(16, 2))})
	case c == 'u' && p.hasDigit(2):
		p.rest = p.rest[2:]
		text = string(p.surrogates(rune(p.number(16, 4))))
	case c == 'U' && p.hasDigit(2):
		p.rest = p.rest[2:]
		text = string(rune(min(p.number(16, 8), utf8.MaxRune+1))) // U+FFFD if it is too large
	case c == 'c' && len(p.rest) > 2:
		text = string([]byte{p.rest[2] & 0x1f})
		p.rest = p.rest[3:]
	default:
		p.rest = p.rest[1:]
	}
	if text == "\x00" {
		return errNUL
	}
	p.add(text)
	return nil
}

// hasDigit reports whether there is a hexadecimal digit at index i of what is left.
func (p *splitter) hasDigit(i int) bool {
	return i < len(p.rest) && strings.IndexByte("0123456789abcdefABCDEF", p.rest[i]) >= 0
}

// number reads a number of at most n digits.
func (p *splitter) number(base, n int) uint64 {
	end := 0
	for end < min(n, len(p.rest)) && p.hasDigit(end) && (base == 16 || p.rest[end] <= '7') {
		end++
	}
	v, _ := strconv.ParseUint(p.rest[:end], base, 64)
	p.rest = p.rest[end:]
	return v
}

// surrogates returns the character of the surrogate pair that begins with r, if there is another
// escape sequence for its second half. Otherwise it returns r. Some browsers write such pairs.
func (p *splitter) surrogates(r rune) rune {
	if !utf16.IsSurrogate(r) || !strings.HasPrefix(p.rest, `\u`) || !p.hasDigit(2) {
		return r
	}
	rest := p.rest
	p.rest = p.rest[2:]
	pair := utf16.DecodeRune(r, rune(p.number(16, 4)))
	if pair == utf8.RuneError {
		p.rest = rest
		return r
	}
	return pair
}
