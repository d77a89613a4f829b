//go:build unix

package main

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/internal/e2e/child"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
	"github.com/seed-0d85b69d/sse/internal/e2e/faultproxy"
	"github.com/seed-0d85b69d/sse/internal/e2e/http2server"
)

var scenarios = []scenario{
	{
		name:    "delays and resets, waits of 10 ms",
		streams: 100, period: 20 * time.Millisecond, idle: 2 * time.Second, quick: true,
		backend: proxied, faults: []fault{cut},
		duration: 8 * time.Second,
	},
	{
		name:    "blackholes",
		streams: 200, http2: true, period: 100 * time.Millisecond, idle: 2 * time.Second,
		backend: proxied, faults: []fault{hold, drop},
		pause: time.Second, duration: 10 * time.Second,
	},
	{
		name:    "SIGKILL of the server",
		streams: 200, period: 50 * time.Millisecond, idle: 2 * time.Second,
		backend: direct, faults: []fault{kill},
		pause: time.Second, duration: 6 * time.Second,
	},
	{
		name:    "SIGKILL of the server",
		streams: 200, http2: true, period: 50 * time.Millisecond, idle: 2 * time.Second,
		backend: direct, faults: []fault{kill},
		pause: time.Second, duration: 6 * time.Second,
	},
	{
		name:    "SIGSTOP of the server",
		streams: 200, period: 50 * time.Millisecond, idle: 2 * time.Second,
		backend: direct, faults: []fault{suspend},
		pause: time.Second, duration: 6 * time.Second,
	},
	{
		name:    "GOAWAY, refusals and silence",
		streams: 200, http2: true, period: 100 * time.Millisecond, idle: time.Second,
		backend: framed,
		faults: []fault{
			drain, cutAll, behave(http2server.GoAway), behave(http2server.Refuse),
			behave(http2server.Unavailable), behave(http2server.Empty), silence,
		},
		pause: 200 * time.Millisecond, duration: 20 * time.Second,
	},
	{
		name:    "SIGKILL and blackholes",
		streams: 10000, http2: true, period: 2 * time.Second, idle: 5 * time.Second,
		backend: proxied, faults: []fault{kill, hold, drop},
		pause: time.Second, duration: 30 * time.Second,
	},
}

// direct starts a server as a child process.
func direct(r *run) error {
	r.server = &child.Server{Addr: "127.0.0.1:0", Log: r.log}
	p, err := r.server.StartServer()
	if err != nil {
		return err
	}
	r.process, r.addr = p, r.server.Addr
	return nil
}

// proxied starts a server as a child process, and a proxy in front of it.
func proxied(r *run) error {
	if err := direct(r); err != nil {
		return err
	}
	p, err := faultproxy.Start(r.server.Addr)
	if err != nil {
		return err
	}
	r.proxy, r.addr = p, p.Addr()
	return nil
}

// framed starts an http2server.Server in this process.
func framed(r *run) error {
	log := new(eventlog.Log)
	s, err := http2server.Start(log, false)
	if err != nil {
		return err
	}
	go log.Follow(r.log, nil)
	r.frames, r.addr = s, s.Addr()
	return nil
}

// cut delays the bytes of all connections, and closes or resets each connection after a random
// number of bytes, for two seconds. It returns the number of connections that were cut.
func cut(r *run) (int, error) {
	var mu sync.Mutex // a Rand is not safe for concurrent use
	random := rand.New(rand.NewPCG(1, uint64(r.retries.Load())))
	r.proxy.SetDelay(func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(50) == 0 {
			return 200 * time.Millisecond // until TCP sends a lost packet again
		}
		return time.Duration(random.IntN(5000)) * time.Microsecond
	})
	r.proxy.SetLimit(func(int) (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(5000), random.IntN(2) == 0
	})
	before := r.retries.Load()
	r.proxy.Reset()
	<-time.After(2 * time.Second)
	r.proxy.SetLimit(nil)
	r.proxy.Reset() // also the connections that have a limit
	r.proxy.SetDelay(nil)
	return int(r.retries.Load() - before), nil
}

func hold(r *run) (int, error) { return r.outage((*faultproxy.Proxy).Hold) }
func drop(r *run) (int, error) { return r.outage((*faultproxy.Proxy).Drop) }

// outage begins a blackhole with begin, and ends it after two idle timeouts.
func (r *run) outage(begin func(*faultproxy.Proxy)) (int, error) {
	begin(r.proxy)
	<-time.After(2 * r.idle)
	r.proxy.Resume()
	return 1, nil
}

// kill kills the server process and starts another at the same address after up to a second.
func kill(r *run) (int, error) {
	r.process.Kill()
	<-time.After(rand.N(time.Second))
	p, err := r.server.StartServer()
	if err != nil {
		return 0, err
	}
	r.process = p
	return 1, nil
}

// suspend suspends the server process for longer than the idle timeout.
func suspend(r *run) (int, error) {
	if err := r.process.Suspend(); err != nil {
		return 0, err
	}
	<-time.After(r.idle * 3 / 2)
	return 1, r.process.Continue()
}

// drain ends all streams and connections with GOAWAY.
func drain(r *run) (int, error) {
	r.frames.Drain()
	return 1, nil
}

// cutAll closes all connections.
func cutAll(r *run) (int, error) {
	r.frames.Cut()
	return 1, nil
}

// behave returns a fault: all connections are closed, and for two seconds the server responds to
// all requests with b.
func behave(b http2server.Behavior) fault {
	return func(r *run) (int, error) {
		r.frames.SetBehavior(b)
		r.frames.Cut()
		<-time.After(2 * time.Second)
		r.frames.SetBehavior(http2server.Serve)
		return 1, nil
	}
}

// silence makes the server fall silent for longer than the idle timeout.
func silence(r *run) (int, error) {
	r.frames.Silence()
	<-time.After(r.idle * 3 / 2)
	r.frames.Resume()
	return 1, nil
}
