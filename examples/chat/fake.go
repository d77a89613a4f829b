package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A fakeAPI is an OpenAI-compatible API. Its model repeats the last message, and fails if that is
// the name of a fault.
type fakeAPI struct {
	pause time.Duration // after each word
}

// startFakeAPI starts a fakeAPI, which serves until the program ends, and returns its base URL.
func startFakeAPI() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(l, fakeAPI{pause: 50 * time.Millisecond})
	return "http://" + l.Addr().String() + "/v1"
}

func (f fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req struct{ Messages []message }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<20)).Decode(&req)
	if err != nil || len(req.Messages) == 0 {
		http.Error(w, `{"error":{"message":"no messages"}}`, http.StatusBadRequest)
		return
	}
	last := req.Messages[len(req.Messages)-1].Content
	if last == "429" {
		http.Error(w, `{"error":{"message":"too many requests"}}`, http.StatusTooManyRequests)
		return
	}
	out, err := sse.NewWriter(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()

	events := replyEvents(fmt.Sprintf("You said %q in message %d.", last, len(req.Messages)))
	for i, data := range events {
		switch {
		case i == 2 && last == "error":
			out.Send(sse.Event{Data: `{"error":{"message":"the model is overloaded"}}`})
			return
		case i == 2 && last == "cut":
			panic(http.ErrAbortHandler)
		case i == 2 && last == "silence":
			<-r.Context().Done()
		}
		if err := out.Send(sse.Event{Data: data}); err != nil {
			return // the client has disconnected
		}
		time.Sleep(f.pause)
	}
}

// replyEvents returns the data of the events of a reply.
func replyEvents(reply string) (events []string) {
	for _, word := range strings.SplitAfter(reply, " ") {
		text, _ := json.Marshal(word) // cannot fail for a string
		events = append(events, fmt.Sprintf(`{"choices":[{"delta":{"content":%s}}]}`, text))
	}
	return append(events, `{"choices":[{"delta":{},"finish_reason":"stop"}]}`, "[DONE]")
}
