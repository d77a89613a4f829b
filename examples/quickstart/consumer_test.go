package quickstart

import (
	"slices"
	"testing"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/examples/internal/snippet"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// consume takes the place of the code under test.
func consume(t *testing.T, url string) (ids []string) {
	stream := sse.Get(t.Context(), url)
	for stream.Next() {
		ids = append(ids, string(stream.ID()))
	}
	if err := stream.Err(); err != nil {
		t.Error(err)
	}
	return ids
}

func TestConsumer(t *testing.T) {
	// snippet: consumer
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Send(sse.Event{ID: "1", Data: "a"}), ssetest.Raw("id: 2"), ssetest.Cut()},
		ssetest.Conn{ssetest.WantHeader("Last-Event-ID", "1"), ssetest.Send(sse.Event{ID: "2"})},
		ssetest.Conn{ssetest.Status(204)}, // ends the stream
	)
	got := consume(t, srv.URL) // want the events 1 and 2, once each
	// end
	if !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("consumed %q, want each event once", got)
	}
}

func TestREADME(t *testing.T) { snippet.Check(t, "../../README.md") }
