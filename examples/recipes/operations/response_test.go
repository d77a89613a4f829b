package operations

import (
	"context"
	"fmt"
	"io"
	"log"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: one-response
func readOnce(ctx context.Context, url string, handle func(sse.Event)) error {
	client := &sse.Client{NoReconnect: true, IdleTimeout: time.Minute}
	for ev, err := range client.Get(ctx, url).All() {
		if err != nil {
			return err
		}
		handle(ev)
	}
	return nil
}

// end

func TestReadOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		last ssetest.Step
		ok   bool
	}{
		{"clean end", ssetest.End(), true},
		{"cut", ssetest.Cut(), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(sse.Event{Data: "x"}), test.last})
			var got []string
			err := readOnce(t.Context(), srv.URL, func(ev sse.Event) { got = append(got, ev.Data) })
			if (err == nil) != test.ok || !slices.Equal(got, []string{"x"}) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func Example_missingBlankLine() {
	body := strings.NewReader("data: one\n\ndata: two\n")
	// snippet: blank-line
	events := sse.NewReader(io.MultiReader(body, strings.NewReader("\n\n")))
	for ev, err := range events.All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.Data)
	}
	// end
	// Output:
	// one
	// two
}
