package pty

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// chat returns the events of a chat completion with these deltas and a usage.
func chat(deltas ...string) []sse.Event {
	var events []sse.Event
	for _, d := range deltas {
		events = append(events, sse.Event{Data: `{"model":"m-1","choices":[{"delta":` + d + `}]}`})
	}
	return append(events,
		sse.Event{Data: `{"choices":[{"delta":{},"finish_reason":"stop"}]}`},
		sse.Event{Data: `{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}`},
		sse.Event{Data: "[DONE]"})
}

// The text of a model is followed by a summary. What the model says cannot control the terminal.
func TestTerminalModelText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 30)
	events := chat(
		`{"reasoning":"Let me see."}`, `{"content":"Hello\u001b[2J\u001b]0;x\u0007"}`,
		`{"content":" \u009b2J\u202e"}`,
		`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\":\"`+long+`\"}"}}]}`)
	for _, test := range []struct {
		env  []string
		args string
		want string
	}{
		{nil, "", "Let me see.\n\nHello" + `\x1b[2J\x1b]0;x\x07 \x9b2J\u202e` + "\n→ f({\"a\":\"" +
			strings.Repeat("long ", 12) + "l…\n\n"},
		{[]string{"NO_COLOR=1"}, "", "[reasoning]\nLet me see.\n\n[text]\nHello" +
			`\x1b[2J\x1b]0;x\x07 \x9b2J\u202e` + "\n→ f({\"a\":\""},
		{nil, "--full", "\nng long long "}, // wrapped by the terminal
	} {
		t.Run(strings.Join(append(test.env, test.args), " "), func(t *testing.T) {
			srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(events...)})
			args := append(strings.Fields(test.args), "--text", srv.URL)
			term := run(t, test.env, nil, args...)
			text := term.waitExit(0)
			if test.args == "" && !strings.HasPrefix(text, test.want) ||
				!strings.Contains(text, test.want) {
				t.Errorf("screen:\n%s\nwant:\n%s", text, test.want)
			}
			if hasEllipsis := strings.Contains(text, "…"); hasEllipsis != (test.args == "") {
				t.Errorf("the tool call is cut: %t", hasEllipsis)
			}
			if term.sgr != (test.env == nil) {
				t.Errorf("colors: %t", term.sgr)
			}
			summary := regexp.MustCompile(`ended: end of the model's response\n(?s:.*)` +
				`\nmodel        m-1\ntokens       7 in, 5 out(, [0-9.]+ tokens/s)?\n`)
			if !summary.MatchString(text) {
				t.Errorf("the screen lacks the summary:\n%s", text)
			}
		})
	}
}

// A note on the terminal begins on a line of its own.
func TestTerminalNoteBreaksRunningText(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Send(sse.Event{ID: "1", Data: `{"a":"so far"}`}), ssetest.Cut()},
		ssetest.Conn{ssetest.Send(sse.Event{Data: `{"a":"on","error":"gone"}`}), ssetest.End()},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	text := run(t, nil, nil, "--field", "a", srv.URL).waitExit(1)
	if !strings.HasPrefix(text, "so far\nsse: ") ||
		!strings.Contains(text, "\nsse: the stream sent an error: gone\non\nsse: ") {
		t.Errorf("screen:\n%s", text)
	}
}
