package operations

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/examples/internal/snippet"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestSnippets(t *testing.T) {
	snippet.Check(t, "../../../docs/recipes/operations.md")
}

// noContent ends a stream.
var noContent = ssetest.Conn{ssetest.Status(http.StatusNoContent)}

// hello is a response with one event and a short reconnection time.
func hello(steps ...ssetest.Step) ssetest.Conn {
	return append(steps, ssetest.Retry(time.Millisecond), ssetest.Send(sse.Event{Data: "hello"}))
}

// readHello reports a test error unless the stream has the events of n hello responses, and then
// ends without an error.
func readHello(t *testing.T, stream *sse.Stream, n int) {
	t.Helper()
	defer stream.Close()
	got := 0
	for stream.Next() {
		got++
		if data := stream.Event().Data; data != "hello" {
			t.Errorf("got event %q", data)
		}
	}
	if got != n || stream.Err() != nil {
		t.Errorf("got %d events and the error %v, want %d and none", got, stream.Err(), n)
	}
}
