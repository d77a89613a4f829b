package model

import (
	"cmp"
	"encoding/json"
	"strings"
)

// chat is the format of OpenAI's chat completions, which many other services and servers have. It
// includes the older completions, whose choices have a text instead of a delta.
type chat struct{}

// A chatChunk is the data of an event.
type chatChunk struct {
	Model   string
	Choices []struct {
		Index        int
		Text         string
		Delta        chatDelta
		FinishReason string `json:"finish_reason"`
	}
	Usage *chatUsage
	XGroq struct{ Usage *chatUsage } `json:"x_groq"`
}

// A chatDelta is what a chunk adds to a choice.
type chatDelta struct {
	Content          content
	Refusal          string
	Reasoning        string        // of OpenRouter, Groq and Ollama
	ReasoningContent string        `json:"reasoning_content"` // of DeepSeek and vLLM
	FunctionCall     *chatFunction `json:"function_call"`
	ToolCalls        []struct {
		Index    int
		ID       string
		Function chatFunction
	} `json:"tool_calls"`
}

// A chatFunction is a piece of a call of a function.
type chatFunction struct {
	Name      string
	Arguments jsonText
}

// A chatUsage counts tokens.
type chatUsage struct {
	PromptTokens            int `json:"prompt_tokens"`
	CompletionTokens        int `json:"completion_tokens"`
	CompletionTokensDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// decode implements format. Of several choices, only the one with index 0 is decoded: their pieces
// arrive in any order.
func (chat) decode(d *Decoder, _ string, data []byte) {
	var chunk chatChunk
	json.Unmarshal(data, &chunk) // members of other types are left out
	d.setModel(chunk.Model)
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue
		}
		delta := &choice.Delta
		reasoning := cmp.Or(delta.ReasoningContent, delta.Reasoning)
		d.add(Reasoning, reasoning+delta.Content.reasoning)
		d.add(Text, choice.Text+delta.Content.text+delta.Refusal)
		if f := delta.FunctionCall; f != nil {
			c := d.calls.find(d, 0, "")
			c.addName(f.Name)
			c.addArguments(string(f.Arguments))
		}
		for _, t := range delta.ToolCalls {
			c := d.calls.find(d, t.Index, t.ID)
			if c.name == "" {
				c.addName(t.Function.Name)
			}
			c.addArguments(string(t.Function.Arguments))
		}
		if choice.FinishReason == "error" {
			d.add(Failure, "the finish reason is error")
		}
		if choice.FinishReason != "" {
			d.calls.flush(d)
			d.finished(choice.FinishReason)
		}
	}
	if u := cmp.Or(chunk.Usage, chunk.XGroq.Usage); u != nil {
		d.usage = &Usage{
			Input:     u.PromptTokens,
			Output:    u.CompletionTokens,
			Reasoning: u.CompletionTokensDetails.ReasoningTokens,
		}
	}
}

// A content is the content of a delta: a string, or a list of parts as Mistral sends it.
type content struct{ text, reasoning string }

// UnmarshalJSON implements json.Unmarshaler.
func (c *content) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &c.text) == nil {
		return nil
	}
	var parts []struct {
		Text     string
		Thinking []struct{ Text string }
	}
	json.Unmarshal(b, &parts) // members of other types are left out
	var text, reasoning strings.Builder
	for _, p := range parts {
		text.WriteString(p.Text)
		for _, t := range p.Thinking {
			reasoning.WriteString(t.Text)
		}
	}
	c.text, c.reasoning = text.String(), reasoning.String()
	return nil
}
