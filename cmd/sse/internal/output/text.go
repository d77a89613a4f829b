package output

import (
	"fmt"
	"strings"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/model"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/term"
)

// hintEvents is after how many events without text a note says which formats are known.
const hintEvents = 10

// A Text prints the running text of a language model. On a terminal it also prints the reasoning,
// dimmed, and a line for each tool call.
type Text struct {
	Terminal bool
	Color    bool
	Cut      func(string) string // cuts a line to the width of the terminal; nil if not wanted
	Note     func(string)        // reports a tool call if the output is not a terminal
	Fail     func(string)        // reports an error that an event contains

	Decoder model.Decoder

	events   int        // events decoded
	last     model.Kind // of the part printed last
	newlines int        // line feeds at the end of what was printed
}

// append appends the text of ev to b.
func (t *Text) append(b []byte, ev sse.Event) []byte {
	t.events++
	for _, part := range t.Decoder.Decode(ev) {
		switch {
		case part.Kind == model.Failure:
			t.Fail(escape.Line(part.Text))
		case part.Kind == model.ToolCall && t.Terminal:
			b = t.appendCall(b, part.Text)
		case part.Kind == model.ToolCall:
			t.Note("tool call: " + escape.Line(part.Text))
		case part.Kind == model.Text || t.Terminal:
			b = t.appendPiece(b, part)
		}
	}
	if t.events == hintEvents && !t.Decoder.Detected() {
		t.Note(fmt.Sprintf("no text in the first %d events: --text knows %s", hintEvents,
			model.Formats))
	}
	return b
}

// appendCall appends a line with a tool call.
func (t *Text) appendCall(b []byte, call string) []byte {
	line := "→ " + escape.Line(call)
	if t.Cut != nil {
		line = t.Cut(line)
	}
	b = t.startLine(b, 1)
	b = t.appendStyled(b, term.Yellow, line)
	t.last, t.newlines = model.ToolCall, 1
	return append(b, '\n')
}

// appendPiece appends a piece of the text or of the reasoning.
func (t *Text) appendPiece(b []byte, part model.Part) []byte {
	if part.Kind != t.last {
		b = t.startPart(b, part.Kind)
	} else if part.Paragraph {
		b = t.startLine(b, 2)
	}
	text := part.Text
	if t.Terminal {
		text = escape.Text(strings.ReplaceAll(text, "\r\n", "\n"))
	} else {
		text = string(escape.AppendControl(nil, text))
	}
	style := term.Plain
	if part.Kind == model.Reasoning {
		style = term.Dim
	}
	b = t.appendStyled(b, style, text)
	if rest := strings.TrimRight(text, "\n"); rest != "" {
		t.newlines = len(text) - len(rest)
	} else {
		t.newlines += len(text)
	}
	return b
}

// startPart begins the text or the reasoning. Without colors, a line says which of them follows.
func (t *Text) startPart(b []byte, kind model.Kind) []byte {
	isSwitch := t.last == model.Text || t.last == model.Reasoning
	if isSwitch && t.Terminal {
		b = t.startLine(b, 2)
	}
	wasReasoning := t.last == model.Reasoning
	t.last = kind
	switch {
	case !t.Terminal || t.Color:
		return b
	case kind == model.Reasoning:
		t.newlines = 1
		return append(b, "[reasoning]\n"...)
	case wasReasoning:
		t.newlines = 1
		return append(b, "[text]\n"...)
	}
	return b
}

// startLine appends line feeds until what was printed ends in n of them. It appends none if nothing
// was printed.
func (t *Text) startLine(b []byte, n int) []byte {
	if t.last == 0 {
		return b
	}
	for ; t.newlines < n; t.newlines++ {
		b = append(b, '\n')
	}
	return b
}

// appendStyled appends text in the given style.
func (t *Text) appendStyled(b []byte, style, text string) []byte {
	if !t.Color || style == term.Plain {
		return append(b, text...)
	}
	return append(b, "\x1b["+style+"m"+text+"\x1b[m"...)
}
