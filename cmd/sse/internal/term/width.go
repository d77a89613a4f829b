package term

import (
	"unicode"
	"unicode/utf8"
)

// bytesPerColumn is how many bytes of a line are shown for each column. Without this limit, a line
// of characters that have no width could be of any length.
const bytesPerColumn = 8

// cutLine returns line if it fits into the columns. Otherwise it returns the part that fits, with
// "…" at its end.
func cutLine(line []Span, columns int) []Span {
	if fits(line, columns) {
		return line
	}
	bytesLeft := bytesPerColumn * columns
	columnsLeft := columns - 1 // for "…"
	var cut []Span
	for _, s := range line {
		for i, r := range s.Text {
			bytesLeft -= utf8.RuneLen(r)
			columnsLeft -= runeWidth(r)
			if columnsLeft < 0 || bytesLeft < 0 {
				return append(cut, Span{s.Style, s.Text[:i] + "…"})
			}
		}
		cut = append(cut, s)
	}
	return cut
}

// fits reports whether line can be shown in the columns.
func fits(line []Span, columns int) bool {
	bytes := 0
	for _, s := range line {
		bytes += len(s.Text)
	}
	return bytes <= bytesPerColumn*columns && lineWidth(line) <= columns
}

// lineWidth returns the number of columns that line takes.
func lineWidth(line []Span) int {
	n := 0
	for _, s := range line {
		for _, r := range s.Text {
			n += runeWidth(r)
		}
	}
	return n
}

// wide contains the scripts and symbols that take two columns.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x2614, 0x2615, 1},
		{0x26a1, 0x26a1, 1}, {0x2705, 0x2705, 1}, {0x2728, 0x2728, 1}, {0x274c, 0x274c, 1},
		{0x2753, 0x2755, 1}, {0x2757, 0x2757, 1}, {0x2795, 0x2797, 1}, {0x2b50, 0x2b50, 1},
		{0x2e80, 0x303e, 1}, {0x3041, 0x33ff, 1}, {0x3400, 0x4dbf, 1}, {0x4e00, 0x9fff, 1},
		{0xa000, 0xa4cf, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1},
		{0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{
		{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1f9ff, 1},
		{0x1fa70, 0x1faff, 1}, {0x20000, 0x3fffd, 1},
	},
}

// runeWidth returns the number of columns that r takes on most terminals.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}
