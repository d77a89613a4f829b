package term

import (
	"fmt"
	"strings"
	"testing"
)

// Deeply nested or long JSON takes bounded time and space.
func TestJSONLinesAreBounded(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	wide := "[" + strings.Repeat(`{"a":[1,2,3]},`, 100000) + "0]"
	for name, s := range map[string]string{"deep": deep, "wide": wide} {
		lines := jsonLines(s, 76, 41)
		if len(lines) != 42 {
			t.Errorf("%s: %d lines", name, len(lines))
		}
	}
	size := 0
	for _, l := range jsonLines(deep, 76, len(deep)) {
		for _, s := range l {
			size += len(s.Text)
		}
	}
	if size > 50*len(deep) {
		t.Errorf("all of %d bytes of depth makes %d", len(deep), size)
	}
}

func TestJSONLinesKeepValue(t *testing.T) {
	t.Parallel()
	const in = ` { "a" : [ ] , "b":[ 1 , -2.5e+10 ,"x\"]}\\" ] ,"c":{"d":{}}, ` +
		`"e":[[[1],[2]],{"f":null}] } `
	want := strings.NewReplacer(" ", "").Replace(in)
	for columns := 0; columns < 60; columns++ {
		var b strings.Builder
		for _, l := range jsonLines(in, columns, 1000) {
			for _, s := range l {
				b.WriteString(s.Text)
			}
		}
		if got := strings.ReplaceAll(b.String(), " ", ""); got != want {
			t.Errorf("%d columns: %s, want %s", columns, got, want)
		}
	}
	if got := fmt.Sprint(len(jsonLines(in, 0, 1))); got != "1" {
		t.Errorf("one line: %s", got)
	}
}
