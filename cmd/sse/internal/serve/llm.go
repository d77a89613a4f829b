package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamwriter"
)

// llm responds as a language model does, in the format of OpenAI or of Anthropic.
func (s *exampleServer) llm(out *streamwriter.Writer) {
	prompt, err := readPrompt(out.Request)
	if err != nil {
		out.Response.Header().Set("Content-Type", "application/json")
		out.Response.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(out.Response).Encode(map[string]any{"error": map[string]string{
			"type":    "invalid_request_error",
			"message": err.Error(),
		}})
		return
	}
	text := "There is no model here, but this is how an answer arrives: " +
		"word by word, each in an event of its own."
	if prompt != "" {
		text = fmt.Sprintf("You asked %q. ", prompt) + text
	}
	words := strings.SplitAfter(text, " ")
	out.Start()
	isAnthropic := out.Request.URL.Path == "/v1/messages" ||
		out.Request.URL.Query().Get("shape") == "anthropic"
	if isAnthropic {
		s.anthropic(out, words)
	} else {
		s.openAI(out, words)
	}
}

// readPrompt returns the prompt of a request: the parameter q of the query, or the last message of
// the body.
func readPrompt(r *http.Request) (string, error) {
	prompt := r.URL.Query().Get("q")
	if r.Method == http.MethodPost {
		var body struct {
			Messages []struct{ Content content }
			Stream   *bool
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return "", errors.New("the body cannot be read, or is too large")
		}
		if len(b) > 0 {
			if err := json.Unmarshal(b, &body); err != nil {
				return "", fmt.Errorf("the body is not a request in JSON: %v", err)
			}
		}
		if body.Stream != nil && !*body.Stream {
			return "", errors.New(`this server only streams: send "stream": true`)
		}
		if n := len(body.Messages); n > 0 {
			prompt = string(body.Messages[n-1].Content)
		}
	}
	if r := []rune(prompt); len(r) > 80 {
		prompt = string(r[:80]) + "…"
	}
	return prompt, nil
}

// A content is the text of a message: a string, or a list of content blocks such as
// {"type":"text","text":"…"}, of which those without text are ignored. It may be null.
type content string

// UnmarshalJSON implements json.Unmarshaler.
func (c *content) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*string)(c)) == nil {
		return nil
	}
	var blocks []struct{ Text string }
	if err := json.Unmarshal(b, &blocks); err != nil {
		return errors.New("the content of a message is neither a string nor a list of blocks")
	}
	var texts []string
	for _, block := range blocks {
		if block.Text != "" {
			texts = append(texts, block.Text)
		}
	}
	*c = content(strings.Join(texts, " "))
	return nil
}

// An object is a JSON object.
type object = map[string]any

// openAI sends words as a chat completion of OpenAI.
func (s *exampleServer) openAI(out *streamwriter.Writer, words []string) {
	chunk := func(delta object, finishReason any) {
		sendJSON(out, "", object{
			"id":      "chatcmpl-demo",
			"object":  "chat.completion.chunk",
			"created": time.Now().Unix(),
			"model":   "sse-demo",
			"choices": []any{object{"index": 0, "delta": delta, "finish_reason": finishReason}},
		})
	}
	chunk(object{"role": "assistant", "content": ""}, nil)
	for _, w := range words {
		if !out.Pause(s.paces.Word) {
			return
		}
		chunk(object{"content": w}, nil)
	}
	chunk(object{}, "stop")
	out.Event(sse.Event{Data: "[DONE]"})
}

// anthropic sends words as a message of Anthropic.
func (s *exampleServer) anthropic(out *streamwriter.Writer, words []string) {
	sendJSON(out, "message_start", object{"message": object{
		"id":            "msg_demo",
		"type":          "message",
		"role":          "assistant",
		"model":         "sse-demo",
		"content":       []any{},
		"stop_reason":   nil,
		"stop_sequence": nil,
		"usage":         object{"input_tokens": 1, "output_tokens": 1},
	}})
	sendJSON(out, "content_block_start", object{
		"index":         0,
		"content_block": object{"type": "text", "text": ""},
	})
	sendJSON(out, "ping", object{})
	for _, w := range words {
		if !out.Pause(s.paces.Word) {
			return
		}
		sendJSON(out, "content_block_delta", object{
			"index": 0,
			"delta": object{"type": "text_delta", "text": w},
		})
	}
	sendJSON(out, "content_block_stop", object{"index": 0})
	sendJSON(out, "message_delta", object{
		"delta": object{"stop_reason": "end_turn", "stop_sequence": nil},
		"usage": object{"output_tokens": len(words)},
	})
	sendJSON(out, "message_stop", object{})
}

// sendJSON sends v as an event of type typ. If typ is not empty, v also contains it, as with
// Anthropic.
func sendJSON(out *streamwriter.Writer, typ string, v object) {
	if typ != "" {
		v["type"] = typ
	}
	b, err := json.Marshal(v)
	if err != nil {
		out.Err = err
		return
	}
	out.Event(sse.Event{Type: typ, Data: string(b)})
}
