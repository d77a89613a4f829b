package models

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/ssestream"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// anthropicDecoder is the decoder of the recipe, which cannot have the same name in this package.
type anthropicDecoder struct {
	*sse.Reader
	io.Closer
}

func newAnthropicDecoder(body io.ReadCloser) ssestream.Decoder {
	return anthropicDecoder{sse.NewReader(body), body}
}

func (d anthropicDecoder) Event() ssestream.Event {
	typ := d.Type()
	if typ == "message" {
		typ = ""
	}
	return ssestream.Event{Type: typ, Data: d.Data()}
}

func init() {
	ssestream.RegisterDecoder("text/event-stream", newAnthropicDecoder)
	ssestream.RegisterDecoder("text/event-stream; charset=utf-8", newAnthropicDecoder)
}

// newAnthropicClient returns a client of the SDK, which reads the environment.
func newAnthropicClient(t *testing.T, srv *ssetest.Server) anthropic.Client {
	t.Setenv("ANTHROPIC_API_KEY", "key")
	t.Setenv("ANTHROPIC_BASE_URL", srv.URL)
	client := anthropic.NewClient(option.WithHTTPClient(&http.Client{
		Transport: &sse.Transport{IdleTimeout: 5 * time.Minute},
	}))
	return client
}

// snippet: anthropic-complete
func messageSDK(
	ctx context.Context, client anthropic.Client, params anthropic.MessageNewParams,
) (string, error) {
	stream := client.Messages.NewStreaming(ctx, params)
	defer stream.Close()
	var text strings.Builder
	stopped := false
	for stream.Next() {
		switch ev := stream.Current().AsAny().(type) {
		case anthropic.ContentBlockDeltaEvent:
			text.WriteString(ev.Delta.Text)
		case anthropic.MessageStopEvent:
			stopped = true
		}
	}
	if err := stream.Err(); err != nil {
		return text.String(), err
	}
	if !stopped {
		return text.String(), io.ErrUnexpectedEOF
	}
	return text.String(), nil
}

// end

func TestAnthropicSDK(t *testing.T) {
	hello := []sse.Event{
		anthropicEvent("message_start", `,"message":{"role":"assistant","content":[]}`),
		{Data: "an event without a type, which the SDK ignores"},
		anthropicEvent("ping", ""),
		anthropicEvent("content_block_delta",
			`,"index":0,"delta":{"type":"text_delta","text":"Hello"}`),
	}
	for _, contentType := range []string{"text/event-stream", "text/event-stream; charset=utf-8"} {
		for _, test := range []struct {
			name string
			rest []ssetest.Step
			err  string
		}{
			{"complete", []ssetest.Step{ssetest.Send(anthropicEvent("message_stop", ""))}, ""},
			{"error", []ssetest.Step{ssetest.Send(anthropicEvent("error",
				`,"error":{"type":"overloaded_error","message":"Overloaded"}`))}, "Overloaded"},
			{"clean end in the middle", nil, "unexpected EOF"},
			{"cut", []ssetest.Step{ssetest.Cut()}, "unexpected EOF"},
		} {
			t.Run(test.name, func(t *testing.T) {
				conn := ssetest.Conn{
					ssetest.Status(http.StatusOK, "Content-Type", contentType),
					ssetest.Send(hello...),
				}
				srv := ssetest.NewServer(t, append(conn, test.rest...))
				text, err := messageSDK(t.Context(), newAnthropicClient(t, srv),
					anthropic.MessageNewParams{Model: "test", MaxTokens: 16})
				check(t, text, err, "Hello", test.err)
			})
		}
	}
}

// The recipe says that the SDK does not report this error.
func TestAnthropicSDKReturnsNilAfterCleanEnd(t *testing.T) {
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(
		anthropicEvent("message_start", `,"message":{"role":"assistant","content":[]}`))})
	client := newAnthropicClient(t, srv)
	stream := client.Messages.NewStreaming(t.Context(),
		anthropic.MessageNewParams{Model: "test", MaxTokens: 16})
	defer stream.Close()
	for stream.Next() {
	}
	if err := stream.Err(); err != nil {
		t.Errorf("got %v; the recipe is out of date", err)
	}
}
