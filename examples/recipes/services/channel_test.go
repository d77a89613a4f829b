package services

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: select
func follow(ctx context.Context, url string, handle func(sse.Event), flush func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the goroutine
	stream := sse.Get(ctx, url)
	events := make(chan sse.Event)
	go func() {
		defer close(events)
		for stream.Next() {
			select {
			case events <- stream.Event():
			case <-ctx.Done():
			}
		}
	}()
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case ev, ok := <-events:
			if !ok {
				return stream.Err()
			}
			handle(ev)
		case <-ticker.C:
			flush()
		}
	}
}

// end

func TestFollowUntilTheEnd(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.Retry(time.Millisecond),
			ssetest.Send(sse.Event{ID: "1", Data: "a"}, sse.Event{ID: "2", Data: "b"}),
		},
		ssetest.Conn{ssetest.Status(http.StatusForbidden)},
	)
	var got []string
	err := follow(t.Context(), srv.URL, func(ev sse.Event) { got = append(got, ev.Data) }, func() {})
	var refused *sse.ResponseError
	if !errors.As(err, &refused) || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFollowIsCanceled(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(sse.Event{Data: "a"}), ssetest.Stall()})
	ctx, cancel := context.WithCancel(t.Context())
	err := follow(ctx, srv.URL, func(sse.Event) { cancel() }, func() {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
