package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/ssetest"
)

// Messages without a reply are not part of the conversation, as the numbers of the messages show.
func TestChatPrintsTranscript(t *testing.T) {
	const input = "Hi\n\n429\nerror\ncut\n429\nbye\n"
	const want = `> You said "Hi" in message 1.
> > [429 Too Many Requests: too many requests]
> You said [ERROR]
> You said [the reply is incomplete: unexpected EOF]
> [429 Too Many Requests: too many requests]
> You said "bye" in message 7.
> 
`
	for name, overloaded := range map[string]string{
		"sse":       `sse: event of type "message": the model is overloaded`,
		"openai-go": `received error while streaming: {"message":"the model is overloaded"}`,
	} {
		t.Run(name, func(t *testing.T) {
			client := newHTTPClient(ssetest.NewTransport(t, fakeAPI{}), testIdle)
			a := &api{client: client, url: "http://fake.test/v1", model: "test", idle: testIdle}
			var out strings.Builder
			if err := chat(strings.NewReader(input), &out, replies(a)[name]); err != nil {
				t.Error(err)
			}
			if want := strings.Replace(want, "ERROR", overloaded, 1); out.String() != want {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
			}
		})
	}
}

func TestChatKeepsIncompleteReply(t *testing.T) {
	var got []message
	n := 0
	reply := func(_ context.Context, conversation []message, write func(string) error) error {
		n++
		if n > 1 {
			got = conversation
			return nil
		}
		write("one ")
		write("two ")
		return io.ErrUnexpectedEOF
	}
	if err := chat(strings.NewReader("first\nsecond\n"), io.Discard, reply); err != nil {
		t.Fatal(err)
	}
	want := []message{{"user", "first"}, {"assistant", "one two "}, {"user", "second"}}
	if !slices.Equal(got, want) {
		t.Errorf("got the conversation %q, want %q", got, want)
	}
}

func TestChatPrintsNoControlCharacters(t *testing.T) {
	reply := func(_ context.Context, _ []message, write func(string) error) error {
		write("a\x1b]0;title\ab\r\x00\u009bc\td\n")
		return errors.New("e\x1b[2Jf")
	}
	var out strings.Builder
	if err := chat(strings.NewReader("Hi\n"), &out, reply); err != nil {
		t.Fatal(err)
	}
	if want := "> a]0;titlebc\td\n[e[2Jf]\n> \n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestChatLimitsReply(t *testing.T) {
	reply := func(_ context.Context, _ []message, write func(string) error) error {
		for {
			if err := write(strings.Repeat("x", 1000)); err != nil {
				return err
			}
		}
	}
	var out strings.Builder
	if err := chat(strings.NewReader("Hi\n"), &out, reply); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "x"); n > maxReply || n < maxReply-1000 {
		t.Errorf("printed %d bytes, want at most %d", n, maxReply)
	}
	if !strings.Contains(out.String(), "[the reply is longer than") {
		t.Error("the limit is not reported")
	}
}
