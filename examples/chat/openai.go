package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/seed-0d85b69d/sse"
)

// The decoders of openai-go are global, so init is the place to register one.
func init() {
	ssestream.RegisterDecoder("text/event-stream", func(body io.ReadCloser) ssestream.Decoder {
		return decoder{sse.NewReader(body), body}
	})
}

// A decoder lets openai-go read events with a Reader, which reports an event that was cut.
type decoder struct {
	*sse.Reader
	io.Closer
}

// Event returns a copy of the current event, because openai-go keeps it in errors.
func (d decoder) Event() ssestream.Event {
	ev := ssestream.Event{Type: d.Type(), Data: bytes.Clone(d.Data())}
	if ev.Type == "message" {
		ev.Type = "" // what openai-go expects of an event without a type
	}
	return ev
}

// replySDK does the same as reply, with openai-go. Unlike openai.NewClient, the function
// openai.NewChatCompletionService does not read environment variables, which may contain the key of
// another API.
func (a *api) replySDK(ctx context.Context, messages []message, write func(string) error) error {
	params := openai.ChatCompletionNewParams{Model: a.model}
	for _, m := range messages {
		convert := openai.UserMessage[string]
		if m.Role == "assistant" {
			convert = openai.AssistantMessage[string]
		}
		params.Messages = append(params.Messages, convert(m.Content))
	}
	client := *a.client
	client.Transport = &sse.Transport{Base: client.Transport, IdleTimeout: a.idle}
	service := openai.NewChatCompletionService(
		option.WithHTTPClient(&client), option.WithBaseURL(a.url), option.WithAPIKey(a.key),
		option.WithMaxRetries(0), // the user may repeat the message
	)
	stream := service.NewStreaming(ctx, params)
	defer stream.Close()
	finished := false
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			if err := write(choice.Delta.Content); err != nil {
				return err
			}
			finished = finished || choice.FinishReason != ""
		}
	}
	err := stream.Err()
	if err == nil && !finished {
		return io.ErrUnexpectedEOF // the SDK does not report that the end is missing
	}
	if refused, ok := errors.AsType[*openai.Error](err); ok && refused.Message != "" {
		return fmt.Errorf("%s: %s", refused.Response.Status, refused.Message)
	}
	return err
}
