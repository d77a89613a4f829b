package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// An api is a model behind an OpenAI-compatible API.
type api struct {
	client *http.Client
	url    string // base URL of the API
	key    string // not sent if empty
	model  string
	idle   time.Duration // longest pause of a reply
}

// reply requests the next message of the conversation. It calls write with each part of the message
// as soon as it arrives, and returns nil if the message is complete.
func (a *api) reply(ctx context.Context, messages []message, write func(string) error) error {
	params := map[string]any{"model": a.model, "messages": messages, "stream": true}
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	url := strings.TrimSuffix(a.url, "/") + "/chat/completions"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	client := &sse.Client{HTTPClient: a.client, IdleTimeout: a.idle}
	for text, err := range sse.DecodeUntilDone(client.Stream(req), decodeText) {
		if err != nil {
			return apiError(err)
		}
		if err := write(text); err != nil {
			return err
		}
	}
	return nil
}

// A chunk is the data of an event, or the body of a response that reports an error.
type chunk struct {
	Choices []struct{ Delta struct{ Content string } }
	Error   *struct{ Message string }
}

func decodeText(typ string, data []byte) (string, error) {
	if string(data) == "[DONE]" {
		return "", sse.Done
	}
	c, err := sse.JSON[chunk](typ, data)
	switch {
	case err != nil:
		return "", err
	case c.Error != nil:
		return "", errors.New(c.Error.Message)
	case len(c.Choices) == 0: // for example an event with the number of tokens
		return "", sse.Skip
	}
	return c.Choices[0].Delta.Content, nil
}

// apiError returns an error with the message of the API if err contains one, and otherwise err.
func apiError(err error) error {
	if refused, ok := errors.AsType[*sse.ResponseError](err); ok {
		var body chunk
		if json.Unmarshal(refused.Body, &body) == nil && body.Error != nil {
			return fmt.Errorf("%s: %s", refused.Status, body.Error.Message)
		}
	}
	return err
}
