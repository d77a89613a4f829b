package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

const (
	testIdle = 30 * time.Second
	testKey  = "secret"
	hello    = "Hello, this is a reply."
)

// replies are the two ways to request a reply.
func replies(a *api) map[string]replyFunc {
	return map[string]replyFunc{"sse": a.reply, "openai-go": a.replySDK}
}

func newTestAPI(srv *ssetest.Server) *api {
	client := newHTTPClient(srv.Client().Transport.(*http.Transport), testIdle)
	return &api{client: client, url: srv.URL + "/v1", key: testKey, model: "test", idle: testIdle}
}

// read returns the text that reply writes for a short conversation, and its error.
func read(ctx context.Context, reply replyFunc) (string, error) {
	var text strings.Builder
	conversation := []message{{"user", "Hi"}, {"assistant", "Hello"}, {"user", "How are you?"}}
	err := reply(ctx, conversation, func(part string) error {
		text.WriteString(part)
		return nil
	})
	return text.String(), err
}

// helloReply sends a complete reply.
func helloReply() ssetest.Step { return ssetest.Send(helloEvents()...) }

func helloBytes() string {
	var b []byte
	for _, ev := range helloEvents() {
		b, _ = ev.Append(b) // cannot fail for valid JSON
	}
	return string(b)
}

func helloEvents() (events []sse.Event) {
	for _, data := range replyEvents(hello) {
		events = append(events, sse.Event{Data: data})
	}
	return events
}

func TestReply(t *testing.T) {
	start := ssetest.Send(helloEvents()[:2]...) // "Hello, this "
	jsonError := func(status int) ssetest.Conn {
		return ssetest.Conn{
			ssetest.Status(status, "Content-Type", "application/json"),
			ssetest.Raw(`{"error":{"message":"not today","type":"test"}}`),
		}
	}
	for _, test := range []struct {
		name   string
		server http.Handler
		text   string
		is     error  // if non-nil, errors.Is reports that the error is it
		errors string // if not empty, the text of the error contains it

		duration time.Duration // until the end, if not zero
	}{
		{
			name: "complete",
			server: ssetest.Conn{
				ssetest.WantHeader("Authorization", "Bearer "+testKey), helloReply(),
			},
			text: hello,
		},
		{
			name: "complete in small chunks, with pauses",
			server: ssetest.Conn{
				ssetest.Chunks(7), ssetest.Comment("queued"), ssetest.Sleep(testIdle - 1),
				ssetest.Comment("queued"), ssetest.Sleep(testIdle - 1), helloReply(),
			},
			text: hello, duration: 2 * (testIdle - 1),
		},
		{
			// The parser of openai-go does not end a line at a CR, so this shows that it uses the
			// Reader.
			name: "complete with charset and CR",
			server: ssetest.Conn{
				ssetest.Status(200, "Content-Type", "text/event-stream; charset=utf-8"),
				ssetest.Raw(strings.ReplaceAll(helloBytes(), "\n", "\r")),
			},
			text: hello,
		},
		{
			name: "event without choices",
			server: ssetest.Conn{
				ssetest.Send(sse.Event{Data: `{"choices":[],"usage":{"total_tokens":1}}`}),
				helloReply(),
			},
			text: hello,
		},
		{
			name:   "clean end before the final event",
			server: ssetest.Conn{start},
			text:   "Hello, this ", is: io.ErrUnexpectedEOF,
		},
		{
			name:   "empty response",
			server: ssetest.Conn{},
			is:     io.ErrUnexpectedEOF,
		},
		{
			name: "error in the stream",
			server: ssetest.Conn{
				start, ssetest.Send(sse.Event{Data: `{"error":{"message":"overloaded"}}`}),
			},
			text: "Hello, this ", errors: "overloaded",
		},
		{
			name:   "invalid JSON in the stream",
			server: ssetest.Conn{start, ssetest.Send(sse.Event{Data: `{"choices":`})},
			text:   "Hello, this ", errors: "JSON",
		},
		{
			name: "event too large",
			server: ssetest.Conn{
				start, ssetest.Send(sse.Event{Data: strings.Repeat("x", sse.DefaultMaxEventSize+1)}),
			},
			text: "Hello, this ", is: sse.ErrEventTooLarge,
		},
		{
			name:   "silence in the stream",
			server: ssetest.Conn{start, ssetest.Stall()},
			text:   "Hello, this ", is: sse.ErrIdleTimeout, duration: testIdle,
		},
		{
			name:   "silence before the response",
			server: ssetest.Conn{ssetest.Stall()},
			errors: "timeout", duration: testIdle,
		},
		{name: "bad request", server: jsonError(400), errors: "400 Bad Request: not today"},
		{name: "invalid key", server: jsonError(401), errors: "401 Unauthorized: not today"},
		{name: "busy", server: jsonError(429), errors: "429 Too Many Requests: not today"},
		{name: "failure", server: jsonError(500), errors: "500 Internal Server Error: not today"},
		{name: "overloaded", server: jsonError(503), errors: "503 Service Unavailable: not today"},
		{
			name: "error page",
			server: ssetest.Conn{
				ssetest.Status(502, "Content-Type", "text/html"),
				ssetest.Raw("<h1>Bad Gateway</h1>"),
			},
			errors: "502",
		},
		{
			// The Server fails the test if there is a second request, to whatever host.
			name:   "redirect to another host",
			server: http.RedirectHandler("http://other.test/v1", http.StatusTemporaryRedirect),
			errors: "must not redirect",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name := range replies(new(api)) {
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						srv := ssetest.NewMemoryServer(t, test.server)
						begin := time.Now()
						text, err := read(t.Context(), replies(newTestAPI(srv))[name])
						if text != test.text {
							t.Errorf("got the text %q, want %q", text, test.text)
						}
						if d := time.Since(begin); test.duration != 0 && d != test.duration {
							t.Errorf("the reply ended after %v, want %v", d, test.duration)
						}
						checkError(t, err, test.is, test.errors)
					})
				})
			}
		})
	}
}

