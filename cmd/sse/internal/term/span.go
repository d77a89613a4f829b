package term

import "io"

// A Span is a piece of a line in one style.
type Span struct{ Style, Text string }

// Styled returns a Span with this style and text.
func Styled(style, text string) Span { return Span{style, text} }

// Styles are the parameters of the terminal's SGR sequence.
const (
	Plain   = ""
	Dim     = "2"
	Bold    = "1"
	Red     = "31"
	Yellow  = "33"
	green   = "32"
	blue    = "34"
	magenta = "35"
	cyan    = "36"
)

// PrintLines writes lines to w, with a single Write.
func PrintLines(w io.Writer, color bool, lines ...[]Span) error {
	var b []byte
	for _, line := range lines {
		b = append(appendSpans(b, color, line), '\n')
	}
	_, err := w.Write(b)
	return err
}

// appendSpans appends the spans of a line to b.
func appendSpans(b []byte, color bool, line []Span) []byte {
	for _, s := range line {
		if color && s.Style != Plain {
			b = append(append(append(b, "\x1b["...), s.Style...), 'm')
			b = append(append(b, s.Text...), "\x1b[m"...)
		} else {
			b = append(b, s.Text...)
		}
	}
	return b
}
