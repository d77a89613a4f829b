package sse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-0d85b69d/sse"
)

func ExampleNewWriter() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		out, err := sse.NewWriter(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer out.Close()
		out.Send(sse.Event{Type: "greeting", Data: "hello\nworld"})
	}

	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Header().Get("Content-Type"))
	fmt.Print(w.Body)
	// Output:
	// text/event-stream
	// event: greeting
	// data: hello
	// data: world
}

// The handler resumes after the event that the client received last, and keeps the
// connection alive while there is no event.
func ExampleWriter() {
	log := []string{"started", "halfway", "finished"} // the ID of an event is its index
	handler := func(w http.ResponseWriter, r *http.Request) {
		next := 0
		if _, err := fmt.Sscan(r.Header.Get("Last-Event-ID"), &next); err == nil {
			next++
		}
		if next >= len(log) {
			w.WriteHeader(http.StatusNoContent) // tells the client not to reconnect
			return
		}
		out, err := sse.NewWriter(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer out.Close()
		out.KeepAlive(15 * time.Second)
		for ; next < len(log); next++ {
			if err := out.Send(sse.Event{ID: fmt.Sprint(next), Data: log[next]}); err != nil {
				return // the client has disconnected
			}
		}
	}
	srv := httptest.NewServer(http.HandlerFunc(handler))
	defer srv.Close()

	req, _ := http.NewRequest(http.MethodGet, srv.URL, nil)
	req.Header.Set("Last-Event-ID", "0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	for ev, err := range sse.NewReader(resp.Body).All() {
		fmt.Println(ev.ID, ev.Data, err)
	}
	// Output:
	// 1 halfway <nil>
	// 2 finished <nil>
}
