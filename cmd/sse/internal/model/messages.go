package model

import (
	"cmp"
	"encoding/json"
)

// messages is the format of Anthropic's messages.
type messages struct{}

// A messagesEvent is the data of an event.
type messagesEvent struct {
	Type    string
	Index   int
	Message struct {
		Model string
		Usage *messagesUsage
	}
	ContentBlock struct {
		Type     string
		Text     string
		Thinking string
		Name     string
		Input    jsonText
	} `json:"content_block"`
	Delta struct {
		Text        string
		Thinking    string
		PartialJSON string `json:"partial_json"`
		StopReason  string `json:"stop_reason"`
	}
	Usage *messagesUsage
	Error json.RawMessage
}

// A messagesUsage counts tokens. The last one counts all output tokens so far.
type messagesUsage struct {
	InputTokens              int `json:"input_tokens"`
	CacheCreationInputTokens int `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int `json:"cache_read_input_tokens"`
	OutputTokens             int `json:"output_tokens"`
}

// decode implements format.
func (messages) decode(d *Decoder, typ string, data []byte) {
	var ev messagesEvent
	json.Unmarshal(data, &ev) // members of other types are left out
	d.setModel(ev.Message.Model)
	d.addMessagesUsage(cmp.Or(ev.Message.Usage, ev.Usage))
	switch cmp.Or(ev.Type, typ) {
	case "content_block_start":
		block := &ev.ContentBlock
		d.add(Reasoning, block.Thinking)
		d.add(Text, block.Text)
		if block.Type == "tool_use" || block.Type == "server_tool_use" {
			c := d.calls.find(d, ev.Index, "")
			c.name = ""
			c.addName(block.Name)
			if block.Input != "{}" { // otherwise the input follows in pieces
				c.addArguments(string(block.Input))
			}
		}
	case "content_block_delta":
		d.add(Reasoning, ev.Delta.Thinking)
		d.add(Text, ev.Delta.Text)
		if ev.Delta.PartialJSON != "" {
			d.calls.find(d, ev.Index, "").addArguments(ev.Delta.PartialJSON)
		}
	case "content_block_stop":
		d.calls.flush(d) // blocks follow each other
	case "message_delta":
		d.finished(ev.Delta.StopReason)
	case "message_stop":
		d.end()
	case "error":
		d.add(Failure, cmp.Or(flatten(ev.Error), flatten(data)))
	}
}

// addMessagesUsage sets the usage to u. A later event may contain only the output tokens.
func (d *Decoder) addMessagesUsage(u *messagesUsage) {
	if u == nil {
		return
	}
	input := u.InputTokens + u.CacheCreationInputTokens + u.CacheReadInputTokens
	if d.usage == nil {
		d.usage = new(Usage)
	}
	d.usage.Input = max(d.usage.Input, input)
	d.usage.Output = max(d.usage.Output, u.OutputTokens)
}
