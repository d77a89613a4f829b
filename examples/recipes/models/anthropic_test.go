package models

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: anthropic
func message(ctx context.Context, baseURL, key, body string, show func(text string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		baseURL+"/v1/messages", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("Anthropic-Version", "2023-06-01")
	req.Header.Set("Content-Type", "application/json")
	client := &sse.Client{IdleTimeout: 5 * time.Minute}
	for text, err := range sse.DecodeUntilDone(client.Stream(req), decodeMessage) {
		if err != nil {
			return err
		}
		show(text)
	}
	return nil
}

// end

// snippet: anthropic-decode
func decodeMessage(typ string, data []byte) (text string, err error) {
	switch typ {
	case "content_block_delta":
		block, err := sse.JSON[struct{ Delta struct{ Text string } }](typ, data)
		return block.Delta.Text, err
	case "message_stop":
		return "", sse.Done
	case "error":
		return sse.JSON[string](typ, data) // always an error
	}
	return "", sse.Skip // message_start, content_block_start, ping, and types of the future
}

// end

// anthropicEvent returns an event of the Messages API. The fields begin with a comma.
func anthropicEvent(typ, fields string) sse.Event {
	return sse.Event{Type: typ, Data: `{"type":"` + typ + `"` + fields + `}`}
}

func TestAnthropic(t *testing.T) {
	hello := []sse.Event{
		anthropicEvent("message_start", `,"message":{"role":"assistant","content":[]}`),
		anthropicEvent("content_block_start",
			`,"index":0,"content_block":{"type":"text","text":""}`),
		anthropicEvent("ping", ""),
		anthropicEvent("content_block_delta",
			`,"index":0,"delta":{"type":"text_delta","text":"Hello"}`),
	}
	for _, test := range []struct {
		name string
		last []sse.Event
		err  string
	}{
		{"complete", []sse.Event{anthropicEvent("message_stop", "")}, ""},
		{"error", []sse.Event{anthropicEvent("error",
			`,"error":{"type":"overloaded_error","message":"Overloaded"}`)}, "overloaded_error"},
		{"cut", nil, "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := ssetest.NewServer(t, ssetest.Conn{
				ssetest.WantHeader("X-Api-Key", "key"),
				ssetest.WantHeader("Anthropic-Version", "2023-06-01"),
				ssetest.Send(hello...), ssetest.Send(test.last...),
			})
			text, err := collect(func(show func(string)) error {
				return message(t.Context(), srv.URL, "key", `{"stream":true}`, show)
			})
			check(t, text, err, "Hello", test.err)
		})
	}
}
