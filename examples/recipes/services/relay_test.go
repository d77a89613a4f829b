package services

import (
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: relay
// relay returns a handler that sends the events of the stream at url to a browser.
func relay(client *sse.Client, url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, url, nil)
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		req.Header.Set("Last-Event-ID", r.Header.Get("Last-Event-ID"))
		out, err := sse.NewWriter(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer out.Close()
		out.KeepAlive(15 * time.Second)
		stream := client.Stream(req)
		defer stream.Close()
		for stream.Next() && out.Send(stream.Event()) == nil {
		}
		if r.Context().Err() == nil { // the browser has not disconnected
			log.Printf("relay: the stream has ended: %v", stream.Err())
		}
	}
}

// end

func TestRelay(t *testing.T) {
	t.Parallel()
	upstream := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "1"),
			ssetest.Send(sse.Event{ID: "2", Type: "add", Data: "two"}),
			ssetest.Cut(),
		},
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "2"),
			ssetest.Send(sse.Event{ID: "3", Data: "three\nlines"}),
			ssetest.Stall(),
		},
	)
	srv := httptest.NewServer(relay(&sse.Client{ReconnectionTime: -1}, upstream.URL))
	defer srv.Close()
	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "1")
	browser := new(sse.Client).Stream(req)
	defer browser.Close()
	var got []sse.Event
	for len(got) < 2 && browser.Next() {
		got = append(got, browser.Event())
	}
	want := []sse.Event{
		{ID: "2", Type: "add", Data: "two"}, {ID: "3", Type: "message", Data: "three\nlines"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

type price struct {
	ID     string
	Symbol string
	Cents  int
}

// snippet: htmx
var priceHTML = template.Must(template.New("price").Parse("<b>{{.Symbol}}</b> {{.Cents}}"))

// sendPrices sends each price as HTML, which htmx swaps into the page.
func sendPrices(out *sse.Writer, prices <-chan price) error {
	var html strings.Builder
	for p := range prices {
		html.Reset()
		if err := priceHTML.Execute(&html, p); err != nil {
			return err
		}
		ev := sse.Event{ID: p.ID, Type: "price", Data: html.String()}
		if err := out.Send(ev); err != nil {
			return err
		}
	}
	return nil
}

// end

func Example_htmx() {
	prices := make(chan price, 1)
	prices <- price{"1", "A&B", 4200}
	close(prices)
	w := httptest.NewRecorder()
	out, err := sse.NewWriter(w, httptest.NewRequest(http.MethodGet, "/prices", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer out.Close()
	fmt.Println(sendPrices(out, prices))
	fmt.Print(w.Body)
	// Output:
	// <nil>
	// id: 1
	// event: price
	// data: <b>A&amp;B</b> 4200
}
