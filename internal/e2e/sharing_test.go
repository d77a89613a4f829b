//go:build unix

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/dialer"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
	"github.com/seed-0d85b69d/sse/internal/e2e/faultproxy"
)

// Many streams share one HTTP/2 connection when an outage of two idle timeouts begins. After it,
// they share one again. The events of the streams are spread over time, so that their timeouts are
// too, and the dead connection is not idle when the first of them connect again.
//
// The idle timeout is scaled from 30 s to 3 s. The waits are the defaults and are not scaled, and
// neither is the limit of five seconds for the way back. If the old connection and those made in
// the outage stay silent after it, some streams need a third attempt, whose wait is up to four
// seconds, and one stream stays on the connection that it abandons until its timeout.
func TestStreamsShareConnectionAfterOutage(t *testing.T) {
	for _, test := range []struct {
		name   string
		outage func(*faultproxy.Proxy)
		back   time.Duration // all streams receive events again
		most   int           // connections that stay open
	}{
		// The old connection works afterwards.
		{"held bytes", (*faultproxy.Proxy).Hold, 5 * time.Second, 2},
		// It stays silent.
		{"dropped connections", (*faultproxy.Proxy).Drop, 15 * time.Second, 3},
	} {
		for _, useTLS := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", test.name, useTLS), func(t *testing.T) {
				t.Parallel()
				testOutage(t, test.outage, useTLS, test.back, test.most)
			})
		}
	}
}

func testOutage(
	t *testing.T, outage func(*faultproxy.Proxy), useTLS bool, limit time.Duration, most int,
) {
	const (
		streams     = 200
		idleTimeout = 3 * time.Second
		period      = idleTimeout * 4 / 5 // between two events of a stream
	)
	var logs [streams]*eventlog.Log
	for i := range logs {
		logs[i] = logOf(1)
	}
	srv := startServer(t, nil, useTLS)
	srv.LogOf = func(path string) *eventlog.Log {
		i, _ := strconv.Atoi(path[1:])
		return logs[i]
	}
	proxy := startProxy(t, srv.Addr())
	url := strings.Replace(srv.URL(), srv.Addr(), proxy.Addr(), 1)
	var retries retryLog
	client := &sse.Client{
		HTTPClient:  newHTTPClient(t, srv.Transport(new(dialer.Dialer))),
		IdleTimeout: idleTimeout,
		OnRetry:     retries.add,
	}
	var last [streams]atomic.Int64 // the number of the last event of each stream
	open := func(i int) {
		var check eventlog.Checker
		s := client.Stream(newRequest(t, t.Context(), url+"/"+strconv.Itoa(i)))
		follow(t, s, func(ev sse.Event) {
			check.Add(ev)
			last[i].Store(int64(check.Last))
			if check.Lost+check.Repeated+check.Damaged > 0 {
				t.Errorf("stream %d: %+v", i, check)
			}
		})
	}
	behind := func(target []int) (streams int) {
		for i, n := range target {
			if last[i].Load() < int64(n) {
				streams++
			}
		}
		return streams
	}
	lengths := func() (n []int) {
		for _, log := range logs {
			n = append(n, log.Len())
		}
		return n
	}

	open(0) // the first stream makes the connection that the others share
	if !poll(5*time.Second, func() bool { return last[0].Load() == 1 }) {
		t.Fatal("the first stream received no event within 5 s")
	}
	for i := 1; i < streams; i++ {
		open(i)
	}
	n := 0
	every(t, period/streams, func() {
		logs[n%streams].Grow(2 + n/streams)
		n++
	})
	for i := range last {
		if !poll(10*time.Second, func() bool { return last[i].Load() >= 2 }) {
			t.Fatalf("stream %d received no event within 10 s", i)
		}
	}
	if n := proxy.Open(); n != 1 {
		t.Fatalf("%d connections before the outage, want 1", n)
	}

	outage(proxy)
	<-time.After(2 * idleTimeout)
	target := lengths() // each log has grown twice in the outage
	proxy.Resume()
	end := time.Now()
	if !poll(limit, func() bool { return behind(target) == 0 }) {
		t.Errorf("%d of %d streams are not back %v after the outage", behind(target), streams, limit)
	}
	back := time.Since(end)
	// Connections that nobody uses any more are closed within moments.
	if !poll(time.Second, func() bool { return proxy.Open() <= most }) {
		t.Errorf("%d connections stay open after the outage, want at most %d", proxy.Open(), most)
	}
	errs, _ := retries.get()
	t.Logf("back after %v, %d connections made, %d open, %d retries",
		back.Round(time.Millisecond), proxy.Accepted(), proxy.Open(), len(errs))
}
