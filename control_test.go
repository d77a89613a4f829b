package sse

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestStreamStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const s = time.Second
		start := time.Now()
		at := func(when time.Time) time.Duration {
			if when.IsZero() {
				return -1
			}
			return when.Sub(start)
		}
		type snapshot struct {
			State                         State
			Opened, LastRead, NextAttempt time.Duration // since the start; -1 if zero
			LastErr                       string
		}
		var stream1 *Stream
		take := func() snapshot {
			st := stream1.Stats()
			text := ""
			if st.LastErr != nil {
				text = st.LastErr.Error()
			}
			return snapshot{st.State, at(st.Opened), at(st.LastRead), at(st.NextAttempt), text}
		}
		client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				return nil, errors.New("no network")
			case 2:
				return stream(s, "data:a\n\n", 4*s, "data:b\n\n"), nil
			}
			return status(401, "no"), nil
		})
		stream1 = get(t, client)
		var got []snapshot
		note := func() { got = append(got, take()) }
		client2 := *client
		client2.OnRetry = func(error, time.Duration) { note() }
		client2.OnOpen = func(*http.Response) { note() }
		client2.Prepare = func(*http.Request) error { note(); return nil }
		stream1 = get(t, &client2)
		note()
		for stream1.Next() {
			note()
		}
		note()
		failure, refusal := `Get "http://example.com/": no network`, "sse: 401 Unauthorized: no"
		equal(t, "Stats", got, []snapshot{
			{StateConnecting, -1, -1, -1, ""},
			{StateConnecting, -1, -1, -1, ""}, // Prepare
			{StateConnecting, -1, -1, 2 * s, failure},
			{StateConnecting, -1, -1, -1, failure}, // Prepare
			{StateOpen, 2 * s, -1, -1, ""},
			{StateOpen, 2 * s, 3 * s, -1, ""},
			{StateOpen, 2 * s, 7 * s, -1, ""},
			{StateConnecting, -1, 7 * s, 9 * s, "EOF"},
			{StateConnecting, -1, 7 * s, -1, "EOF"}, // Prepare
			{StateClosed, -1, 7 * s, -1, refusal},
		})
	})
}

// While Stats is called, the stream connects, reads and ends. The race detector observes it.
func TestStreamStatsConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, sends("data:a\n\n", time.Second, "data:b\n\n").always)
		s := get(t, client)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for s.Stats().State != StateClosed {
				time.Sleep(10 * time.Millisecond)
			}
		}()
		for n := 0; s.Next(); n++ {
			if n == 10 {
				s.Close()
			}
		}
		<-done
	})
}
