package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	openaistream "github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// The tests of this file run SDKs of language models against the servers of package ssetest, in
// memory and in virtual time. The SDKs contain their own parser of event streams.

const (
	sdkKey     = "secret"
	sdkRetries = 2
)

// An sdk describes an SDK and the streams of its service. The text of a stream is "Hello world".
type sdk struct {
	path   string           // of the request
	auth   [2]string        // the header field that contains the key
	hello  []sse.Event      // the beginning of a stream, whose text is "Hello"
	world  []sse.Event      // the rest
	failed sse.Event        // reports an error
	isFail func(error) bool // reports whether the SDK reports the error of failed

	// read reads a stream from a URL and returns the text that the SDK has assembled.
	read func(ctx context.Context, c *http.Client, url string) (text string, err error)
}

func openAI() *sdk {
	chunk := func(delta, finish string) sse.Event {
		return sse.Event{Data: fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion.chunk",`+
			`"created":1,"model":"test","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`,
			delta, finish)}
	}
	return &sdk{
		path: "/chat/completions",
		auth: [2]string{"Authorization", "Bearer " + sdkKey},
		hello: []sse.Event{
			chunk(`{"role":"assistant","content":""}`, "null"),
			chunk(`{"content":"Hello"}`, "null"),
		},
		world: []sse.Event{
			chunk(`{"content":" world"}`, "null"),
			chunk(`{}`, `"stop"`),
			{Data: "[DONE]"},
		},
		failed: sse.Event{Data: `{"error":{"type":"server_error","message":"overloaded"}}`},
		isFail: func(err error) bool {
			var e *openaistream.StreamError
			return errors.As(err, &e) && strings.Contains(e.Message, "overloaded")
		},
		read: readOpenAI,
	}
}

func readOpenAI(ctx context.Context, c *http.Client, url string) (string, error) {
	client := openai.NewClient(
		openaioption.WithHTTPClient(c),
		openaioption.WithBaseURL(url),
		openaioption.WithAPIKey(sdkKey),
		openaioption.WithMaxRetries(sdkRetries),
	)
	stream := client.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{
		Model:    "test",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hi")},
	})
	defer stream.Close()
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			return "", errors.New("the chunk does not belong to the completion")
		}
	}
	if len(all.Choices) == 0 {
		return "", stream.Err()
	}
	return all.Choices[0].Message.Content, stream.Err()
}

func anthropicSDK() *sdk {
	event := func(typ, fields string) sse.Event {
		return sse.Event{Type: typ, Data: fmt.Sprintf(`{"type":%q%s}`, typ, fields)}
	}
	delta := func(text string) sse.Event {
		return event("content_block_delta",
			fmt.Sprintf(`,"index":0,"delta":{"type":"text_delta","text":%q}`, text))
	}
	return &sdk{
		path: "/v1/messages",
		auth: [2]string{"X-Api-Key", sdkKey},
		hello: []sse.Event{
			event("message_start", `,"message":{"id":"msg_1","type":"message",`+
				`"role":"assistant","model":"test","content":[],"stop_reason":null,`+
				`"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}`),
			event("content_block_start",
				`,"index":0,"content_block":{"type":"text","text":""}`),
			event("ping", ""),
			delta("Hello"),
		},
		world: []sse.Event{
			delta(" world"),
			event("content_block_stop", `,"index":0`),
			event("message_delta", `,"delta":{"stop_reason":"end_turn","stop_sequence":null},`+
				`"usage":{"output_tokens":2}`),
			event("message_stop", ""),
		},
		failed: event("error", `,"error":{"type":"overloaded_error","message":"Overloaded"}`),
		isFail: func(err error) bool {
			var e *anthropic.Error
			return errors.As(err, &e) && e.Type() == "overloaded_error"
		},
		read: readAnthropic,
	}
}

func readAnthropic(ctx context.Context, c *http.Client, url string) (string, error) {
	client := anthropic.NewClient(
		anthropicoption.WithoutEnvironmentDefaults(),
		anthropicoption.WithHTTPClient(c),
		anthropicoption.WithBaseURL(url),
		anthropicoption.WithAPIKey(sdkKey),
		anthropicoption.WithMaxRetries(sdkRetries),
	)
	stream := client.Messages.NewStreaming(ctx, anthropic.MessageNewParams{
		Model:     "test",
		MaxTokens: 16,
		Messages: []anthropic.MessageParam{
			anthropic.NewUserMessage(anthropic.NewTextBlock("Hi")),
		},
	})
	defer stream.Close()
	var message anthropic.Message
	for stream.Next() {
		if err := message.Accumulate(stream.Current()); err != nil {
			return "", err
		}
	}
	if len(message.Content) == 0 {
		return "", stream.Err()
	}
	return message.Content[0].Text, stream.Err()
}

