package sse_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

func ExampleNewReader() {
	body := strings.NewReader("id: 7\nevent: greeting\ndata: hello\ndata: world\n\n")
	r := sse.NewReader(body)
	for ev, err := range r.All() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %s %q\n", ev.ID, ev.Type, ev.Data)
	}
	// Output: 7 greeting "hello\nworld"
}

// The response to a request of the Model Context Protocol is JSON or a stream. Up to the revision
// 2025-11-25, if the stream ends before the result, a GET with the last event ID continues it.
func ExampleNewReader_mcp() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == `{"method":"ping"}` {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"result":{}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		if r.Method == http.MethodPost {
			io.WriteString(w, "retry: 10\nid: 1\ndata: {\"method\":\"notifications/progress\"}\n\n")
		} else if r.Header.Get("Last-Event-ID") == "1" {
			io.WriteString(w, "id: 2\ndata: {\"result\":{\"sum\":42}}\n\n")
		}
	}))
	defer srv.Close()

	isResult := func(data []byte) bool { return bytes.Contains(data, []byte(`"result"`)) }
	call := func(message string) (result string, err error) {
		resp, err := http.Post(srv.URL, "application/json", strings.NewReader(message))
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") == "application/json" {
			b, err := io.ReadAll(resp.Body)
			return string(b), err
		}
		if err := sse.DefaultCheckResponse(resp); err != nil {
			return "", err
		}
		r := sse.NewReader(resp.Body)
		for r.Next() {
			if isResult(r.Data()) {
				return r.Event().Data, nil
			}
		}

		wait, _ := r.Retry()
		time.Sleep(wait)
		req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
		if err != nil {
			return "", err
		}
		req.Header.Set("Last-Event-ID", r.LastEventID())
		stream := (&sse.Client{ReconnectionTime: wait}).Stream(req)
		defer stream.Close()
		for stream.Next() {
			if isResult(stream.Data()) {
				return stream.Event().Data, nil
			}
		}
		return "", stream.Err()
	}
	fmt.Println(call(`{"method":"ping"}`))
	fmt.Println(call(`{"method":"tools/call"}`))
	// Output:
	// {"result":{}} <nil>
	// {"result":{"sum":42}} <nil>
}

// Data returns bytes that are valid until the next call to Next. It allocates nothing for an event.
func ExampleReader_Data() {
	r := sse.NewReader(strings.NewReader("data: 1\n\ndata: 22\n\ndata: 333\n\n"))
	n := 0
	for r.Next() {
		n += len(r.Data())
	}
	fmt.Println(n, r.Err())
	// Output: 6 <nil>
}

// A stream that was cut in an event ends with an error.
func ExampleReader_Err() {
	r := sse.NewReader(strings.NewReader("data: first\n\ndata: second"))
	for r.Next() {
		fmt.Println(r.Event().Data)
	}
	fmt.Println(r.Err() == io.ErrUnexpectedEOF)
	// Output:
	// first
	// true
}

// A Parser is for bytes that do not come from an io.Reader, for example from a callback.
func ExampleParser() {
	var p sse.Parser
	for _, chunk := range []string{"da", "ta: one\r", "\n\r", "\ndata: two\n\n"} {
		p.Write([]byte(chunk))
		for p.Next() {
			fmt.Println(p.Event().Data)
		}
	}
	if err := p.Err(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("cut in an event:", p.Partial())
	// Output:
	// one
	// two
	// cut in an event: false
}

func ExampleParser_Retry() {
	var p sse.Parser
	p.OnComment = func(text string) { fmt.Printf("comment %q\n", text) }
	p.Write([]byte(": keep-alive\nretry: 2500\n"))
	p.Next()
	fmt.Println(p.Retry())
	// Output:
	// comment " keep-alive"
	// 2.5s true
}

func ExampleEvent_Append() {
	var b []byte
	b = sse.AppendRetry(b, 5*time.Second)
	b, err := sse.Event{ID: "1", Type: "add", Data: "two\nlines"}.Append(b)
	if err != nil {
		fmt.Println(err)
	}
	b = sse.AppendComment(b, " still here")
	os.Stdout.Write(b)

	_, err = sse.Event{ID: "1\nid: 2"}.Append(nil)
	fmt.Println(err)
	// Output:
	// retry: 5000
	// id: 1
	// event: add
	// data: two
	// data: lines
	//
	// : still here
	// sse: id contains a line break
}

func ExampleEvent_WriteTo() {
	sse.Event{Data: "hello"}.WriteTo(os.Stdout)
	// Output: data: hello
}
