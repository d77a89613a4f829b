package sse_test

import (
	"fmt"
	"io"
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

// The borrowed form: nothing is allocated for an event. What must be kept is copied.
func ExampleReader_Data() {
	r := sse.NewReader(strings.NewReader("data: 1\n\ndata: 22\n\ndata: 333\n\n"))
	n := 0
	for r.Next() {
		n += len(r.Data())
	}
	fmt.Println(n, r.Err())
	// Output: 6 <nil>
}

// An answer that was cut within an event is not mistaken for a whole one.
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

// A Parser is for bytes that come by callback, or from a transport of one's own.
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
	fmt.Println("cut within an event:", p.Partial())
	// Output:
	// one
	// two
	// cut within an event: false
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
	// sse: id has a line end that would forge a line
}

func ExampleEvent_WriteTo() {
	sse.Event{Data: "hello"}.WriteTo(os.Stdout)
	// Output: data: hello
}
