package ssetest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// t takes the place of the *testing.T of a test, which an example does not have.
var t testing.TB = exampleTB{}

type exampleTB struct {
	testing.TB
	_ func() // makes the type not comparable, so that the examples do not count as one test
}

func (exampleTB) Helper()                           {}
func (exampleTB) Cleanup(func())                    {}
func (exampleTB) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// The stream is cut within its second event. The client reconnects and says which
// event it received last.
func ExampleNewServer() {
	events := []sse.Event{{ID: "1", Data: "a"}, {ID: "2", Data: "b"}}
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Send(events[0]), ssetest.Raw("id: 2\nda"), ssetest.Cut()},
		ssetest.Conn{ssetest.WantHeader("Last-Event-ID", "1"), ssetest.Send(events[1])},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)}, // stops the client
	)
	defer srv.Close() // at the end of a test this is done automatically

	req, _ := http.NewRequest(http.MethodGet, srv.URL, nil)
	client := &sse.Client{
		HTTPClient:       srv.Client(),
		ReconnectionTime: -1,
		Backoff:          func() backoff.BackOff { return new(backoff.ZeroBackOff) },
	}
	for ev, err := range client.Stream(req).All() {
		fmt.Println(ev.ID, ev.Data, err)
	}
	// Output:
	// 1 a <nil>
	// 2 b <nil>
}

// Only the client of the server can reach a server in memory. In a synctest bubble
// the hour would pass at once.
func ExampleNewMemoryServer() {
	srv := ssetest.NewMemoryServer(t,
		ssetest.Conn{ssetest.Send(sse.Event{Data: "hello"}), ssetest.Sleep(time.Hour)},
	)
	srv.AllowUnused() // the example does not wait for an hour
	defer srv.Close()

	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	r := sse.NewReader(resp.Body)
	fmt.Println(srv.URL, r.Next(), r.Event().Data)
	// Output: http://sse.test true hello
}

// The script runs on HTTP/2 over TLS.
func ExampleNewTLSServer() {
	srv := ssetest.NewTLSServer(t, ssetest.Conn{ssetest.Send(sse.Event{Data: "hello"})})
	defer srv.Close()

	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	r := sse.NewReader(resp.Body)
	fmt.Println(resp.Proto, r.Next(), r.Event().Data)
	// Output: HTTP/2.0 true hello
}

// Close reports the connections of the script that were not requested.
func ExampleServer_Close() {
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable)},
		ssetest.Conn{ssetest.Send(sse.Event{ID: "1", Data: "a"}), ssetest.Cut()},
	)
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	srv.Close()
	// Output: ssetest: connection 2 was not requested: {Send(id "1"), Cut()}
}

func ExampleServer_Requests() {
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(sse.Event{ID: "8", Data: "a"})})
	defer srv.Close()

	req, _ := http.NewRequest(http.MethodGet, srv.URL+"/orders?since=monday", nil)
	req.Header.Set("Last-Event-ID", "7")
	resp, err := srv.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()

	for _, r := range srv.Requests() {
		id, ok := r.LastEventID()
		fmt.Println(r.Method, r.URL, r.Header["Accept-Encoding"], id, ok)
	}
	// Output: GET /orders?since=monday [gzip] 7 true
}

// The server keeps its events and cuts each connection after 20 bytes, so each
// connection delivers one event. When no event is left, the response is 204, which
// ends the stream.
func ExampleReplay() {
	events := []sse.Event{{ID: "1", Data: "a"}, {ID: "2", Data: "b"}, {ID: "3", Data: "c"}}
	srv := ssetest.NewMemoryServer(t, ssetest.Each(func(n int, r *http.Request) http.Handler {
		return ssetest.Conn{ssetest.After(20, ssetest.Cut()), ssetest.Replay(events...)}
	}))
	defer srv.Close()

	req, _ := http.NewRequest(http.MethodGet, srv.URL, nil)
	client := &sse.Client{
		HTTPClient:       srv.Client(),
		ReconnectionTime: -1,
		Backoff:          func() backoff.BackOff { return new(backoff.ZeroBackOff) },
	}
	for ev, err := range client.Stream(req).All() {
		fmt.Println(ev.Data, err)
	}
	fmt.Println(len(srv.Requests()), "requests")
	// Output:
	// a <nil>
	// b <nil>
	// c <nil>
	// 4 requests
}

// The server is unavailable twice before it responds.
func ExampleRefuse() {
	srv := ssetest.NewServer(t,
		ssetest.Refuse(),
		ssetest.Refuse(),
		ssetest.Conn{ssetest.Send(sse.Event{Data: "hello"})},
	)
	defer srv.Close()

	for {
		resp, err := srv.Client().Get(srv.URL)
		if errors.Is(err, syscall.ECONNREFUSED) {
			fmt.Println("connection refused")
			continue
		} else if err != nil {
			fmt.Println(err)
			return
		}
		r := sse.NewReader(resp.Body)
		fmt.Println(r.Next(), r.Event().Data)
		resp.Body.Close()
		return
	}
	// Output:
	// connection refused
	// connection refused
	// true hello
}

