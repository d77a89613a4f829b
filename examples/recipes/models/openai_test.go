package models

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: chat-decode
type chatChunk struct {
	Choices []struct{ Delta struct{ Content string } }
	Error   struct{ Message string }
}

func decodeChat(typ string, data []byte) (chatChunk, error) {
	if string(data) == "[DONE]" {
		return chatChunk{}, sse.Done
	}
	chunk, err := sse.JSON[chatChunk](typ, data) // an error if typ is "error"
	if err == nil && chunk.Error.Message != "" {
		err = errors.New(chunk.Error.Message)
	}
	return chunk, err
}

// end

// snippet: chat
// chat calls show with each piece of the text. The body contains "stream": true.
func chat(ctx context.Context, baseURL, key, body string, show func(text string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		baseURL+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	client := &sse.Client{IdleTimeout: 5 * time.Minute}
	for chunk, err := range sse.DecodeUntilDone(client.Stream(req), decodeChat) {
		if err != nil {
			return err
		}
		for _, choice := range chunk.Choices {
			show(choice.Delta.Content)
		}
	}
	return nil
}

// end

func TestChat(t *testing.T) {
	hello := sse.Event{Data: `{"choices":[{"delta":{"content":"Hello"}}]}`}
	usage := sse.Event{Data: `{"choices":[],"usage":{"completion_tokens":1}}`}
	for _, test := range []struct {
		name      string
		events    []sse.Event
		text, err string
	}{
		{"complete", []sse.Event{hello, usage, {Data: "[DONE]"}}, "Hello", ""},
		{"error", []sse.Event{hello, {Data: `{"error":{"message":"overloaded"}}`}}, "Hello",
			"overloaded"},
		{"error event", []sse.Event{hello, {Type: "error", Data: `{"message":"overloaded"}`}},
			"Hello", "overloaded"},
		{"incomplete", []sse.Event{hello}, "Hello", "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := ssetest.NewServer(t, ssetest.Conn{
				ssetest.WantHeader("Authorization", "Bearer key"), ssetest.Send(test.events...),
			})
			text, err := collect(func(show func(string)) error {
				return chat(t.Context(), srv.URL, "key", `{"stream":true}`, show)
			})
			check(t, text, err, test.text, test.err)
			if path := srv.Requests()[0].URL.Path; path != "/chat/completions" {
				t.Errorf("got path %s", path)
			}
		})
	}
}

func askOllama(ctx context.Context, baseURL, question string, show func(text string)) error {
	// snippet: ollama
	body, err := json.Marshal(map[string]any{
		"model":    "gpt-oss:20b",
		"stream":   true,
		"messages": []map[string]string{{"role": "user", "content": question}},
	})
	if err != nil {
		return err
	}
	// baseURL is "http://localhost:11434/v1".
	return chat(ctx, baseURL, "unused", string(body), show)
	// end
}

func TestOllama(t *testing.T) {
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Send(sse.Event{Data: `{"choices":[{"delta":{"content":"42"}}]}`}),
		ssetest.Send(sse.Event{Data: "[DONE]"}),
	})
	text, err := collect(func(show func(string)) error {
		return askOllama(t.Context(), srv.URL, "6 times 7?", show)
	})
	check(t, text, err, "42", "")
	const want = `{"messages":[{"content":"6 times 7?","role":"user"}],"model":"gpt-oss:20b",` +
		`"stream":true}`
	if got := string(srv.Requests()[0].Body); got != want {
		t.Errorf("got request %s\nwant %s", got, want)
	}
}

// snippet: responses
func decodeResponses(typ string, data []byte) (text string, err error) {
	switch typ {
	case "response.output_text.delta":
		ev, err := sse.JSON[struct{ Delta string }](typ, data)
		return ev.Delta, err
	case "response.completed":
		return "", sse.Done
	case "response.failed", "response.incomplete":
		ev, err := sse.JSON[struct {
			Response struct {
				Error             struct{ Message string }
				IncompleteDetails struct{ Reason string } `json:"incomplete_details"`
			}
		}](typ, data)
		if err == nil {
			r := ev.Response
			err = errors.New(cmp.Or(r.Error.Message, r.IncompleteDetails.Reason, typ))
		}
		return "", err
	case "error":
		return sse.JSON[string](typ, data) // always an error
	}
	return "", sse.Skip // an event that this program does not need
}

// end

// respond differs from chat in the path and the decode function.
func respond(ctx context.Context, baseURL, key, body string, show func(text string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		baseURL+"/responses", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	client := &sse.Client{IdleTimeout: 5 * time.Minute}
	// snippet: responses-loop
	for text, err := range sse.DecodeUntilDone(client.Stream(req), decodeResponses) {
		if err != nil {
			return err
		}
		show(text)
	}
	// end
	return nil
}

func TestResponses(t *testing.T) {
	event := func(typ, fields string) sse.Event {
		return sse.Event{Type: typ, Data: `{"type":"` + typ + `",` + fields + `}`}
	}
	created := event("response.created", `"response":{"status":"in_progress"}`)
	hello := event("response.output_text.delta", `"delta":"Hello"`)
	for _, test := range []struct {
		name string
		last sse.Event
		err  string
	}{
		{"complete", event("response.completed", `"response":{"error":null}`), ""},
		{"failed", event("response.failed", `"response":{"error":{"message":"no capacity"}}`),
			"no capacity"},
		{"incomplete", event("response.incomplete",
			`"response":{"error":null,"incomplete_details":{"reason":"max_output_tokens"}}`),
			"max_output_tokens"},
		{"error", event("error", `"code":"server_error","message":"broken"`), "broken"},
		{"cut", event("response.output_text.done", `"text":"Hello"`), "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(created, hello, test.last)})
			text, err := collect(func(show func(string)) error {
				return respond(t.Context(), srv.URL, "key", `{"stream":true}`, show)
			})
			check(t, text, err, "Hello", test.err)
		})
	}
}