func TestSDKOpenAI(t *testing.T) { testSDK(t, openAI(), http.StatusTooManyRequests) }

func TestSDKAnthropic(t *testing.T) { testSDK(t, anthropicSDK(), 529) } // 529 is "overloaded"

// testSDK reads a complete stream, interrupted streams, and streams that a service refuses at first
// with the status busy.
func testSDK(t *testing.T, s *sdk, busy int) {
	wantKey := ssetest.WantHeader(s.auth[0], s.auth[1])
	complete := ssetest.Conn{wantKey, ssetest.Send(s.hello...), ssetest.Send(s.world...)}
	isNil := func(err error) bool { return err == nil }
	for _, test := range []struct {
		name   string
		script []http.Handler
		text   string
		is     func(error) bool
		waits  []time.Duration // the least times between two requests
	}{
		{name: "complete", script: []http.Handler{complete}, text: "Hello world", is: isNil},
		{
			name: "complete in small chunks",
			script: []http.Handler{ssetest.Conn{
				ssetest.Chunks(7), ssetest.Send(s.hello...), ssetest.Comment("keep-alive"),
				ssetest.Sleep(time.Minute), ssetest.Send(s.world...),
			}},
			text: "Hello world", is: isNil,
		},
		{
			name: "cut within an event",
			script: []http.Handler{ssetest.Conn{
				wantKey, ssetest.Send(s.hello...), ssetest.Raw("data: {"), ssetest.Cut(),
			}},
			text: "Hello",
			is:   func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) },
		},
		{
			name: "error event",
			script: []http.Handler{ssetest.Conn{
				wantKey, ssetest.Send(s.hello...), ssetest.Send(s.failed),
			}},
			text: "Hello", is: s.isFail,
		},
		{
			name:   "connection refused",
			script: []http.Handler{ssetest.Refuse(), complete},
			text:   "Hello world", is: isNil,
		},
		{
			name: "busy",
			script: []http.Handler{
				ssetest.Conn{wantKey, ssetest.Status(busy, "Retry-After", "5")}, complete,
			},
			text: "Hello world", is: isNil,
			waits: []time.Duration{5 * time.Second},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ssetest.NewMemoryServer(t, test.script...)
				text, err := s.read(t.Context(), srv.Client(), srv.URL)
				if text != test.text {
					t.Errorf("got %q, want %q", text, test.text)
				}
				if !test.is(err) {
					t.Errorf("got the wrong error %v", err)
				}
				checkSDKRequests(t, s, srv.Requests(), test.waits)
			})
		})
	}
}

// checkSDKRequests checks that there is one request before each wait and after the last one.
func checkSDKRequests(t *testing.T, s *sdk, requests []ssetest.Request, waits []time.Duration) {
	if len(requests) != len(waits)+1 {
		t.Fatalf("got %d requests, want %d", len(requests), len(waits)+1)
	}
	for i, r := range requests {
		if r.Method != http.MethodPost || r.URL.Path != s.path {
			t.Errorf("request %d is %s %s, want POST %s", i, r.Method, r.URL, s.path)
		}
		if !strings.Contains(string(r.Body), `"stream":true`) {
			t.Errorf("request %d has the body %q, want a request for a stream", i, r.Body)
		}
		if i == 0 {
			continue
		}
		if wait := r.Time.Sub(requests[i-1].Time); wait < waits[i-1] {
			t.Errorf("request %d came after %v, want at least %v", i, wait, waits[i-1])
		}
	}
}

// A Transport gives an SDK an idle timeout, which the SDKs do not have.
func TestTransportEndsSilentStreamOfSDK(t *testing.T) {
	const timeout = 30 * time.Second
	for name, s := range map[string]*sdk{"OpenAI": openAI(), "Anthropic": anthropicSDK()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ssetest.NewMemoryServer(t,
					ssetest.Conn{ssetest.Send(s.hello...), ssetest.Stall()})
				c := srv.Client()
				c.Transport = &sse.Transport{Base: c.Transport, IdleTimeout: timeout}
				begin := time.Now()
				text, err := s.read(t.Context(), c, srv.URL)
				if text != "Hello" || !errors.Is(err, sse.ErrIdleTimeout) {
					t.Errorf("got %q, %v, want %q, %v", text, err, "Hello", sse.ErrIdleTimeout)
				}
				if d := time.Since(begin); d != timeout {
					t.Errorf("the stream ended after %v, want %v", d, timeout)
				}
			})
		})
	}
}
