package model

import (
	"cmp"
	"encoding/json"
	"strings"
)

// responses is the format of OpenAI's responses.
type responses struct{}

// A responsesEvent is the data of an event.
type responsesEvent struct {
	Type    string
	Delta   jsonText
	Message string          // of the type error
	Code    json.RawMessage // of the type error
	Item    struct {
		Type      string
		Name      string
		Arguments jsonText
		Input     jsonText // of a custom tool
		Action    jsonText // of a search or of a command
	}
	Response struct {
		Model             string
		Status            string
		Error             json.RawMessage
		IncompleteDetails struct{ Reason string } `json:"incomplete_details"`
		Usage             *struct {
			InputTokens         int `json:"input_tokens"`
			OutputTokens        int `json:"output_tokens"`
			OutputTokensDetails struct {
				ReasoningTokens int `json:"reasoning_tokens"`
			} `json:"output_tokens_details"`
		}
	}
}

// decode implements format.
func (responses) decode(d *Decoder, typ string, data []byte) {
	var ev responsesEvent
	json.Unmarshal(data, &ev) // members of other types are left out
	d.setModel(ev.Response.Model)
	if u := ev.Response.Usage; u != nil {
		d.usage = &Usage{
			Input:     u.InputTokens,
			Output:    u.OutputTokens,
			Reasoning: u.OutputTokensDetails.ReasoningTokens,
		}
	}
	switch cmp.Or(ev.Type, typ) {
	case "response.output_text.delta", "response.refusal.delta":
		d.add(Text, string(ev.Delta))
	case "response.reasoning_text.delta", "response.reasoning_summary_text.delta":
		d.add(Reasoning, string(ev.Delta))
	case "response.reasoning_summary_part.added":
		d.paragraph = true
	case "response.output_item.added":
		d.paragraph = d.paragraph || ev.Item.Type == "message" || ev.Item.Type == "reasoning"
	case "response.output_item.done":
		if name, ok := strings.CutSuffix(ev.Item.Type, "_call"); ok {
			d.addCall(cmp.Or(ev.Item.Name, name),
				string(cmp.Or(ev.Item.Arguments, ev.Item.Input, ev.Item.Action)))
		}
	case "response.completed":
		d.finished("completed")
		d.end()
	case "response.incomplete":
		d.finished(cmp.Or(ev.Response.IncompleteDetails.Reason, "incomplete"))
		d.end()
	case "response.failed":
		d.add(Failure, cmp.Or(flatten(ev.Response.Error), "the response failed"))
		d.end()
	case "error":
		d.add(Failure, flatten(data))
	}
}
