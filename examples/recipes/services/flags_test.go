package services

import (
	"context"
	"errors"
	"log"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: polling
// pollWhileDown gets the flags with fetch, once per interval, as long as the stream has no
// connection, and also after the stream has ended.
func pollWhileDown(
	ctx context.Context, stream *sse.Stream, interval time.Duration,
	fetch func(context.Context) (map[string]bool, error), replace func(map[string]bool),
) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if stream.State() == sse.StateOpen {
			continue
		}
		all, err := fetch(ctx)
		if err != nil {
			log.Printf("polling: %v", err)
		} else if stream.State() != sse.StateOpen { // otherwise the stream is newer
			replace(all)
		}
	}
}

// end

func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t,
			ssetest.Conn{ssetest.Send(sse.Event{Type: "put", Data: "{}"}), ssetest.Sleep(time.Hour)},
			ssetest.Conn{ssetest.Sleep(2 * time.Hour), ssetest.Status(http.StatusUnauthorized)},
		)
		client := &sse.Client{HTTPClient: srv.Client()}
		stream := client.Get(t.Context(), srv.URL)
		defer stream.Close()

		var replaced atomic.Int32
		fetches := 0
		fetch := func(context.Context) (map[string]bool, error) {
			if fetches++; fetches == 1 {
				return nil, errors.New("not yet")
			}
			return map[string]bool{"beta": true}, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go pollWhileDown(ctx, stream, time.Minute, fetch, func(map[string]bool) { replaced.Add(1) })

		stream.Next() // returns at once
		time.Sleep(30 * time.Minute)
		if n := replaced.Load(); n != 0 {
			t.Errorf("replaced the flags %d times while the stream was open", n)
		}
		if stream.Next() { // an hour without a connection, and then the end
			t.Error("got another event")
		}
		if n := replaced.Load(); n < 100 {
			t.Errorf("replaced the flags %d times in two hours", n)
		}
		before := replaced.Load()
		time.Sleep(10 * time.Minute)
		if n := replaced.Load() - before; n < 9 {
			t.Errorf("replaced the flags %d times in ten minutes after the end", n)
		}
		cancel()
		synctest.Wait()
	})
}
