package sse_test

import (
	"context"
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

// The request for the response of a language model is sent once. A response that ends before its
// final event is incomplete, whatever ended it: a clean end, a cut, or a timeout. DecodeUntilDone
// then returns an error.
func ExampleClient_Stream_post() {
	const hello = "data: {\"delta\":\"Hello\"}\n\n"
	send := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, text)
		w.(http.Flusher).Flush()
	}
	responses := []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "20")
			http.Error(w, "rate limit reached", http.StatusTooManyRequests)
		},
		func(w http.ResponseWriter, r *http.Request) { send(w, hello) },
		func(w http.ResponseWriter, r *http.Request) {
			send(w, hello)
			panic(http.ErrAbortHandler) // cuts the connection
		},
		func(w http.ResponseWriter, r *http.Request) {
			send(w, hello)
			<-r.Context().Done() // the server falls silent
		},
		func(w http.ResponseWriter, r *http.Request) {
			send(w, hello+"data: {\"delta\":\", world\"}\n\ndata: [DONE]\n\n")
		},
	}
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		responses[n-1](w, r)
	}))
	defer srv.Close()

	type chunk struct{ Delta string }
	decode := func(typ string, data []byte) (chunk, error) {
		if string(data) == "[DONE]" {
			return chunk{}, sse.Done
		}
		return sse.JSON[chunk](typ, data)
	}
	complete := func() (text string, err error) {
		body := strings.NewReader(`{"stream":true,"prompt":"Hi!"}`)
		req, err := http.NewRequest(http.MethodPost, srv.URL, body)
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/json")
		client := &sse.Client{IdleTimeout: 200 * time.Millisecond} // a model needs a minute or more
		for c, err := range sse.DecodeUntilDone(client.Stream(req), decode) {
			if err != nil {
				return text, err
			}
			text += c.Delta
		}
		return text, nil
	}

	for range responses {
		text, err := complete()
		fmt.Printf("%q, %v\n", text, err)
	}
	// Output:
	// "", sse: 429 Too Many Requests: rate limit reached (retry after 20s)
	// "Hello", unexpected EOF
	// "Hello", unexpected EOF
	// "Hello", sse: idle timeout: no data from the server
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
				return refused // is not marked by Permanent, so the request is repeated
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

// With NoReconnect, a stream is one response, also for a GET.
func ExampleClient_noReconnect() {
	srv := exampleServer()
	defer srv.Close()

	client := &sse.Client{NoReconnect: true}
	for ev, err := range client.Get(context.Background(), srv.URL).All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.Data)
	}
	// Output:
	// event 1
	// event 2
}

// By default a stream never gives up after temporary failures. This one ends after five in a row.
func ExampleClient_giveUp() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
	}))
	defer srv.Close()

	failures := 1
	client := &sse.Client{
		ReconnectionTime: time.Millisecond,
		Backoff: func() backoff.BackOff {
			// A service would use sse.DefaultBackoff() in place of the constant time.
			return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Millisecond), 4)
		},
		OnRetry: func(err error, wait time.Duration) { failures++ },
	}
	stream := client.Get(context.Background(), srv.URL)
	defer stream.Close()
	for stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	fmt.Printf("after %d failures: %v\n", failures, stream.Err())
	// Output: after 5 failures: sse: 503 Service Unavailable: down for maintenance
}

// Permanent ends the stream from a hook. Any other error of Prepare is retried.
func ExamplePermanent() {
	client := &sse.Client{
		Prepare: func(r *http.Request) error {
			token := os.Getenv("EXAMPLE_TOKEN_THAT_IS_NOT_SET")
			if token == "" {
				return sse.Permanent(errors.New("no token: log in first"))
			}
			r.Header.Set("Authorization", "Bearer "+token)
			return nil
		},
	}
	stream := client.Get(context.Background(), "https://example.com/events")
	for stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	fmt.Println(stream.Err())
	// Output: no token: log in first
}

// A health check reports whether a service still follows its stream.
func ExampleStream_Stats() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: hello\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer srv.Close()
	stream := sse.Get(context.Background(), srv.URL)
	defer stream.Close()

	health := func(w http.ResponseWriter, r *http.Request) {
		stats := stream.Stats()
		if stats.State != sse.StateOpen || time.Since(stats.LastRead) > time.Minute {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintf(w, "%v, last error: %v\n", stats.State, stats.LastErr)
	}

	check := func() {
		w := httptest.NewRecorder()
		health(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	check()
	stream.Next()
	check()
	stream.Close()
	check()
	// Output:
	// 503 connecting, last error: <nil>
	// 200 open, last error: <nil>
	// 503 closed, last error: <nil>
}

// OnIgnored shows the lines that are not part of an event stream. If a response has nothing else,
// the error quotes them.
func ExampleClient_onIgnored() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, `{"error":{"message":"quota exceeded"}}`+"\n")
	}))
	defer srv.Close()

	client := &sse.Client{
		NoReconnect: true,
		OnIgnored:   func(line string) { fmt.Println("ignored:", line) },
	}
	stream := client.Get(context.Background(), srv.URL)
	defer stream.Close()
	for stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	var noEvents *sse.ResponseError
	if errors.As(stream.Err(), &noEvents) {
		fmt.Printf("%s %s\n", noEvents.Status, noEvents.Body)
	}
	// Output:
	// ignored: {"error":{"message":"quota exceeded"}}
	// 200 OK {"error":{"message":"quota exceeded"}}
}

// A ResponseError names the request that was refused and how a redirect led to it.
func ExampleResponseError() {
	mux := http.NewServeMux()
	mux.Handle("/events", http.RedirectHandler("/login", http.StatusFound))
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "please log in", http.StatusForbidden)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	stream := sse.Get(context.Background(), srv.URL+"/events?token=secret")
	defer stream.Close()
	for stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	var refused *sse.ResponseError
	if errors.As(stream.Err(), &refused) {
		fmt.Println(refused.StatusCode, refused.Method, strings.TrimPrefix(refused.URL, srv.URL))
	}
	fmt.Println(strings.ReplaceAll(stream.Err().Error(), srv.URL, ""))
	// Output:
	// 403 GET /login
	// sse: 403 Forbidden: GET /events was redirected with 302 to GET /login: please log in
}

// With an Idempotency-Key, a POST is repeated after a failure, here after a 503.
func ExampleClient_Stream_idempotencyKey() {
	attempts := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if attempts++; attempts == 1 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: job %s accepted\n\n", r.Header.Get("Idempotency-Key"))
	}))
	defer srv.Close()

	req, err := http.NewRequest(http.MethodPost, srv.URL, strings.NewReader(`{"job":"report"}`))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", "42") // the same for every attempt
	client := &sse.Client{
		ReconnectionTime: time.Millisecond,
		Backoff:          func() backoff.BackOff { return &backoff.ZeroBackOff{} },
		OnRetry:          func(err error, wait time.Duration) { fmt.Println("retry:", err) },
	}
	stream := client.Stream(req)
	defer stream.Close()
	for stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	fmt.Println("end:", stream.Err())
	// Output:
	// retry: sse: 503 Service Unavailable: busy
	// job 42 accepted
	// end: <nil>
}
