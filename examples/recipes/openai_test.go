package recipes

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: openai-chat

type chatChunk struct {
	Choices []struct{ Delta struct{ Content string } }
	Error   *struct{ Message string }
}

func decodeChatChunk(typ string, data []byte) (chatChunk, error) {
	if string(data) == "[DONE]" {
		return chatChunk{}, sse.Done
	}
	chunk, err := sse.JSON[chatChunk](typ, data) // an error if typ is "error"
	if err == nil && chunk.Error != nil {
		err = errors.New(chunk.Error.Message)
	}
	return chunk, err
}

// end

// snippet: openai-chat-request

func chat(ctx context.Context, baseURL, key, body string, write func(text string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		baseURL+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	client := &sse.Client{IdleTimeout: 5 * time.Minute}
	for chunk, err := range sse.DecodeUntilDone(client.Stream(req), decodeChatChunk) {
		if err != nil {
			return err
		}
		for _, choice := range chunk.Choices {
			write(choice.Delta.Content)
		}
	}
	return nil
}

// end

func TestOpenAIChat(t *testing.T) {
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.WantHeader("Authorization", "Bearer key"),
		ssetest.Send(
			sse.Event{Data: `{"choices":[{"delta":{"content":"Hello"}}]}`},
			sse.Event{Data: `[DONE]`},
		),
	})
	var text strings.Builder
	err := chat(t.Context(), srv.URL, "key", `{"stream":true}`, func(s string) { text.WriteString(s) })
	if err != nil || text.String() != "Hello" {
		t.Errorf("got %q, %v", text.String(), err)
	}
}
