//go:build unix

package e2e

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

const heldStreams = 3000

// A Stream that waits, or that has ended and is still referenced, holds nothing of its last
// connection. Streams that never had a connection are the measure.
func TestStreamHoldsNoBuffersWithoutConnection(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, ended := range []bool{false, true} {
			t.Run(fmt.Sprintf("HTTP/2 %v ended %v", http2, ended), func(t *testing.T) {
				without := heldByStreams(t, http2, ended, false)
				with := heldByStreams(t, http2, ended, true)
				t.Logf("%d streams hold %.1f MiB after a connection, %.1f MiB without one",
					heldStreams, float64(with)/(1<<20), float64(without)/(1<<20))
				// The parser keeps a buffer of 1 KiB, and the last event type and ID.
				if more := (with - without) / heldStreams; more > 2<<10 {
					t.Errorf("each stream holds %d bytes more after a connection, want at most %d",
						more, 2<<10)
				}
			})
		}
	}
}

// heldByStreams returns the heap that is held by streams that wait, or have ended. If connected is
// true, their last connection was cut after an event. Otherwise they had none.
func heldByStreams(t *testing.T, http2, ended, connected bool) int64 {
	httpClient, stop := cuttingServer(t, http2)
	before := heap()
	var waiting, running sync.WaitGroup
	waiting.Add(heldStreams)
	client := &sse.Client{
		HTTPClient:       httpClient,
		ReconnectionTime: time.Hour,
		OnRetry:          func(error, time.Duration) { waiting.Done() },
		Prepare: func(*http.Request) error {
			if connected {
				return nil
			}
			return errors.New("no connection is wanted")
		},
	}
	if ended {
		client.Backoff = func() backoff.BackOff { return new(backoff.StopBackOff) }
	}
	req := newRequest(t, t.Context(), "http://sse.test")
	streams := make([]*sse.Stream, heldStreams)
	var events atomic.Int64
	for i := range streams {
		s := client.Stream(req)
		streams[i] = s
		running.Go(func() {
			for s.Next() {
				events.Add(1)
			}
			if ended {
				waiting.Done()
			}
		})
	}
	waiting.Wait()
	if n := events.Load(); connected && n != heldStreams || !connected && n != 0 {
		t.Errorf("%d events", n)
	}
	stop()
	held := heap() - before
	for _, s := range streams {
		s.Close()
	}
	running.Wait()
	return held
}

// cuttingServer starts a server that cuts each connection after an event. It returns a client that
// connects to it, whatever the URL, and a function that ends both and releases what they hold.
func cuttingServer(t *testing.T, http2 bool) (client *http.Client, stop func()) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		eventlog.Event(1).WriteTo(w)
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	srv.Config.Protocols = protocols
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	client, d := newDialClient(t, http2)
	transport := client.Transport.(*http.Transport)
	transport.MaxConnsPerHost = 50
	transport.DialContext = d.To(srv.Listener.Addr().String)
	return client, func() {
		transport.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
		if !poll(10*time.Second, func() bool { return d.Open() == 0 }) {
			t.Errorf("%d connections stay open", d.Open())
		}
	}
}

// heap returns the bytes of the heap that are in use.
func heap() int64 {
	var stats runtime.MemStats
	for range 3 { // a sync.Pool is empty after the second collection
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
