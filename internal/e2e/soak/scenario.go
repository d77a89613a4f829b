//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/child"
	"github.com/seed-0d85b69d/sse/internal/e2e/dialer"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
	"github.com/seed-0d85b69d/sse/internal/e2e/faultproxy"
	"github.com/seed-0d85b69d/sse/internal/e2e/http2server"
)

const (
	longFactor    = 5           // how much longer than the short run the long one takes
	catchUp       = time.Minute // the longest time to wait for all streams after a fault
	maxGoroutines = 5           // that may be left
	maxHeap       = 4.0         // MiB that may be left
)

// A scenario is a group of streams and the faults that they meet, one after the other.
type scenario struct {
	name     string
	streams  int
	http2    bool
	period   time.Duration // between two events
	idle     time.Duration // IdleTimeout of the Client
	quick    bool          // the waits before an attempt take 10 ms, not the default
	backend  func(*run) error
	faults   []fault
	pause    time.Duration // between two faults
	duration time.Duration // of the short run
}

// A fault injects n faults and ends them.
type fault func(*run) (n int, err error)

// A result is a row of the table.
type result struct {
	scenario
	faults      int
	connections int
	sent        int
	check       eventlog.Checker // the sum over all streams
	goroutines  int
	heap        float64         // MiB
	back        []time.Duration // from the end of a fault until all streams are connected; sorted
	failures    []string
}

func (r *result) failf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// A run is a scenario in progress. Its backend is a child process or an http2server.Server, with or
// without a proxy in front of it.
type run struct {
	scenario
	log     eventlog.Schedule
	addr    string // of the backend
	server  *child.Server
	process *child.Process
	frames  *http2server.Server
	proxy   *faultproxy.Proxy
	last    []atomic.Int64 // the number of the last event of each stream
	retries atomic.Int64
	opened  atomic.Int64 // when a stream was connected last, in ms since the log began
}

// run runs s.
func (s scenario) run() (result, error) {
	reserve(6 * s.streams)
	goroutines, heap := measure()
	r := &run{scenario: s, last: make([]atomic.Int64, s.streams)}
	r.log = eventlog.Schedule{
		Begin:  time.Now(),
		Period: s.period,
		Last:   int(s.duration / s.period),
	}
	if err := s.backend(r); err != nil {
		return result{}, err
	}
	d := new(dialer.Dialer)
	transport := d.Transport(s.http2)
	res := result{scenario: s, sent: s.streams * r.log.Last}
	ctx, cancel := context.WithCancel(context.Background())
	checks, wait := r.follow(ctx, &http.Client{Transport: transport})
	err := r.inject(&res)
	if err == nil {
		err = r.waitFor(r.log.Last, time.Until(r.log.Begin.Add(s.duration))+catchUp)
	}
	if err != nil {
		res.failf("%v", err)
	}
	cancel()
	wait()
	for _, check := range checks {
		check.Finish(r.log.Last)
		res.check.Received += check.Received
		res.check.Lost += check.Lost
		res.check.Repeated += check.Repeated
		res.check.Damaged += check.Damaged
	}
	transport.CloseIdleConnections()
	r.close()
	res.connections = d.Made()
	res.leaks(goroutines, heap, d)
	if c := res.check; c.Lost+c.Repeated+c.Damaged > 0 {
		res.failf("%d events lost, %d repeated, %d damaged", c.Lost, c.Repeated, c.Damaged)
	}
	if slices.Sort(res.back); len(res.back) == 0 {
		res.back = []time.Duration{0}
	}
	return res, nil
}

