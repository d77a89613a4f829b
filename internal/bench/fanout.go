package main

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A fanoutCost is the result of one server with a number of clients.
type fanoutCost struct {
	Server  string
	Clients int

	Rate     float64 // events per second that all clients have received
	CPU      float64 // microseconds of CPU time of the server per event and client
	Ratio    float64 // of that time to that of the first server
	Expected int     // events for all clients
	Received int     // of these, in order and unchanged
}

const (
	// fanoutBatch is how many events are published at a time. The next follow when all clients have
	// received them. It is less than the 128 events that a client of launchdarkly may be behind
	// before it is disconnected.
	fanoutBatch = 64

	// fanoutTimeout is how long to wait for the events of a batch.
	fanoutTimeout = 10 * time.Second
)

// measureFanout measures all servers with each number of clients.
func (p *plan) measureFanout() (costs []fanoutCost) {
	for _, clients := range p.clients {
		costs = append(costs, p.measureServers(clients)...)
	}
	return costs
}

// measureServers measures all servers with a number of clients. The servers take turns.
func (p *plan) measureServers(clients int) (costs []fanoutCost) {
	var runs []*fanoutRun
	for _, s := range fanoutServers {
		run := startFanout(s.name, clients)
		defer run.stop()
		runs = append(runs, run)
	}
	for round := range p.rounds {
		for i := range runs {
			i = (i + round) % len(runs)
			if !runs[i].failed {
				runs[i].publish(p.publish)
			}
		}
	}
	if runs[0].failed {
		panic("the server of this library has lost events")
	}
	for _, run := range runs {
		c := fanoutCost{
			Server: run.name, Clients: clients,
			Expected: run.published * clients, Received: int(run.received.Load()),
		}
		if !run.failed {
			c.Rate = median(run.rates)
			c.CPU = median(run.cpu.samples)
			c.Ratio = medianRatio(&run.cpu, &runs[0].cpu)
		}
		costs = append(costs, c)
	}
	return costs
}

// A fanoutRun is a server in its own process, and its clients in this process.
type fanoutRun struct {
	name      string
	server    *process
	transport *http.Transport
	clients   int
	published int       // events
	rates     []float64 // events per second
	cpu       entry     // microseconds of CPU time of the server per event and client
	failed    bool      // events are missing

	received atomic.Int64  // correct events of all clients
	awaited  atomic.Int64  // the value of received that completes the batch
	complete chan struct{} // receives when it does
}

// startFanout starts a server, and waits until all clients receive events.
func startFanout(name string, clients int) *fanoutRun {
	run := &fanoutRun{
		name: name, server: start("fanout", name), clients: clients,
		transport: &http.Transport{DisableCompression: true},
		complete:  make(chan struct{}, 1),
	}
	var url string
	run.server.receive(&url)
	ready := make(chan struct{}, clients)
	for range clients {
		go run.follow(url+"/?stream="+channel, ready)
	}
	// Some servers send no header before the first event, and none of them says when it has added
	// a client. So event 0 is sent until every client has received it.
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for left := clients; left > 0; {
		select {
		case <-ready:
			left--
		case <-tick.C:
			run.server.send("publish", 0, 1)
		}
	}
	return run
}

// follow reads the events of one client. Their numbers and data must be correct.
func (run *fanoutRun) follow(url string, ready chan<- struct{}) {
	resp, err := (&http.Client{Transport: run.transport}).Get(url)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	r := sse.NewReader(resp.Body)
	zero := fanoutData(0)
	next, want := 0, zero
	for r.Next() {
		if next <= 1 && string(r.Data()) == zero {
			if next == 0 {
				next, want = 1, fanoutData(1)
				ready <- struct{}{}
			}
			continue
		}
		if string(r.Data()) != want {
			return // the events are incomplete or wrong, and the batch will not be complete
		}
		next++
		want = fanoutData(next)
		if run.received.Add(1) == run.awaited.Load() {
			run.complete <- struct{}{}
		}
	}
}

// publish publishes batches of events for the duration, at least one, and takes a sample of the
// rate and of the CPU time.
func (run *fanoutRun) publish(d time.Duration) {
	var before, after time.Duration
	run.server.ask(&before, "cpu")
	first, begin := run.published, time.Now()
	for {
		run.awaited.Store(int64((run.published + fanoutBatch) * run.clients))
		run.server.send("publish", run.published+1, fanoutBatch)
		run.published += fanoutBatch
		select {
		case <-run.complete:
		case <-time.After(fanoutTimeout):
			run.failed = true
			return
		}
		if time.Since(begin) >= d {
			break
		}
	}
	seconds := time.Since(begin).Seconds()
	run.server.ask(&after, "cpu")
	events := float64(run.published - first)
	run.rates = append(run.rates, events/seconds)
	used := max(after-before, time.Microsecond)
	run.cpu.samples = append(run.cpu.samples,
		float64(used.Microseconds())/events/float64(run.clients))
}

func (run *fanoutRun) stop() {
	run.server.stop()
	run.transport.CloseIdleConnections()
}
