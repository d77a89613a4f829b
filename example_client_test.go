package sse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
)

// exampleServer returns a server that sends the events 1 to 5, two on each connection, and then a
// 204, which ends the stream.
func exampleServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
		if last == 5 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "retry: 10\n")
		for id := last + 1; id <= min(last+2, 5); id++ {
			sse.Event{ID: strconv.Itoa(id), Type: "tick", Data: fmt.Sprint("event ", id)}.WriteTo(w)
		}
	}))
}

func ExampleGet() {
	srv := exampleServer()
	defer srv.Close()

	for ev, err := range sse.Get(context.Background(), srv.URL).All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.Type, ev.Data)
	}
	// Output:
	// tick event 1
	// tick event 2
	// tick event 3
	// tick event 4
	// tick event 5
}

// A request with a Last-Event-ID resumes the stream where an earlier run stopped.
func ExampleClient_Stream() {
	srv := exampleServer()
	defer srv.Close()

	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "3") // stored by an earlier run
	client := &sse.Client{
		IdleTimeout: time.Minute, // the server sends a heartbeat every 15 s
		Prepare: func(r *http.Request) error { // called before every attempt
			r.Header.Set("Authorization", "Bearer "+"fresh token")
			return nil
		},
		OnOpen:  func(r *http.Response) { fmt.Println("open:", r.Status) },
		OnRetry: func(err error, wait time.Duration) { fmt.Println("retry:", err) },
	}
	stream := client.Stream(req)
	defer stream.Close()
	for stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	fmt.Println("end:", stream.Err())
	// Output:
	// open: 200 OK
	// event 4
	// event 5
	// retry: EOF
	// end: <nil>
}

// The response of a language model to a POST is read only once, because the request is not
// repeated. The error shows whether the server refused the request or the response was cut.
func ExampleClient_Stream_post() {
	responses := []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "20")
			http.Error(w, `{"error":"rate limit reached"}`, http.StatusTooManyRequests)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: {\"delta\":\"Hello\"}\n\ndata: {\"delta\":\", wo")
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: {\"delta\":\"Hello\"}\n\ndata: {\"delta\":\", world\"}\n\n")
			io.WriteString(w, "data: [DONE]\n\n")
		},
	}
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		responses[n](w, r)
		n++
	}))
	defer srv.Close()

	complete := func() (text string, err error) {
		body := strings.NewReader(`{"stream":true,"prompt":"Hi!"}`)
		req, err := http.NewRequest(http.MethodPost, srv.URL, body)
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/json")
		stream := new(sse.Client).Stream(req)
		defer stream.Close()
		for stream.Next() {
			if string(stream.Data()) == "[DONE]" {
				return text, nil
			}
			var chunk struct{ Delta string }
			if err := json.Unmarshal(stream.Data(), &chunk); err != nil {
				return text, err
			}
			text += chunk.Delta
		}
		if err := stream.Err(); err != nil {
			return text, err
		}
		return text, io.ErrUnexpectedEOF // a clean end, but before [DONE]
	}

	for range responses {
		text, err := complete()
		var refused *sse.ResponseError
		switch {
		case errors.As(err, &refused):
			fmt.Printf("%s: retry after %v: %s", refused.Status, refused.RetryAfter(), refused.Body)
		case errors.Is(err, io.ErrUnexpectedEOF):
			fmt.Printf("cut: %q\n", text)
		default:
			fmt.Printf("%q, %v\n", text, err)
		}
	}
	// Output:
	// 429 Too Many Requests: retry after 20s: {"error":"rate limit reached"}
	// cut: "Hello"
	// "Hello, world", <nil>
}

// A CheckResponse can accept a response that DefaultCheckResponse refuses, or retry a request that
// would end the stream. This server labels its streams text/plain, and it refuses an expired token,
// which Prepare replaces in the next attempt.
func ExampleClient_checkResponse() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer fresh" {
			http.Error(w, "expired", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "data: hello\n\n")
	}))
	defer srv.Close()

	token := "stale"
	client := &sse.Client{
		ReconnectionTime: time.Millisecond,
		Backoff:          func() backoff.BackOff { return &backoff.ZeroBackOff{} },
		Prepare: func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+token)
			return nil
		},
		CheckResponse: func(r *http.Response) error {
			if r.Header.Get("Content-Type") == "text/plain" && r.StatusCode == http.StatusOK {
				return nil
			}
			err := sse.DefaultCheckResponse(r)
			var refused *sse.ResponseError
			expired := errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized
			if expired && token == "stale" {
				token = "fresh"
				return refused // is not a backoff.PermanentError, so the request is repeated
			}
			return err
		},
	}
	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	stream := client.Stream(req)
	defer stream.Close()
	if stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	// Output: hello
}

// Any goroutine may call Close. It interrupts a blocked Next.
func ExampleStream_Close() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: the only one\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer srv.Close()

	stream := sse.Get(context.Background(), srv.URL)
	for stream.Next() {
		fmt.Println(stream.Event().Data)
		go stream.Close() // for example after a signal
	}
	fmt.Println(stream.Err(), stream.State())
	// Output:
	// the only one
	// <nil> closed
}

// A service stores the ID of each event after it has handled the event. After a crash it resumes
// there. No event is lost, and at most one event is handled twice.
//
// If the service has a database, it should store the ID in the same transaction as the effects of
// the event. Then no event is handled twice. If the service has several replicas, only one of them
// should follow the stream, for example the holder of a lease. It must store the ID only while it
// holds the lease, for example with a fencing token in the WHERE clause of the UPDATE.
func ExampleStream_LastEventID() {
	srv := exampleServer()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "last-event-id")

	// store replaces the file atomically, so that a crash leaves either the old or the new one.
	store := func(id string) error {
		f, err := os.CreateTemp(dir, "last-event-id-*")
		if err != nil {
			return err
		}
		_, err = f.WriteString(id)
		err = errors.Join(err, f.Sync(), f.Close())
		if err != nil {
			return err
		}
		return os.Rename(f.Name(), name)
	}

	run := func(handle func(sse.Event) error) error {
		req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
		if err != nil {
			return err
		}
		switch last, err := os.ReadFile(name); {
		case err == nil:
			req.Header.Set("Last-Event-ID", string(last))
		case !errors.Is(err, os.ErrNotExist):
			return err // a start without the ID would handle all events again
		}
		stream := new(sse.Client).Stream(req)
		defer stream.Close()
		for stream.Next() {
			if err := handle(stream.Event()); err != nil {
				return err
			}
			if err := store(stream.LastEventID()); err != nil {
				return err
			}
		}
		return stream.Err()
	}

	err = run(func(ev sse.Event) error {
		if ev.ID == "3" {
			return errors.New("killed")
		}
		fmt.Println("first run:", ev.Data)
		return nil
	})
	fmt.Println(err)
	err = run(func(ev sse.Event) error {
		fmt.Println("second run:", ev.Data)
		return nil
	})
	fmt.Println(err)
	// Output:
	// first run: event 1
	// first run: event 2
	// killed
	// second run: event 3
	// second run: event 4
	// second run: event 5
	// <nil>
}