// checkError checks that err is nil if is is nil and text is empty. Otherwise it checks that err is
// is, or contains text.
func checkError(t *testing.T, err, is error, text string) {
	if is == nil && text == "" {
		if err != nil {
			t.Errorf("got the error %v, want none", err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), text) || is != nil && !errors.Is(err, is) {
		t.Errorf("got the error %v, want %v %s", err, is, text)
	}
	if err != nil && strings.Contains(err.Error(), testKey) {
		t.Errorf("the error contains the key: %v", err)
	}
}

// The reply is complete only if the final event has arrived, wherever the connection is cut.
func TestReplyReportsEveryCut(t *testing.T) {
	stream := helloBytes()
	for name := range replies(new(api)) {
		t.Run(name, func(t *testing.T) {
			for n := range len(stream) {
				synctest.Test(t, func(t *testing.T) {
					srv := ssetest.NewMemoryServer(t,
						ssetest.Conn{ssetest.After(n, ssetest.Cut()), helloReply()})
					srv.AllowUnused()
					text, err := read(t.Context(), replies(newTestAPI(srv))[name])
					if !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("cut after %d bytes: got the error %v", n, err)
					}
					complete := strings.Count(stream[:n], "\n\n")
					if want := strings.Join(words(complete), ""); text != want {
						t.Errorf("cut after %d bytes: got the text %q, want %q", n, text, want)
					}
				})
			}
		})
	}
}

// words returns the first n words of hello, or all.
func words(n int) []string {
	all := strings.SplitAfter(hello, " ")
	return all[:min(n, len(all))]
}

func TestReplySendsConversation(t *testing.T) {
	want := `[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},` +
		`{"role":"user","content":"How are you?"}]`
	for name := range replies(new(api)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ssetest.NewMemoryServer(t, ssetest.Conn{helloReply()})
				if _, err := read(t.Context(), replies(newTestAPI(srv))[name]); err != nil {
					t.Fatal(err)
				}
				r := srv.Requests()[0]
				if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" {
					t.Errorf("got %s %s", r.Method, r.URL.Path)
				}
				var body struct {
					Model    string
					Stream   bool
					Messages []message
				}
				if err := json.Unmarshal(r.Body, &body); err != nil {
					t.Fatal(err)
				}
				got, _ := json.Marshal(body.Messages)
				if body.Model != "test" || !body.Stream || string(got) != want {
					t.Errorf("got the request %s, want the messages %s", r.Body, want)
				}
			})
		})
	}
}

// A key for another API, which an SDK might find in the environment, is not sent.
func TestReplyWithoutKeySendsNone(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "of another API")
	for name := range replies(new(api)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ssetest.NewMemoryServer(t,
					ssetest.Conn{ssetest.WantNoHeader("Authorization"), helloReply()})
				a := newTestAPI(srv)
				a.key = ""
				if text, err := read(t.Context(), replies(a)[name]); text != hello || err != nil {
					t.Errorf("got %q, %v", text, err)
				}
			})
		})
	}
}

// The end of the context ends the request at the server as well, so that the model stops.
func TestReplyEndsWithContext(t *testing.T) {
	for name := range replies(new(api)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stopped := make(chan time.Duration, 1)
				begin := time.Now()
				srv := ssetest.NewMemoryServer(t, ssetest.Conn{
					ssetest.Send(helloEvents()[0]),
					ssetest.Do(func(_ http.ResponseWriter, r *http.Request) {
						<-r.Context().Done()
						stopped <- time.Since(begin)
					}),
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				text, err := read(ctx, replies(newTestAPI(srv))[name])
				if text != "Hello, " || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %q, %v", text, err)
				}
				if d := <-stopped; d != time.Second {
					t.Errorf("the request ended after %v, want %v", d, time.Second)
				}
			})
		})
	}
}

// The SDK keeps events, and expects an empty type if the stream names none.
func TestDecoderEvent(t *testing.T) {
	body := io.NopCloser(strings.NewReader("data: a\n\nevent: x\ndata: b\n\ndata: c\n\n"))
	d := ssestream.NewDecoder(&http.Response{
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body,
	})
	var events []ssestream.Event
	for d.Next() {
		events = append(events, d.Event())
	}
	got := fmt.Sprintf("%q", events)
	if want := `[{"" "a"} {"x" "b"} {"" "c"}]`; got != want || d.Err() != nil {
		t.Errorf("got %s, %v, want %s", got, d.Err(), want)
	}
}
