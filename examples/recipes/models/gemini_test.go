package models

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: gemini-decode
type geminiChunk struct {
	Candidates []struct {
		Content      struct{ Parts []struct{ Text string } }
		FinishReason string
	}
	PromptFeedback struct{ BlockReason string }
}

func (c geminiChunk) text() (text string) {
	for _, candidate := range c.Candidates {
		for _, part := range candidate.Content.Parts {
			text += part.Text
		}
	}
	return text
}

func (c geminiChunk) finishReason() string {
	if len(c.Candidates) == 0 {
		return c.PromptFeedback.BlockReason
	}
	return c.Candidates[0].FinishReason
}

// end

// snippet: gemini
func generate(ctx context.Context, baseURL, key, model, body string, show func(string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		baseURL+"/models/"+model+":streamGenerateContent?alt=sse", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Goog-Api-Key", key)
	req.Header.Set("Content-Type", "application/json")
	var ignored strings.Builder
	client := &sse.Client{
		IdleTimeout: 5 * time.Minute,
		OnIgnored: func(line string) {
			if ignored.Len() < 1024 {
				ignored.WriteString(line)
			}
		},
	}
	for chunk, err := range sse.DecodeUntilDone(client.Stream(req), sse.JSON[geminiChunk]) {
		if err != nil {
			// An error may come as bare JSON.
			return fmt.Errorf("%w (lines that are not events: %q)", err, ignored.String())
		}
		show(chunk.text())
		if reason := chunk.finishReason(); reason == "STOP" {
			return nil
		} else if reason != "" {
			return fmt.Errorf("the model stopped: %s", reason)
		}
	}
	return nil
}

// end

func TestGemini(t *testing.T) {
	const hello = `data: {"candidates":[{"content":{"parts":[{"text":"Hello"}]}}]}` + "\r\n\r\n"
	for _, test := range []struct{ name, rest, text, err string }{
		{"complete", `data: {"candidates":[{"content":{"parts":[{"text":"!"}]},` +
			`"finishReason":"STOP"}]}` + "\r\n\r\n", "Hello!", ""},
		{"truncated", `data: {"candidates":[{"finishReason":"MAX_TOKENS"}]}` + "\r\n\r\n", "Hello",
			"MAX_TOKENS"},
		{"blocked", `data: {"promptFeedback":{"blockReason":"SAFETY"}}` + "\r\n\r\n", "Hello",
			"SAFETY"},
		{"bare error", "{\n  \"error\": {\n    \"message\": \"overloaded\"\n  }\n}\n", "Hello",
			"overloaded"},
		{"cut", "", "Hello", "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := ssetest.NewServer(t, ssetest.Conn{
				ssetest.WantHeader("X-Goog-Api-Key", "key"),
				ssetest.Raw(hello + test.rest),
			})
			text, err := collect(func(show func(string)) error {
				return generate(t.Context(), srv.URL, "key", "gemini-test", `{}`, show)
			})
			check(t, text, err, test.text, test.err)
			const want = "/models/gemini-test:streamGenerateContent?alt=sse"
			if got := srv.Requests()[0].URL.String(); got != want {
				t.Errorf("got URL %s, want %s", got, want)
			}
		})
	}
}
