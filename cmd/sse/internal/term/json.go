package term

import (
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// jsonLines lays valid JSON out in at most limit lines: what fits into the
// columns stays on one line, as people write it. Columns of 0 mean one line.
func jsonLines(s string, columns, limit int) [][]Span {
	var lines [][]Span
	var line []Span
	depth, flat := 0, 0 // up to flat, all stays on this line
	if columns == 0 {
		flat = len(s)
	}
	put := func(style, text string) { line = append(line, Span{style, text}) }
	turn := func() {
		lines = append(lines, line)
		// A server that nests a thousand deep gets no thousand columns.
		line = []Span{{Plain, strings.Repeat("  ", min(depth, 20))}}
	}
	for i := 0; i < len(s) && len(lines) < limit; {
		start := i
		i++
		switch c := s[start]; c {
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			put(Plain, string(c))
			if start < flat {
				break
			}
			if end := jsonEnd(s, start, columns-lineWidth(line)); end > 0 {
				flat = end
				break
			}
			depth++
			turn()
		case '}', ']':
			if start >= flat {
				depth--
				turn()
			}
			put(Plain, string(c))
		case ',':
			put(Plain, ",")
			if start < flat {
				put(Plain, " ")
			} else {
				turn()
			}
		case ':':
			put(Plain, ": ")
		case '"':
			i = stringEnd(s, start)
			style := green
			if rest := strings.TrimLeft(s[i:], " \t\r\n"); rest != "" && rest[0] == ':' {
				style = blue
			}
			put(style, escape.Line(s[start:i]))
		default:
			for i < len(s) && strings.IndexByte(" \t\r\n,]}", s[i]) < 0 {
				i++
			}
			put(magenta, s[start:i])
		}
	}
	return append(lines, line)
}

// jsonEnd finds the end of the object or array that begins at s[i], or 0 if
// it takes more columns than there are.
func jsonEnd(s string, i, columns int) int {
	depth := 0
	for columns >= 0 && i < len(s) {
		c := s[i]
		switch c {
		case ' ', '\t', '\r', '\n':
			columns++
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':':
			columns--
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

// stringEnd is the index after the string that begins at s[i].
func stringEnd(s string, i int) int {
	for i++; s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i + 1
}
