package output

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// chat returns a stream of chat completions with these deltas.
func chat(deltas ...string) []sse.Event {
	var events []sse.Event
	for _, d := range deltas {
		events = append(events, sse.Event{Data: `{"choices":[{"delta":` + d + `}]}`})
	}
	return append(events, sse.Event{Data: "[DONE]"})
}

func TestTextOnTerminalAndPipe(t *testing.T) {
	t.Parallel()
	const call = `{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\": 1}"}}]}`
	for _, test := range []struct {
		name                    string
		events                  []sse.Event
		terminal, noColor, pipe string
		notes                   string // on a pipe
	}{
		{"text", chat(`{"content":"Hel"}`, `{"content":"lo\n\nyou"}`),
			"Hello\n\nyou\n", "Hello\n\nyou\n", "Hello\n\nyou\n", ""},
		{"reasoning", chat(`{"reasoning":"Hm"}`, `{"reasoning":"m."}`, `{"content":"Yes"}`),
			"\x1b[2mHm\x1b[m\x1b[2mm.\x1b[m\n\nYes\n", "[reasoning]\nHmm.\n\n[text]\nYes\n",
			"Yes\n", ""},
		{"a call after text", chat(`{"content":"Let me"}`, call),
			"Let me\n\x1b[33m→ f({\"a\":1})\x1b[m\n", "Let me\n→ f({\"a\":1})\n", "Let me\n",
			"tool call: f({\"a\":1})\n"},
		{"a call alone", chat(call), "\x1b[33m→ f({\"a\":1})\x1b[m\n", "→ f({\"a\":1})\n", "",
			"tool call: f({\"a\":1})\n"},
		{"paragraphs", []sse.Event{
			{Data: `{"type":"response.output_item.added","item":{"type":"message"}}`},
			{Data: `{"type":"response.output_text.delta","delta":"one\n"}`},
			{Data: `{"type":"response.output_item.added","item":{"type":"message"}}`},
			{Data: `{"type":"response.output_text.delta","delta":"two"}`},
		}, "one\n\ntwo\n", "one\n\ntwo\n", "one\n\ntwo\n", ""},
		{"control characters", chat(`{"content":"a\u001b[31m\r\n\u009b\u202e\u00e9\ud83d\ude00"}`),
			`a\x1b[31m` + "\n" + `\x9b\u202eé😀` + "\n",
			`a\x1b[31m` + "\n" + `\x9b\u202eé😀` + "\n",
			`a\x1b[31m` + "\r\n" + `\x9b` + "\u202eé😀\n", ""},
		{"control characters of a call",
			chat(`{"tool_calls":[{"function":{"name":"f\u001b","arguments":"a\nb"}}]}`),
			"\x1b[33m" + `→ f\x1b(a\nb)` + "\x1b[m\n", `→ f\x1b(a\nb)` + "\n", "",
			`tool call: f\x1b(a\nb)` + "\n"},
		{"another format", []sse.Event{{Data: `{"a":1}`}, {Data: "text"}}, "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			print := func(terminal, color bool) (out, notes string) {
				var b, n bytes.Buffer
				p := NewPrinter(&b, FormatText, terminal)
				p.SetText(&Text{
					Terminal: terminal,
					Color:    color,
					Note:     func(s string) { n.WriteString(s + "\n") },
				})
				for _, ev := range test.events {
					if err := p.Event(ev, time.Time{}, 0); err != nil {
						t.Fatal(err)
					}
				}
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
				return b.String(), n.String()
			}
			onTerminal, _ := print(true, true)
			withoutColor, _ := print(true, false)
			onPipe, notes := print(false, false)
			got := []string{onTerminal, withoutColor, onPipe, notes}
			want := []string{test.terminal, test.noColor, test.pipe, test.notes}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("with colors, without, on a pipe, notes (-want +got):\n%s", diff)
			}
		})
	}
}

// No character of a model reaches a terminal if it could control it, whatever the format.
func TestRunningTextContainsNoControlCharacters(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r < 0x250; r++ {
		if r == '"' || r == '\\' || r < ' ' {
			continue
		}
		all.WriteRune(r)
	}
	text := all.String() + `\u0000\u0007\u001b\u007f\u009b` + "\u202e"
	for _, f := range []Format{FormatText, FormatField} {
		for _, terminal := range []bool{false, true} {
			var b bytes.Buffer
			p := NewPrinter(&b, f, terminal)
			if f == FormatText {
				p.SetText(&Text{Terminal: terminal})
			} else {
				p.SetPath(ParsePath("choices[0].delta.content"))
			}
			p.Event(sse.Event{Data: `{"choices":[{"delta":{"content":"` + text + `"}}]}`},
				time.Time{}, 0)
			p.Close()
			for _, r := range strings.TrimSuffix(b.String(), "\n") {
				isFormat := r == 0xad || r == 0x202e
				if escape.IsUnsafe(r) && (terminal || !isFormat) {
					t.Errorf("%s, terminal %t: %U", f, terminal, r)
				}
			}
		}
	}
}

func TestPrinterBreaksLineOnce(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := NewPrinter(&b, FormatField, false)
	p.SetPath([]string{"a"})
	breaks := 0
	for _, v := range []string{`"x"`, `"y\n"`, `null`} {
		p.Event(sse.Event{Data: `{"a":` + v + `}`}, time.Time{}, 0)
		p.BreakLine(func() { breaks++ })
		p.BreakLine(func() { breaks++ })
	}
	if breaks != 1 {
		t.Errorf("the line was broken %d times, want once", breaks)
	}
	if p.Close(); b.String() != "xy\n" {
		t.Errorf("output = %q", b.String())
	}
}
