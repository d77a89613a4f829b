// snippet: model

// Model prints the response of a language model.
package main

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

type chunk struct {
	Choices []struct{ Delta struct{ Content string } }
	Error   *struct{ Message string }
}

func decode(typ string, data []byte) (chunk, error) {
	if string(data) == "[DONE]" {
		return chunk{}, sse.Done
	}
	c, err := sse.JSON[chunk](typ, data)
	if err == nil && c.Error != nil {
		err = errors.New(c.Error.Message)
	}
	return c, err
}

func main() {
	body := `{"model": "gpt-5-mini", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}`
	const url = "https://api.openai.com/v1/chat/completions"
	req, err := http.NewRequest("POST", url, strings.NewReader(body)) // a POST is sent only once
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+os.Getenv("OPENAI_API_KEY"))
	client := &sse.Client{IdleTimeout: 5 * time.Minute}
	for c, err := range sse.DecodeUntilDone(client.Stream(req), decode) {
		if err != nil {
			log.Fatal(err) // what the server says, or io.ErrUnexpectedEOF if [DONE] is missing
		}
		for _, choice := range c.Choices {
			fmt.Print(choice.Delta.Content)
		}
	}
	fmt.Println()
}

// end
