package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"unicode"
)

const maxReply = 4 << 20 // bytes

// A message is one message of a conversation, in the form of the API.
type message struct {
	Role    string `json:"role"` // "user" or "assistant"
	Content string `json:"content"`
}

// A replyFunc requests the reply to messages. It calls write with each part of the reply.
type replyFunc func(ctx context.Context, messages []message, write func(string) error) error

// chat sends each line of in to the model and prints the replies to out.
func chat(in io.Reader, out io.Writer, reply replyFunc) error {
	var conversation []message
	questions := bufio.NewScanner(in)
	for {
		fmt.Fprint(out, "> ")
		if !questions.Scan() {
			fmt.Fprintln(out)
			return questions.Err()
		}
		question := strings.TrimSpace(questions.Text())
		if question == "" {
			continue
		}
		messages := append(conversation, message{"user", question})
		text, err := printReply(out, messages, reply)
		if err != nil {
			fmt.Fprintf(out, "[%s]", printable(err.Error()))
		}
		fmt.Fprintln(out)
		if text != "" {
			// An incomplete reply is part of the conversation as well, because the user has seen it.
			// A question without a reply is not, so the user may repeat it.
			conversation = append(messages, message{"assistant", text})
		}
	}
}

// printReply prints the reply to out and returns what it has printed. Ctrl-C stops the reply.
func printReply(out io.Writer, messages []message, reply replyFunc) (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // so that another Ctrl-C ends the program

	var text strings.Builder
	err := reply(ctx, messages, func(part string) error {
		part = printable(part)
		if text.Len()+len(part) > maxReply {
			return fmt.Errorf("the reply is longer than %d bytes", maxReply)
		}
		text.WriteString(part)
		_, err := io.WriteString(out, part)
		return err
	})
	switch {
	case err != nil && ctx.Err() != nil:
		err = errors.New("stopped")
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the reply is incomplete: %w", err)
	}
	return text.String(), err
}

// printable removes control characters from text of the server, which could otherwise change the
// title of the terminal, move its cursor or write to the clipboard.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}
