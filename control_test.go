package sse

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
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

// A second Reconnect ends an attempt that hangs, although the first has skipped a wait.
func TestStreamReconnectEndsHangingAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch requests = n; n {
			case 1:
				return nil, errors.New("no network")
			case 2:
				return stall(r)
			}
			return stream("data:a\n\n", forever), nil
		})
		var s *Stream
		client.OnRetry = func(err error, _ time.Duration) {
			if requests == 1 {
				s.Reconnect()
			}
		}
		s = get(t, client)
		time.AfterFunc(time.Minute, s.Reconnect)
		start := time.Now()
		if !s.Next() || time.Since(start) > 2*time.Minute {
			t.Errorf("%d requests in %v, Err() = %v", requests, time.Since(start), s.Err())
		}
		s.Close()
		s.Next()
	})
}

// Reconnect does not lengthen a wait.
func TestStreamReconnectDoesNotLengthenWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return nil, errors.New("no network")
			}
			return status(204, ""), nil
		})
		client.ReconnectionTime = -1
		client.Backoff = func() backoff.BackOff {
			return backoff.NewConstantBackOff(100 * time.Millisecond)
		}
		var s *Stream
		client.OnRetry = func(error, time.Duration) { s.Reconnect() }
		start := time.Now()
		s = get(t, client)
		s.Next()
		equal(t, "time", time.Since(start), 100*time.Millisecond)
	})
}
