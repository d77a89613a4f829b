// Chat is a chat in the terminal with a model behind an OpenAI-compatible API.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	url := flag.String("url", "", "base `URL` of the API; if empty, a fake API is started")
	model := flag.String("model", "fake", "`name` of the model")
	idle := flag.Duration("idle", 2*time.Minute, "longest `pause` of a reply")
	useSDK := flag.Bool("sdk", false, "use openai-go")
	flag.Parse()

	// The variable does not have the name that a provider gives it, so that the key of one provider
	// is not sent to another by accident.
	key := os.Getenv("CHAT_API_KEY")
	if *url == "" {
		*url, key = startFakeAPI(), ""
		fmt.Println("The model is fake. It fails if you say 429, error, cut or silence.")
	}
	client := newHTTPClient(http.DefaultTransport.(*http.Transport), *idle)
	a := &api{client: client, url: *url, key: key, model: *model, idle: *idle}
	reply := a.reply
	if *useSDK {
		reply = a.replySDK
	}
	if err := chat(os.Stdin, os.Stdout, reply); err != nil {
		log.Fatal(err)
	}
}

// newHTTPClient returns a client that waits for the header of a response as long as idle. It does
// not follow redirects, so that neither the key nor the conversation is sent to another host.
func newHTTPClient(base *http.Transport, idle time.Duration) *http.Client {
	transport := base.Clone()
	transport.ResponseHeaderTimeout = idle
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the API must not redirect")
		},
	}
}
