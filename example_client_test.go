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

// exampleServer sends the events 1 to 5, two on each connection, and then tells its clients to stop.
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

// A stream with a request, a policy and hooks of one's own goes on where an earlier run stopped.
func ExampleClient_Stream() {
	srv := exampleServer()
	defer srv.Close()

	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "3") // stored by an earlier run
	client := &sse.Client{
		IdleTimeout: time.Minute, // the server's heartbeat comes every 15 s
		Prepare: func(r *http.Request) error { // before every attempt
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
	fmt.Println("the end:", stream.Err())
	// Output:
	// open: 200 OK
	// event 4
	// event 5
	// retry: EOF
	// the end: <nil>
}

// The answer of a language model to a POST is read once, and never asked for again. What went wrong
// is told: an answer that is no stream, with the server's words, and one that was cut.
func ExampleClient_Stream_post() {
	answers := []http.HandlerFunc{
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
			io.WriteString(w, "data: {\"delta\":\"Hello\"}\n\ndata: {\"delta\":\", world\"}\n\ndata: [DONE]\n\n")
		},
	}
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers[n](w, r)
		n++
	}))
	defer srv.Close()

	ask := func() (answer string, err error) {
		req, err := http.NewRequest(http.MethodPost, srv.URL, strings.NewReader(`{"stream":true,"prompt":"Hi!"}`))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/json")
		stream := new(sse.Client).Stream(req)
		defer stream.Close()
		for stream.Next() {
			if string(stream.Data()) == "[DONE]" {
				return answer, nil
			}
			var chunk struct{ Delta string }
			if err := json.Unmarshal(stream.Data(), &chunk); err != nil {
				return answer, err
			}
			answer += chunk.Delta
		}
		if err := stream.Err(); err != nil {
			return answer, err
		}
		return answer, io.ErrUnexpectedEOF // a clean end, but before [DONE]
	}

	for range answers {
		answer, err := ask()
		var refused *sse.ResponseError
		switch {
		case errors.As(err, &refused):
			fmt.Printf("%s: come back after %v: %s", refused.Status, refused.RetryAfter(), refused.Body)
		case errors.Is(err, io.ErrUnexpectedEOF):
			fmt.Printf("cut: %q\n", answer)
		default:
			fmt.Printf("%q, %v\n", answer, err)
		}
	}
	// Output:
	// 429 Too Many Requests: come back after 20s: {"error":"rate limit reached"}
	// cut: "Hello"
	// "Hello, world", <nil>
}

// A CheckResponse can forgive what DefaultCheckResponse does not: here a token that has expired, for
// which Prepare sends another with the next attempt, and a server that calls its streams text/plain.
func ExampleClient_checkResponse() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer fresh" {
			http.Error(w, "expired", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "data: here we are\n\n")
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
			if errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized && token == "stale" {
				token = "fresh"
				return refused // without backoff.Permanent around it: it is tried again
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
	// Output: here we are
}

// Close ends a stream from any goroutine, wherever Next is blocked.
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
		go stream.Close() // a signal, a shutdown
	}
	fmt.Println(stream.Err(), stream.State())
	// Output:
	// the only one
	// <nil> closed
}

// A service that stores the ID of each event after it has handled it goes on there when it is
// started again, wherever it was killed: no event is lost, and at most the one in hand comes twice.
//
// With a database, store the ID in the transaction that stores what the event did: then nothing
// comes twice either. With several replicas let one of them follow the stream, under a lock or a
// lease of the database, and store the ID only while it holds it (with a fencing token in the
// UPDATE's WHERE clause).
func ExampleStream_LastEventID() {
	srv := exampleServer()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "last-event-id")

	// store replaces the file as a whole: after a crash it is the old or the new one.
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
			return err // to begin anew would handle everything again
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
