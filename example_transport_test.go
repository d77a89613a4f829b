package sse_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A Transport gives an idle timeout to any code that uses an http.Client, such as an SDK or this
// hand-written loop.
func ExampleTransport() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: hello\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done() // nothing more, and no end
	}))
	defer srv.Close()

	client := &http.Client{
		Transport: &sse.Transport{IdleTimeout: 100 * time.Millisecond}, // in practice a minute
	}
	resp, err := client.Get(srv.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			fmt.Println(data)
		}
	}
	if errors.Is(lines.Err(), sse.ErrIdleTimeout) {
		fmt.Println("the server has gone silent")
	}
	// Output:
	// hello
	// the server has gone silent
}
