package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// llm answers as a language model does, in OpenAI's shape or Anthropic's.
func (s *streams) llm(st *stream) {
	anthropic := st.r.URL.Path == "/v1/messages" || st.r.URL.Query().Get("shape") == "anthropic"
	prompt, err := ask(st.r)
	if err != nil {
		st.w.Header().Set("Content-Type", "application/json")
		st.w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(st.w).Encode(map[string]any{"error": map[string]string{"type": "invalid_request_error", "message": err.Error()}})
		return
	}
	answer := "There is no model here, but this is how an answer arrives: word by word, each in an event of its own."
	if prompt != "" {
		answer = fmt.Sprintf("You asked %q. ", prompt) + answer
	}
	words := strings.SplitAfter(answer, " ")
	st.start()
	if anthropic {
		st.anthropic(words)
	} else {
		st.openAI(words)
	}
}

// ask reads the question: q in the query, or the last message of a body.
func ask(r *http.Request) (string, error) {
	q := r.URL.Query().Get("q")
	if r.Method == http.MethodPost {
		var body struct {
			Messages []struct{ Content json.RawMessage }
			Stream   *bool
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return "", errors.New("the body can't be read, or is too large")
		}
		if len(b) > 0 {
			if err := json.Unmarshal(b, &body); err != nil {
				return "", fmt.Errorf("the body is not the JSON of a request: %v", err)
			}
		}
		if body.Stream != nil && !*body.Stream {
			return "", errors.New("only streams are served here: send \"stream\": true")
		}
		if n := len(body.Messages); n > 0 {
			json.Unmarshal(body.Messages[n-1].Content, &q) // content in parts is not quoted
		}
	}
	if r := []rune(q); len(r) > 80 {
		q = string(r[:80]) + "…"
	}
	return q, nil
}

func (st *stream) openAI(words []string) {
	chunk := func(delta map[string]string, finish any) {
		st.json("", map[string]any{
			"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": time.Now().Unix(), "model": "sse-demo",
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
		})
	}
	chunk(map[string]string{"role": "assistant", "content": ""}, nil)
	for _, w := range words {
		if !st.pause(wordPace) {
			return
		}
		chunk(map[string]string{"content": w}, nil)
	}
	chunk(map[string]string{}, "stop")
	st.event(sse.Event{Data: "[DONE]"})
}

func (st *stream) anthropic(words []string) {
	type object = map[string]any
	st.json("message_start", object{"message": object{"id": "msg_demo", "type": "message", "role": "assistant", "model": "sse-demo",
		"content": []any{}, "stop_reason": nil, "stop_sequence": nil, "usage": object{"input_tokens": 1, "output_tokens": 1}}})
	st.json("content_block_start", object{"index": 0, "content_block": object{"type": "text", "text": ""}})
	st.json("ping", object{})
	for _, w := range words {
		if !st.pause(wordPace) {
			return
		}
		st.json("content_block_delta", object{"index": 0, "delta": object{"type": "text_delta", "text": w}})
	}
	st.json("content_block_stop", object{"index": 0})
	st.json("message_delta", object{"delta": object{"stop_reason": "end_turn", "stop_sequence": nil}, "usage": object{"output_tokens": len(words)}})
	st.json("message_stop", object{})
}

// json sends v as an event; a type is named in the data too, as Anthropic does.
func (st *stream) json(typ string, v map[string]any) {
	if typ != "" {
		v["type"] = typ
	}
	b, err := json.Marshal(v)
	if err != nil {
		st.err = err
		return
	}
	st.event(sse.Event{Type: typ, Data: string(b)})
}
