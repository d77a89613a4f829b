// Package model decodes the events that the APIs of language models send into text.
//
// It knows the chat completions and the responses of OpenAI, the messages of Anthropic, and Gemini.
// The format is detected from the first event that has one of these forms.
package model

import (
	"encoding/json"
	"strings"

	"github.com/seed-0d85b69d/sse"
)

// Formats names the formats that a Decoder knows.
const Formats = "OpenAI chat completions, OpenAI responses, Anthropic messages, Gemini"

// A Kind says what a Part is.
type Kind int

// The kinds of parts.
const (
	Text      Kind = iota + 1 // a piece of the running text
	Reasoning                 // a piece of the model's reasoning
	ToolCall                  // a whole tool call, such as get_weather({"city":"Paris"})
	Failure                   // an error that the event reports
)

// A Part is a piece of a model's output.
type Part struct {
	Kind      Kind
	Text      string
	Paragraph bool // the text does not continue the text before it
}

// Usage is the number of tokens that the service counted. Output includes Reasoning.
type Usage struct {
	Input, Output, Reasoning int
}

// A Decoder decodes the events of a stream. The zero value is ready to use.
type Decoder struct {
	format    format
	parts     []Part // of the current event
	calls     calls
	paragraph bool // the next text begins a paragraph

	model    string
	usage    *Usage
	finish   string
	complete bool
	done     bool
}

// A format decodes one event of type typ whose data is JSON.
type format interface {
	decode(d *Decoder, typ string, data []byte)
}

// Decode returns the parts that ev contains. They are valid until the next call.
func (d *Decoder) Decode(ev sse.Event) []Part {
	d.parts = d.parts[:0]
	data := []byte(strings.TrimSpace(ev.Data))
	if string(data) == "[DONE]" {
		d.end()
		return d.parts
	}
	if len(data) == 0 || data[0] != '{' || !json.Valid(data) {
		return nil
	}
	if d.format == nil {
		d.format = detect(ev.Type, data)
	}
	if d.format != nil {
		d.format.decode(d, ev.Type, data)
	}
	return d.parts
}

// Detected reports whether an event had a known format.
func (d *Decoder) Detected() bool { return d.format != nil }

// Complete reports whether the model has finished its output, for whatever reason.
func (d *Decoder) Complete() bool { return d.complete }

// Done reports whether the final event has arrived. No event that matters follows it.
func (d *Decoder) Done() bool { return d.done }

// Model returns the name of the model, or "" if no event contained it.
func (d *Decoder) Model() string { return d.model }

// Usage returns the usage, or nil if no event contained it.
func (d *Decoder) Usage() *Usage { return d.usage }

// EarlyEnd returns the reason that the service gave for ending the output before the model had
// finished, such as "length". It returns "" for an ordinary end.
func (d *Decoder) EarlyEnd() string {
	switch strings.ToLower(d.finish) {
	case "stop", "end_turn", "stop_sequence", "tool_use", "tool_calls", "function_call",
		"completed", "eos", "finish_reason_unspecified":
		return ""
	}
	return d.finish
}

// detect returns the format of an event of type typ whose data is a JSON object, or nil.
func detect(typ string, data []byte) format {
	var event struct {
		Type           string
		Object         string
		Choices        json.RawMessage
		Candidates     json.RawMessage
		UsageMetadata  json.RawMessage
		PromptFeedback json.RawMessage
	}
	json.Unmarshal(data, &event) // members of other types are left out
	if event.Type != "" {
		typ = event.Type
	}
	switch typ {
	case "message_start", "content_block_start", "content_block_delta", "content_block_stop",
		"message_delta", "message_stop":
		return messages{}
	}
	switch {
	case event.Choices != nil, event.Object == "chat.completion.chunk":
		return chat{}
	case strings.HasPrefix(typ, "response."):
		return responses{}
	case event.Candidates != nil, event.UsageMetadata != nil, event.PromptFeedback != nil:
		return gemini{}
	}
	return nil
}

// add appends a part to those of the current event, unless its text is empty.
func (d *Decoder) add(kind Kind, text string) {
	if text == "" {
		return
	}
	part := Part{Kind: kind, Text: text}
	if kind == Text || kind == Reasoning {
		part.Paragraph, d.paragraph = d.paragraph, false
	}
	d.parts = append(d.parts, part)
}

// setModel sets the name of the model if it is not known yet.
func (d *Decoder) setModel(name string) {
	if d.model == "" {
		d.model = name
	}
}

// finished records the reason why the model has finished, if it is not empty.
func (d *Decoder) finished(reason string) {
	if reason != "" {
		d.finish, d.complete = reason, true
	}
}

// end handles the final event.
func (d *Decoder) end() {
	d.calls.flush(d)
	d.complete, d.done = true, true
}

// A jsonText is the text of a JSON string, or any other JSON value without white space. For null it
// is empty.
type jsonText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *jsonText) UnmarshalJSON(b []byte) error {
	*t = jsonText(flatten(b))
	return nil
}
