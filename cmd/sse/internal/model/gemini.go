package model

import (
	"encoding/json"
	"strings"
)

// gemini is the format of Google's Gemini.
type gemini struct{}

// A geminiChunk is the data of an event.
type geminiChunk struct {
	Candidates []struct {
		Index        int
		Content      struct{ Parts []geminiPart }
		FinishReason string
	}
	PromptFeedback struct{ BlockReason string }
	UsageMetadata  *struct {
		PromptTokenCount     int
		CandidatesTokenCount int
		ThoughtsTokenCount   int
	}
	ModelVersion string
}

// A geminiPart is a piece of the output.
type geminiPart struct {
	Text           string
	Thought        bool
	FunctionCall   *struct{ Name, Args jsonText }
	ExecutableCode *struct{ Code jsonText }
}

// decode implements format. Of several candidates, only the one with index 0 is decoded.
func (gemini) decode(d *Decoder, _ string, data []byte) {
	var chunk geminiChunk
	json.Unmarshal(data, &chunk) // members of other types are left out
	d.setModel(chunk.ModelVersion)
	for _, c := range chunk.Candidates {
		if c.Index != 0 {
			continue
		}
		for _, p := range c.Content.Parts {
			kind := Text
			if p.Thought {
				kind = Reasoning
			}
			d.add(kind, p.Text)
			if p.FunctionCall != nil {
				d.addCall(string(p.FunctionCall.Name), string(p.FunctionCall.Args))
			}
			if p.ExecutableCode != nil {
				d.addCall("code", string(p.ExecutableCode.Code))
			}
		}
		d.finished(c.FinishReason)
	}
	if reason := chunk.PromptFeedback.BlockReason; reason != "" {
		d.add(Failure, "the prompt was blocked: "+strings.TrimSpace(reason))
		d.complete = true
	}
	if u := chunk.UsageMetadata; u != nil {
		d.usage = &Usage{
			Input:     u.PromptTokenCount,
			Output:    u.CandidatesTokenCount + u.ThoughtsTokenCount,
			Reasoning: u.ThoughtsTokenCount,
		}
	}
}
