package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// newOpenAIClient returns a client of the SDK, which reads the environment.
func newOpenAIClient(t *testing.T, srv *ssetest.Server) openai.Client {
	t.Setenv("OPENAI_API_KEY", "key")
	t.Setenv("OPENAI_BASE_URL", srv.URL)
	// snippet: openai-transport
	client := openai.NewClient(option.WithHTTPClient(&http.Client{
		Transport: &sse.Transport{IdleTimeout: 5 * time.Minute},
	}))
	// end
	return client
}

// snippet: openai-decoder
// A decoder gives the SDK the events of a Reader.
type decoder struct {
	*sse.Reader
	io.Closer
}

func newDecoder(body io.ReadCloser) ssestream.Decoder {
	return decoder{sse.NewReader(body), body}
}

// Event returns a copy of the current event, because the SDK keeps it in errors.
func (d decoder) Event() ssestream.Event {
	ev := ssestream.Event{Type: d.Type(), Data: bytes.Clone(d.Data())}
	if ev.Type == "message" {
		ev.Type = "" // what the SDK expects of an event without a type
	}
	return ev
}

func init() {
	ssestream.RegisterDecoder("text/event-stream", newDecoder)
	ssestream.RegisterDecoder("text/event-stream; charset=utf-8", newDecoder)
}

// end

// snippet: openai-complete
func chatSDK(
	ctx context.Context, client openai.Client, params openai.ChatCompletionNewParams,
) (string, error) {
	stream := client.Chat.Completions.NewStreaming(ctx, params)
	defer stream.Close()
	var text strings.Builder
	finished := false
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			text.WriteString(choice.Delta.Content)
			finished = finished || choice.FinishReason != ""
		}
	}
	if err := stream.Err(); err != nil {
		return text.String(), err
	}
	if !finished {
		return text.String(), io.ErrUnexpectedEOF
	}
	return text.String(), nil
}

// end

func TestOpenAISDK(t *testing.T) {
	chunk := func(text, finish string) sse.Event {
		return sse.Event{Data: fmt.Sprintf(`{"object":"chat.completion.chunk","choices":[`+
			`{"index":0,"delta":{"content":%q},"finish_reason":%s}]}`, text, finish)}
	}
	hello := chunk("Hello", "null")
	for _, test := range []struct {
		name        string
		contentType string
		rest        []ssetest.Step
		text, err   string
	}{
		{"complete", "text/event-stream",
			[]ssetest.Step{ssetest.Send(chunk("!", `"stop"`), sse.Event{Data: "[DONE]"})},
			"Hello!", ""},
		{"complete with charset", "text/event-stream; charset=utf-8",
			[]ssetest.Step{ssetest.Send(chunk("!", `"stop"`), sse.Event{Data: "[DONE]"})},
			"Hello!", ""},
		{"error", "text/event-stream",
			[]ssetest.Step{ssetest.Send(sse.Event{Data: `{"error":{"message":"overloaded"}}`})},
			"Hello", "overloaded"},
		{"clean end in the middle", "text/event-stream", nil, "Hello", "unexpected EOF"},
		// The parser of the SDK returns a nil error for this stream.
		{"clean end within an event", "text/event-stream",
			[]ssetest.Step{ssetest.Raw(`data: {"choices":[{`)}, "Hello", "unexpected EOF"},
		{"cut", "text/event-stream", []ssetest.Step{ssetest.Cut()}, "Hello", "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := ssetest.Conn{
				ssetest.Status(http.StatusOK, "Content-Type", test.contentType),
				ssetest.Send(hello),
			}
			srv := ssetest.NewServer(t, append(conn, test.rest...))
			text, err := chatSDK(t.Context(), newOpenAIClient(t, srv),
				openai.ChatCompletionNewParams{
					Model:    "test",
					Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hi")},
				})
			check(t, text, err, test.text, test.err)
		})
	}
}

// The recipe says that the SDK does not report this error.
func TestOpenAISDKReturnsNilAfterCleanEnd(t *testing.T) {
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Send(sse.Event{Data: `{"choices":[{"delta":{"content":"Hello"}}]}`}),
	})
	client := newOpenAIClient(t, srv)
	stream := client.Chat.Completions.NewStreaming(t.Context(),
		openai.ChatCompletionNewParams{Model: "test"})
	defer stream.Close()
	for stream.Next() {
	}
	if err := stream.Err(); err != nil {
		t.Errorf("got %v; the recipe is out of date", err)
	}
}

// The values of the SDK must not refer to the data of an event, which the Reader overwrites.
func TestOpenAISDKKeepsRawJSON(t *testing.T) {
	events := []sse.Event{
		{Data: `{"id":"first","choices":[{"delta":{"content":"Hello"}}]}`},
		{Data: `{"id":"second","choices":[{"delta":{"content":"world"}}]}`},
		{Data: "[DONE]"},
	}
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(events...)})
	client := newOpenAIClient(t, srv)
	stream := client.Chat.Completions.NewStreaming(t.Context(),
		openai.ChatCompletionNewParams{Model: "test"})
	defer stream.Close()
	var chunks []openai.ChatCompletionChunk
	for stream.Next() {
		chunks = append(chunks, stream.Current())
	}
	if len(chunks) != 2 || stream.Err() != nil {
		t.Fatalf("got %d chunks, %v", len(chunks), stream.Err())
	}
	for i, chunk := range chunks {
		if got, want := chunk.RawJSON(), events[i].Data; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// snippet: openai-responses-complete
func respondSDK(
	ctx context.Context, client openai.Client, params responses.ResponseNewParams,
) (string, error) {
	stream := client.Responses.NewStreaming(ctx, params)
	defer stream.Close()
	var text strings.Builder
	for stream.Next() {
		switch ev := stream.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text.WriteString(ev.Delta)
		case responses.ResponseCompletedEvent:
			return text.String(), nil
		case responses.ResponseIncompleteEvent:
			return text.String(), errors.New(ev.Response.IncompleteDetails.Reason)
		case responses.ResponseFailedEvent:
			return text.String(), errors.New(ev.Response.Error.Message)
		case responses.ResponseErrorEvent:
			return text.String(), errors.New(ev.Message)
		}
	}
	if err := stream.Err(); err != nil {
		return text.String(), err
	}
	return text.String(), io.ErrUnexpectedEOF
}

// end

func TestOpenAISDKResponses(t *testing.T) {
	hello := sse.Event{Type: "response.output_text.delta",
		Data: `{"type":"response.output_text.delta","delta":"Hello"}`}
	for _, test := range []struct{ name, typ, fields, err string }{
		{"complete", "response.completed", `"response":{"status":"completed"}`, ""},
		{"failed", "response.failed", `"response":{"error":{"message":"no capacity"}}`,
			"no capacity"},
		{"incomplete", "response.incomplete",
			`"response":{"incomplete_details":{"reason":"max_output_tokens"}}`,
			"max_output_tokens"},
		{"error", "error", `"code":"server_error","message":"broken"`, "broken"},
		{"clean end in the middle", "response.output_text.done", `"text":"Hello"`,
			"unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(hello, sse.Event{
				Type: test.typ, Data: fmt.Sprintf(`{"type":%q,%s}`, test.typ, test.fields),
			})})
			text, err := respondSDK(t.Context(), newOpenAIClient(t, srv),
				responses.ResponseNewParams{Model: "test"})
			check(t, text, err, "Hello", test.err)
		})
	}
}