// Any handler can be part of a script. The argument n of Each starts at 0.
func ExampleEach() {
	srv := ssetest.NewServer(t,
		http.RedirectHandler("/stream", http.StatusTemporaryRedirect),
		ssetest.Each(func(n int, r *http.Request) http.Handler {
			return ssetest.Conn{ssetest.Send(sse.Event{Data: fmt.Sprint(r.URL.Path, " ", n)})}
		}),
	)
	defer srv.Close()

	for range 2 {
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		r := sse.NewReader(resp.Body)
		fmt.Println(r.Next(), r.Event().Data)
		resp.Body.Close()
	}
	// Output:
	// true /stream 0
	// true / 1
}

// The transport calls the handler of a service in memory.
func ExampleNewTransport() {
	client := &http.Client{Transport: ssetest.NewTransport(t, http.HandlerFunc(greet))}
	resp, err := client.Get("http://greeter.test/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	for ev, err := range sse.NewReader(resp.Body).All() {
		fmt.Println(ev.Type, ev.Data, err)
	}
	// Output: greeting hello <nil>
}

// A server with special settings runs in memory.
func ExampleListen() {
	l := ssetest.Listen()
	server := &http.Server{Handler: http.HandlerFunc(greet), MaxHeaderBytes: 4 << 10}
	go server.Serve(l)
	defer server.Close()

	client := &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}
	req, _ := http.NewRequest(http.MethodGet, "http://greeter.test/", nil)
	req.Header.Set("Last-Event-ID", strings.Repeat("x", 10_000))
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 431 Request Header Fields Too Large
}

// A Conn can be registered like any other handler.
func ExampleConn() {
	mux := http.NewServeMux()
	mux.Handle("/old", http.RedirectHandler("/prices", http.StatusMovedPermanently))
	mux.Handle("/prices", ssetest.Conn{
		ssetest.Retry(5 * time.Second),
		ssetest.Send(sse.Event{Data: "42"}),
	})

	client := &http.Client{Transport: ssetest.NewTransport(t, mux)}
	resp, err := client.Get("http://shop.test/old")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	r := sse.NewReader(resp.Body)
	fmt.Println(r.Next(), r.Event().Data)
	// Output: true 42
}

// The connection is cut within the event, so the event is incomplete.
func ExampleAfter() {
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.After(9, ssetest.Cut()),
		ssetest.Send(sse.Event{Data: "hello"}),
	})
	defer srv.Close()

	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	r := sse.NewReader(resp.Body)
	fmt.Println(r.Next(), r.Err())
	// Output: false unexpected EOF
}

func greet(w http.ResponseWriter, r *http.Request) {
	out, err := sse.NewWriter(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	out.Send(sse.Event{Type: "greeting", Data: "hello"})
}

func ExampleCheck() {
	response := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
		"Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n\r\n" +
		"retry: 3s\n\nid: 1\ndata: {\n  \"price\": 42\n}\n\n"
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(response)), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	report := ssetest.Check(ctx, resp, 1<<20)
	fmt.Println(report.Events, "event")
	for _, f := range report.Findings {
		if f.Severity >= ssetest.Warning {
			fmt.Printf("line %d: %v: %s (%s)\n", f.Line, f.Severity, f.Rule, f.Section)
		}
	}
	fmt.Println(report.Findings[0].Message)
	// Output:
	// 1 event
	// line 1: error: invalid-retry (9.2.6)
	// line 5: error: malformed-line (9.2.6)
	// The retry value "3s" is ignored. It must be a number of milliseconds in ASCII digits.
}

// The transport of any client or SDK can be recorded. A test replays the file.
func ExampleRecord() {
	service := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(sse.Event{ID: "1", Data: "hello"})})
	defer service.Close()

	file, err := os.CreateTemp("", "*.jsonl")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	client := &http.Client{Transport: ssetest.Record(nil, file)}
	read := func(url string) {
		resp, err := client.Get(url)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		for ev, err := range sse.NewReader(resp.Body).All() {
			fmt.Println(ev.ID, ev.Data, err)
		}
	}
	read(service.URL)
	file.Close()

	client = http.DefaultClient
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Recorded(file.Name())})
	defer srv.Close()
	read(srv.URL)
	// Output:
	// 1 hello <nil>
	// 1 hello <nil>
}

// The file contains the response of a language model. RecordedWithGaps would wait as
// long as the model did.
func ExampleRecorded() {
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Recorded("testdata/chat.jsonl")})
	defer srv.Close()

	resp, err := srv.Client().Post(srv.URL+"/v1/chat/completions", "application/json", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	for ev, err := range sse.NewReader(resp.Body).All() {
		fmt.Println(ev.Data, err)
	}
	// Output:
	// {"delta":"Hello"} <nil>
	// {"delta":" world"} <nil>
	// [DONE] <nil>
}
