package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/openai/openai-go/v3"
	openaistream "github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/seed-0d85b69d/sse"
)

// A completionChunk is the JSON of an llm event, as a program without an SDK may declare it.
type completionChunk struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
	Choices []struct {
		Index int `json:"index"`
		Delta struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		} `json:"delta"`
		FinishReason *string `json:"finish_reason"`
	} `json:"choices"`
}

// A sdkProgram reads the response of a language model into structs.
type sdkProgram struct {
	name string

	// run reads the response and calls onContent with the content of each chunk.
	run func(body io.Reader, onContent func(string)) error

	// parse reads the response with the parser of the program and does nothing else.
	parse func(body io.Reader)
}

var sdkPrograms = []sdkProgram{
	{"`sse.Decode` into a struct of the program", decodeOwn, parseBorrowed},
	{"`sse.Decode` into openai-go's struct", decodeSDK, parseBorrowed},
	{
		"openai-go's stream",
		func(body io.Reader, onContent func(string)) error {
			return runSDK(http.Header{}, body, onContent)
		},
		func(body io.Reader) { runOpenAI(body, nil) },
	},
	{
		"openai-go's stream with a `sse.Reader` as its decoder",
		func(body io.Reader, onContent func(string)) error {
			return runSDK(readerHeader, body, onContent)
		},
		func(body io.Reader) {
			for d := newReaderDecoder(io.NopCloser(body)); d.Next(); {
				d.Event()
			}
		},
	},
}

func parseBorrowed(body io.Reader) { runBorrowed(body, nil) }

func decodeOwn(body io.Reader, onContent func(string)) error {
	for c, err := range sse.Decode(sse.NewReader(body), sse.JSON[completionChunk]) {
		if err != nil {
			return err
		}
		onContent(c.Choices[0].Delta.Content)
	}
	return nil
}

func decodeSDK(body io.Reader, onContent func(string)) error {
	for c, err := range sse.Decode(sse.NewReader(body), sse.JSON[openai.ChatCompletionChunk]) {
		if err != nil {
			return err
		}
		onContent(c.Choices[0].Delta.Content)
	}
	return nil
}

// runSDK reads a response with the stream of openai-go. The header decides which decoder it uses.
func runSDK(header http.Header, body io.Reader, onContent func(string)) error {
	resp := &http.Response{Header: header, Body: io.NopCloser(body)}
	s := openaistream.NewStream[openai.ChatCompletionChunk](openaistream.NewDecoder(resp), nil)
	for s.Next() {
		onContent(s.Current().Choices[0].Delta.Content)
	}
	return s.Err()
}

// readerHeader is the header of the responses that openai-go decodes with a readerDecoder. Other
// responses have no media type, so that openai-go uses its own decoder.
var readerHeader = http.Header{"Content-Type": {"text/event-stream"}}

func init() { openaistream.RegisterDecoder("text/event-stream", newReaderDecoder) }

// A readerDecoder is a decoder for openai-go that parses with a Reader.
type readerDecoder struct {
	*sse.Reader
	body io.Closer
}

func newReaderDecoder(body io.ReadCloser) openaistream.Decoder {
	return readerDecoder{sse.NewReader(body), body}
}

// Event returns the current event. Its data is a copy, because the SDK keeps the event of an error.
func (d readerDecoder) Event() openaistream.Event {
	return openaistream.Event{Type: d.Type(), Data: bytes.Clone(d.Data())}
}

func (d readerDecoder) Close() error { return d.body.Close() }

// A sdkCost is the cost of one chunk of a response.
type sdkCost struct {
	Name   string
	Time   time.Duration // CPU time
	Ratio  float64       // of that time to that of the first program
	Allocs float64
	Bytes  float64 // allocated
	Share  float64 // of the parser in the CPU time
}

// measureSDK measures all sdkPrograms.
func (p *plan) measureSDK() []sdkCost {
	s := findWorkload("llm").stream(p.size / 32)
	defer s.free()
	var costs []sdkCost
	var runs, parses []*entry
	for _, program := range sdkPrograms {
		if err := program.check(s); err != nil {
			panic(fmt.Sprintf("%s: %v", program.name, err))
		}
		run := func(body io.Reader) {
			if err := program.run(body, func(string) {}); err != nil {
				panic(err)
			}
		}
		c := sdkCost{Name: program.name}
		c.Allocs, c.Bytes = allocations(func(times int) {
			f := s.feed(len(s.bytes))
			f.times = times
			run(f)
		}, s.n)
		costs = append(costs, c)
		runs = append(runs, &entry{work: float64(s.n), run: func() { run(s.feed(len(s.bytes))) }})
		parses = append(parses, &entry{
			work: float64(s.n), run: func() { program.parse(s.feed(len(s.bytes))) },
		})
	}
	p.takeSamples(slices.Concat(runs, parses))
	for i := range costs {
		costs[i].Time = time.Duration(median(runs[i].samples))
		costs[i].Ratio = medianRatio(runs[i], runs[0])
		costs[i].Share = medianRatio(parses[i], runs[i])
	}
	return costs
}

// check compares the content that the program reads with that of the stream.
func (program sdkProgram) check(s *stream) error {
	var want []string
	for _, e := range s.events {
		if len(want) == s.n {
			break
		}
		var c completionChunk
		if err := json.Unmarshal([]byte(e.data), &c); err != nil {
			return err
		}
		want = append(want, c.Choices[0].Delta.Content)
	}
	var got []string
	err := program.run(s.feed(len(s.bytes)), func(content string) { got = append(got, content) })
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("wrong content, or %d instead of %d chunks", len(got), len(want))
	}
	return err
}