// follow starts the streams. Each ends after the last event, or when ctx ends. wait waits for the
// end of all.
func (r *run) follow(
	ctx context.Context, httpClient *http.Client,
) (checks []eventlog.Checker, wait func()) {
	client := &sse.Client{
		HTTPClient:  httpClient,
		IdleTimeout: r.idle,
		OnRetry:     func(error, time.Duration) { r.retries.Add(1) },
		OnOpen: func(*http.Response) {
			r.opened.Store(time.Since(r.log.Begin).Milliseconds())
		},
	}
	if r.quick {
		client.ReconnectionTime = 10 * time.Millisecond
		client.Backoff = func() backoff.BackOff { return new(backoff.ZeroBackOff) }
	}
	checks = make([]eventlog.Checker, r.streams)
	var following sync.WaitGroup
	for i := range checks {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+r.addr, nil)
		if err != nil {
			panic(err) // addr is not a host and port
		}
		following.Go(func() {
			s := client.Stream(req)
			defer s.Close()
			for checks[i].Last < r.log.Last && s.Next() {
				checks[i].Add(s.Event())
				r.last[i].Store(int64(checks[i].Last))
			}
		})
		if i == 0 {
			// The others share the connection of the first stream, over HTTP/2.
			r.waitStream(0, 1, 10*time.Second)
		}
	}
	return checks, following.Wait
}

// inject injects faults until the time of the scenario is over, and each of them at least once.
// After each it waits until all streams have received an event that did not exist when it ended.
func (r *run) inject(res *result) error {
	end := r.log.Begin.Add(r.duration)
	for i := 0; i < len(r.faults) || time.Now().Before(end); i++ {
		if err := r.waitFor(r.log.Len(), catchUp); err != nil {
			return err
		}
		<-time.After(r.pause)
		n, err := r.faults[i%len(r.faults)](r)
		if err != nil {
			return err
		}
		res.faults += n
		healed := time.Since(r.log.Begin)
		if err := r.waitFor(min(r.log.Len()+1, r.log.Last), catchUp); err != nil {
			return fmt.Errorf("after fault %d: %w", i+1, err)
		}
		opened := time.Duration(r.opened.Load()) * time.Millisecond
		res.back = append(res.back, max(opened-healed, 0))
	}
	return nil
}

// waitFor waits until all streams have received event n.
func (r *run) waitFor(n int, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for i := range r.last {
		if !r.waitStream(i, n, time.Until(deadline)) {
			return fmt.Errorf("stream %d has not received event %d within %v", i, n, timeout)
		}
	}
	return nil
}

func (r *run) waitStream(i, n int, timeout time.Duration) bool {
	return poll(timeout, func() bool { return r.last[i].Load() >= int64(n) })
}

// poll calls done every millisecond until it returns true, and reports whether it did within
// timeout.
func poll(timeout time.Duration, done func() bool) bool {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(timeout); !done(); <-ticker.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// close ends the backend.
func (r *run) close() {
	if r.proxy != nil {
		r.proxy.Close()
	}
	if r.process != nil {
		r.process.Kill()
	}
	if r.frames != nil {
		r.frames.Close()
	}
}

// leaks measures what is left, now that everything has ended.
func (r *result) leaks(goroutines int, heap float64, d *dialer.Dialer) {
	poll(5*time.Second, func() bool {
		return d.Open() == 0 && runtime.NumGoroutine() <= goroutines
	})
	g, h := measure()
	r.goroutines, r.heap = g-goroutines, max(h-heap, 0)
	if n := d.Open(); n > 0 {
		r.failf("%d connections stay open", n)
	}
	if r.goroutines > maxGoroutines {
		r.failf("%d goroutines are left", r.goroutines)
	}
	if r.heap > maxHeap {
		r.failf("%.1f MiB of heap are left", r.heap)
	}
}

// reserve runs n goroutines at the same time. The runtime keeps a descriptor on the heap for each
// goroutine that it has had, which is not a leak of the streams.
func reserve(n int) {
	var running sync.WaitGroup
	end := make(chan struct{})
	for range n {
		running.Go(func() { <-end })
	}
	close(end)
	running.Wait()
}

// measure returns the number of goroutines, and the heap in use in MiB.
func measure() (goroutines int, heap float64) {
	for range 3 { // a sync.Pool is empty after the second collection
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return runtime.NumGoroutine(), float64(stats.HeapAlloc) / (1 << 20)
}
