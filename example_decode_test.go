package sse_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-0d85b69d/sse"
)

// The examples read strings. The same functions read the body of a response, if they are called
// with NewReader(resp.Body), and the Stream of a Client.

// The stream of chat completions has the final event "[DONE]". An error arrives in place of the
// choices, or as an event of type "error".
func ExampleDecodeUntilDone_openAIChatCompletions() {
	type chunk struct {
		Choices []struct {
			Delta struct{ Content string }
		}
		Error *struct{ Message string }
	}
	decode := func(typ string, data []byte) (chunk, error) {
		if string(data) == "[DONE]" {
			return chunk{}, sse.Done
		}
		c, err := sse.JSON[chunk](typ, data) // an error if typ is "error"
		if err == nil && c.Error != nil {
			err = errors.New(c.Error.Message)
		}
		return c, err
	}
	read := func(src sse.Source) (text string, err error) {
		for c, err := range sse.DecodeUntilDone(src, decode) {
			if err != nil {
				return text, err
			}
			for _, choice := range c.Choices {
				text += choice.Delta.Content
			}
		}
		return text, nil
	}

	const hello = `data: {"choices":[{"delta":{"content":"Hello"}}]}` + "\n\n"
	for _, stream := range []string{
		hello + "data: [DONE]\n\n",
		hello + `data: {"choices":[],"error":{"message":"out of capacity"}}` + "\n\n",
		hello + "event: error\n" + `data: {"message":"internal error"}` + "\n\n",
		hello, // the connection was closed too early
	} {
		text, err := read(sse.NewReader(strings.NewReader(stream)))
		fmt.Printf("%q, %v\n", text, err)
	}
	// Output:
	// "Hello", <nil>
	// "Hello", sse: event of type "message": out of capacity
	// "Hello", sse: event of type "error": error event: {"message":"internal error"}
	// "Hello", unexpected EOF
}

// The final event of a response contains its usage. The function leaves the loop after it.
func ExampleDecodeUntilDone_openAIResponses() {
	type event struct {
		Type, Delta string
		Response    struct {
			Error struct{ Message string }
			Usage struct {
				OutputTokens int `json:"output_tokens"`
			}
		}
	}
	read := func(src sse.Source) (text string, tokens int, err error) {
		for ev, err := range sse.DecodeUntilDone(src, sse.JSON[event]) {
			if err != nil {
				return text, 0, err
			}
			switch ev.Type {
			case "response.output_text.delta":
				text += ev.Delta
			case "response.completed", "response.incomplete":
				return text, ev.Response.Usage.OutputTokens, nil
			case "response.failed":
				return text, 0, errors.New(ev.Response.Error.Message)
			}
		}
		return text, 0, nil
	}

	const hello = `event: response.created
data: {"type":"response.created","response":{"status":"in_progress"}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","delta":"Hello"}

`
	for _, stream := range []string{
		hello + `event: response.completed
data: {"type":"response.completed","response":{"usage":{"output_tokens":11}}}

`,
		hello + `event: response.failed
data: {"type":"response.failed","response":{"error":{"message":"The model failed."}}}

`,
	} {
		text, tokens, err := read(sse.NewReader(strings.NewReader(stream)))
		fmt.Printf("%q, %d tokens, %v\n", text, tokens, err)
	}
	// Output:
	// "Hello", 11 tokens, <nil>
	// "Hello", 0 tokens, The model failed.
}

// The type of an event says what its data contains. Events that the program does not need, such as
// ping and message_start, are skipped.
func ExampleDecodeUntilDone_anthropicMessages() {
	decode := func(typ string, data []byte) (text string, err error) {
		switch typ {
		case "content_block_delta":
			block, err := sse.JSON[struct {
				Delta struct{ Text string }
			}](typ, data)
			return block.Delta.Text, err
		case "message_stop":
			return "", sse.Done
		case "error":
			return sse.JSON[string](typ, data) // always an error
		}
		return "", sse.Skip
	}

	const hello = `event: message_start
data: {"type":"message_start","message":{"role":"assistant","content":[]}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}

`
	for _, stream := range []string{
		hello + "event: message_stop\n" + `data: {"type":"message_stop"}` + "\n\n",
		hello + "event: error\n" + `data: {"type":"error","error":{"type":"overloaded_error"}}` + "\n\n",
	} {
		src := sse.NewReader(strings.NewReader(stream))
		for text, err := range sse.DecodeUntilDone(src, decode) {
			if err != nil {
				fmt.Println(err)
				break
			}
			fmt.Println(text)
		}
	}
	// Output:
	// Hello
	// Hello
	// sse: event of type "error": error event: {"type":"error","error":{"type":"overloaded_error"}}
}

// A Gemini stream has no final event: its last chunk has a finishReason. If the stream ends before
// that chunk, DecodeUntilDone reports that it is incomplete.
func ExampleDecodeUntilDone_gemini() {
	type chunk struct {
		Candidates []struct {
			Content      struct{ Parts []struct{ Text string } }
			FinishReason string
		}
	}
	read := func(src sse.Source) (text, finishReason string, err error) {
		for c, err := range sse.DecodeUntilDone(src, sse.JSON[chunk]) {
			if err != nil {
				return text, "", err
			}
			for _, candidate := range c.Candidates {
				for _, part := range candidate.Content.Parts {
					text += part.Text
				}
				if candidate.FinishReason != "" {
					return text, candidate.FinishReason, nil
				}
			}
		}
		return text, "", nil
	}

	const hello = `data: {"candidates":[{"content":{"parts":[{"text":"Hello"}]}}]}` + "\r\n\r\n"
	const end = `data: {"candidates":[{"content":{"parts":[{"text":"!"}]},"finishReason":"STOP"}]}` +
		"\r\n\r\n"
	fmt.Println(read(sse.NewReader(strings.NewReader(hello + end))))
	fmt.Println(read(sse.NewReader(strings.NewReader(hello))))
	// Output:
	// Hello! STOP <nil>
	// Hello  unexpected EOF
}

// These are the values of ExampleDecode_featureFlags.
type (
	flagChange interface{ apply(flags map[string]bool) }
	flagPut    map[string]bool
	flagPatch  struct {
		Key   string
		Value bool
	}
	flagDelete struct{ Key string }
)

func (p flagPut) apply(flags map[string]bool) {
	clear(flags)
	for key, value := range p {
		flags[key] = value
	}
}

func (p flagPatch) apply(flags map[string]bool)  { flags[p.Key] = p.Value }
func (d flagDelete) apply(flags map[string]bool) { delete(flags, d.Key) }

// Each type of event has its own type of value. The values share an interface.
func ExampleDecode_featureFlags() {
	decode := func(typ string, data []byte) (flagChange, error) {
		switch typ {
		case "put":
			return sse.JSON[flagPut](typ, data)
		case "patch":
			return sse.JSON[flagPatch](typ, data)
		case "delete":
			return sse.JSON[flagDelete](typ, data)
		}
		return nil, sse.Skip // of a later version of the server
	}

	src := sse.NewReader(strings.NewReader(`event: put
data: {"dark-mode":false,"beta":true}

event: patch
data: {"key":"dark-mode","value":true}

event: segment
data: {"key":"staff"}

event: delete
data: {"key":"beta"}

`))
	flags := make(map[string]bool)
	for change, err := range sse.Decode(src, decode) {
		if err != nil {
			fmt.Println(err)
			break
		}
		change.apply(flags)
		fmt.Println(flags)
	}
	// Output:
	// map[beta:true dark-mode:false]
	// map[beta:true dark-mode:true]
	// map[dark-mode:true]
}
