package term

import "testing"

func TestCutLineCountsColumns(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"abc": 3, "é": 1, "e\u0301": 1, "世界": 4, "👩": 2, "한글": 4,
		"ｱ": 1, "Ａ": 2, "…": 1, "": 0} {
		if got := lineWidth([]Span{{Plain, s}}); got != want {
			t.Errorf("width of %q = %d, want %d", s, got, want)
		}
	}
	line := []Span{{Bold, "ab"}, {Dim, "世界"}, {Plain, "c"}}
	for columns, want := range []string{"…", "…", "a…", "ab…", "ab…", "ab世…", "ab世…", "ab世界c"} {
		got := ""
		for _, s := range cutLine(line, columns) {
			got += s.Text
		}
		if got != want {
			t.Errorf("cut to %d: %q, want %q", columns, got, want)
		}
	}
}
