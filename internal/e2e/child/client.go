//go:build unix

package child

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/dialer"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// A Client follows the log at URL with many streams.
type Client struct {
	URL         string
	HTTP2       bool
	Streams     int
	IdleTimeout time.Duration
}

// run prints "event n" when all streams have received event n, and "retry" and an error when a
// stream has to reconnect.
func (c *Client) run() error {
	var mu sync.Mutex
	received := make(map[int]int) // how many streams have received an event, by its number
	printf := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format, args...)
	}
	client := &sse.Client{
		HTTPClient:  &http.Client{Transport: new(dialer.Dialer).Transport(c.HTTP2)},
		IdleTimeout: c.IdleTimeout,
		OnRetry:     func(err error, wait time.Duration) { printf("retry %v\n", err) },
	}
	req, err := http.NewRequestWithContext(context.Background(), "GET", c.URL, nil)
	if err != nil {
		return err
	}
	var streams sync.WaitGroup
	for range c.Streams {
		streams.Go(func() {
			s := client.Stream(req)
			defer s.Close()
			var check eventlog.Checker
			for s.Next() {
				check.Add(s.Event())
				if check.Lost+check.Repeated+check.Damaged > 0 {
					printf("wrong event %v\n", s.Event())
				}
				mu.Lock()
				received[check.Last]++
				if received[check.Last] == c.Streams {
					fmt.Println("event", check.Last)
				}
				mu.Unlock()
			}
			printf("ended %v\n", s.Err())
		})
	}
	streams.Wait()
	return nil
}
