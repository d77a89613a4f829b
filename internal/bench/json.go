package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A decoding is the result of a program that reads llm and decodes its JSON on one core.
type decoding struct {
	Share        float64 // of the parser, with borrowed
	ShareStrings float64 // of the parser, with strings
	Borrowed     float64 // events per second
	Strings      float64 // events per second
	Decoded      float64 // events per second, with borrowed and json.Unmarshal
}

// A completionChunk is the JSON of an llm event.
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

// measureDecoding measures how much of the time of such a program the parser takes.
func measureDecoding(rounds int) decoding {
	s := findWorkload("llm").stream()
	defer s.free()
	all := float64(s.n)
	borrowed := &entry{work: all, run: func() { runBorrowed(s.feed(len(s.bytes)), nil) }}
	strings := &entry{work: all, run: func() { runStrings(s.feed(len(s.bytes)), nil) }}
	decoded := &entry{work: float64(s.partN), run: func() { decodeCompletions(s.feed(s.part)) }}
	takeSamples([]*entry{borrowed, strings, decoded}, rounds)
	share := medianRatio(borrowed, decoded)
	return decoding{
		Share:        share,
		ShareStrings: 1 / (1 + (1-share)/medianRatio(strings, decoded)),
		Borrowed:     float64(time.Second) / median(borrowed.samples),
		Strings:      float64(time.Second) / median(strings.samples),
		Decoded:      float64(time.Second) / median(decoded.samples),
	}
}

// decodeCompletions reads a stream and decodes the data of each event.
func decodeCompletions(body io.Reader) {
	r := sse.NewReader(body)
	for r.Next() {
		var c completionChunk
		if err := json.Unmarshal(r.Data(), &c); err != nil {
			panic(err)
		}
	}
}
