// Package shell divides a command line into words as a POSIX shell does, and quotes words for one.
package shell

import (
	"errors"
	"fmt"
	"strings"
)

// Split returns the words of the command line s. It removes quotes and backslashes, but expands
// nothing: variables contains the variables that a shell would replace, such as $TOKEN, and the
// words contain them unchanged. A line break is white space.
//
// Of what other shells have, Split knows $'…' and comments. It is an error if s contains more than
// one command, a redirection or a command substitution.
func Split(s string) (words, variables []string, err error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, nil, errNUL
	}
	p := &splitter{rest: s}
	for p.rest != "" {
		if err := p.step(); err != nil {
			return nil, nil, err
		}
	}
	p.endWord()
	return p.words, p.variables, nil
}

// A splitter is the state of Split.
type splitter struct {
	rest      string // what has not been read
	words     []string
	variables []string
	word      []byte // the current word
	inWord    bool   // there is a current word, which may be empty
}

var (
	errNUL          = errors.New("the command contains a NUL, which an argument cannot")
	errQuote        = errors.New("a quote is not closed")
	errSubstitution = errors.New("the command contains a command substitution, " +
		"which is not executed here: replace it by its value")
)

// endWord ends the current word, if there is one.
func (p *splitter) endWord() {
	if p.inWord {
		p.words = append(p.words, string(p.word))
	}
	p.word, p.inWord = p.word[:0], false
}

// add adds s to the current word, which begins if there is none.
func (p *splitter) add(s string) { p.word, p.inWord = append(p.word, s...), true }

// step reads one character outside quotes, or a quoted text.
func (p *splitter) step() error {
	c := p.rest[0]
	switch {
	case strings.IndexByte(" \t\r\n", c) >= 0:
		p.endWord()
	case strings.IndexByte("|&;<>()", c) >= 0:
		return fmt.Errorf("there is a %q outside quotes: "+
			"paste a single command, with its URL in quotes", c)
	case c == '#' && !p.inWord:
		_, p.rest, _ = strings.Cut(p.rest, "\n")
		return nil
	case c == '\\':
		p.backslash()
		return nil
	case c == '\'':
		return p.singleQuotes()
	case c == '"':
		return p.doubleQuotes()
	case strings.HasPrefix(p.rest, "$'"):
		return p.escapedQuotes()
	case strings.HasPrefix(p.rest, `$"`): // a text to be translated
	case c == '$', c == '`':
		return p.expansion()
	default:
		p.add(p.rest[:1])
	}
	p.rest = p.rest[1:]
	return nil
}

// backslash reads a backslash outside quotes and the character after it.
func (p *splitter) backslash() {
	p.rest = p.rest[1:]
	if p.lineBreak() || p.rest == "" {
		return
	}
	p.add(p.rest[:1])
	p.rest = p.rest[1:]
}

// lineBreak reads a line break, if there is one.
func (p *splitter) lineBreak() bool {
	for _, end := range []string{"\n", "\r\n"} {
		if rest, ok := strings.CutPrefix(p.rest, end); ok {
			p.rest = rest
			return true
		}
	}
	return false
}

// singleQuotes reads '…'.
func (p *splitter) singleQuotes() error {
	text, rest, ok := strings.Cut(p.rest[1:], "'")
	if !ok {
		return errQuote
	}
	p.add(text)
	p.rest = rest
	return nil
}

// doubleQuotes reads "…".
func (p *splitter) doubleQuotes() error {
	p.add("")
	p.rest = p.rest[1:]
	for p.rest != "" {
		switch c := p.rest[0]; c {
		case '"':
			p.rest = p.rest[1:]
			return nil
		case '$', '`':
			if err := p.expansion(); err != nil {
				return err
			}
			continue
		case '\\':
			p.rest = p.rest[1:]
			if p.lineBreak() {
				continue
			}
			if p.rest == "" {
				return errQuote
			}
			if strings.IndexByte("$`\"\\", p.rest[0]) < 0 {
				p.add(`\`)
			}
		}
		p.add(p.rest[:1])
		p.rest = p.rest[1:]
	}
	return errQuote
}

// expansion reads $NAME, ${NAME} or a $ that is only that.
func (p *splitter) expansion() error {
	if p.rest[0] == '`' || strings.HasPrefix(p.rest, "$(") {
		return errSubstitution
	}
	end := 1
	if strings.HasPrefix(p.rest, "${") {
		if end = strings.IndexByte(p.rest, '}') + 1; end == 0 {
			return errors.New("a ${ is not closed")
		}
	} else {
		for end < len(p.rest) && isNameByte(p.rest[end]) {
			end++
		}
	}
	if end > 1 {
		p.variables = append(p.variables, p.rest[:end])
	}
	p.add(p.rest[:end])
	p.rest = p.rest[end:]
	return nil
}

// isNameByte reports whether the name of a variable may contain c.
func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
