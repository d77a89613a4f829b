package stats

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A Model describes the language model whose text was printed.
type Model struct {
	Name  string `json:"name"`
	Usage *Usage `json:"usage"` // null if the stream did not contain it

	TokensPerSecond *float64 `json:"tokens_per_s"` // null if it is not known
}

// A Usage is the number of tokens. Output includes Reasoning.
type Usage struct {
	Input     int `json:"input_tokens"`
	Output    int `json:"output_tokens"`
	Reasoning int `json:"reasoning_tokens"`
}

// SetModel adds m to the summary. It must be called after the last event, and computes
// m.TokensPerSecond.
func (s *Stats) SetModel(m *Model) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model = m
	if d := s.last.Sub(s.first); m.Usage != nil && m.Usage.Output > 0 && d >= time.Millisecond {
		rate := math.Round(float64(m.Usage.Output)/d.Seconds()*100) / 100
		m.TokensPerSecond = &rate
	}
}

// writeModel writes the model and its usage for people.
func (s *Stats) writeModel(w io.Writer) {
	m := s.model
	if m.Name != "" {
		fmt.Fprintf(w, "model        %s\n", escape.Line(escape.Truncate(m.Name, maxKey)))
	}
	if m.Usage == nil {
		fmt.Fprintln(w, "tokens       not in the stream "+
			`(OpenAI sends them with "stream_options":{"include_usage":true})`)
		return
	}
	fmt.Fprintf(w, "tokens       %d in, %d out", m.Usage.Input, m.Usage.Output)
	if m.Usage.Reasoning > 0 {
		fmt.Fprintf(w, " (%d of them reasoning)", m.Usage.Reasoning)
	}
	if m.TokensPerSecond != nil {
		fmt.Fprintf(w, ", %s tokens/s", units.Number(*m.TokensPerSecond))
	}
	fmt.Fprintln(w)
}
