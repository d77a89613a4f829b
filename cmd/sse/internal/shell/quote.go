package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// Join returns a command line with these words. They must not contain NUL.
func Join(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = Quote(word)
	}
	return strings.Join(quoted, " ")
}

// Quote returns s as a word of a command line. Characters that would control a terminal when the
// line is pasted are written as escape sequences. The string s must not contain NUL.
func Quote(s string) string {
	switch {
	case s != "" && strings.TrimLeft(s, plain) == "" && s[0] != '=':
		return s
	case !needsEscape(s):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	b := []byte("$'")
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\'' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case escape.IsUnsafe(r) || r == utf8.RuneError && n == 1:
			for _, c := range []byte(s[i : i+n]) {
				b = fmt.Appendf(b, `\%03o`, c)
			}
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(append(b, '\''))
}

// plain contains characters that need no quotes.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_"

// needsEscape reports whether s contains something that must not be pasted into a terminal.
func needsEscape(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && r != '\t' && escape.IsUnsafe(r)
	})
}
