package term

import (
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// maxDepth is how many levels of JSON are indented.
const maxDepth = 20

// jsonLines formats s, which must be valid JSON, in at most limit+1 lines. An object or array that
// fits into the columns is on one line. If columns is 0, everything is on one line.
func jsonLines(s string, columns, limit int) [][]Span {
	f := jsonFormatter{s: s, columns: columns}
	if columns == 0 {
		f.flat = len(s)
	}
	for i := 0; i < len(s) && len(f.lines) < limit; {
		i = f.token(i)
	}
	return append(f.lines, f.line)
}

// A jsonFormatter divides JSON into lines.
type jsonFormatter struct {
	s       string
	columns int
	lines   [][]Span
	line    []Span // the current line
	depth   int
	flat    int // up to this index, everything stays on the current line
}

// token formats the token at s[i] and returns the index after it.
func (f *jsonFormatter) token(i int) int {
	s, start, isFlat := f.s, i, i < f.flat
	i++
	switch c := s[start]; c {
	case ' ', '\t', '\r', '\n':
	case '{', '[':
		f.put(Plain, string(c))
		if isFlat {
			break
		}
		if f.flat = jsonEnd(s, start, f.columns-lineWidth(f.line)); f.flat == 0 {
			f.depth++
			f.endLine()
		}
	case '}', ']':
		if !isFlat {
			f.depth--
			f.endLine()
		}
		f.put(Plain, string(c))
	case ',':
		if isFlat {
			f.put(Plain, ", ")
		} else {
			f.put(Plain, ",")
			f.endLine()
		}
	case ':':
		f.put(Plain, ": ")
	case '"':
		i = stringEnd(s, start)
		style := green
		if rest := strings.TrimLeft(s[i:], " \t\r\n"); rest != "" && rest[0] == ':' {
			style = blue // the name of a member
		}
		f.put(style, escape.Line(s[start:i]))
	default:
		for i < len(s) && strings.IndexByte(" \t\r\n,]}", s[i]) < 0 {
			i++
		}
		f.put(magenta, s[start:i])
	}
	return i
}

// put appends text to the current line.
func (f *jsonFormatter) put(style, text string) { f.line = append(f.line, Span{style, text}) }

// endLine ends the current line and indents the next one.
func (f *jsonFormatter) endLine() {
	f.lines = append(f.lines, f.line)
	f.line = []Span{{Plain, strings.Repeat("  ", min(f.depth, maxDepth))}}
}

// jsonEnd returns the index after the object or array that begins at s[i], or 0 if that takes more
// columns.
func jsonEnd(s string, i, columns int) int {
	depth := 0
	for columns >= 0 && i < len(s) {
		c := s[i]
		switch c {
		case ' ', '\t', '\r', '\n':
			columns++ // white space is not printed
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':':
			columns-- // a space follows
		case '"':
			end := stringEnd(s, i)
			columns -= end - i - 1
			i = end - 1
		}
		columns--
		i++
	}
	return 0
}

// stringEnd returns the index after the JSON string that begins at s[i].
func stringEnd(s string, i int) int {
	for i++; s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i + 1
}
