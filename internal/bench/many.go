package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A manyRun is a number of streams in one process.
type manyRun struct {
	client    string // of manyClients
	transport string // of manyTransports
	streams   int
}

// The transports are that of net/http with its defaults, the same with buffers of 1 KiB, and HTTP/2
// without TLS.
const (
	http1      = "http1"
	http1Small = "http1-small"
	http2      = "http2"
)

var manyTransports = []string{http1, http1Small, http2}

// A manyCost is the result of a manyRun.
type manyCost struct {
	Client, Transport string
	Streams           int

	Open       float64 // microseconds of CPU time to open a stream
	RSS        float64 // KiB per stream
	Memory     float64 // heap and stacks, in KiB per stream
	Goroutines float64 // per stream
	Idle       float64 // CPU time without events, as a fraction of one core
	Event      float64 // microseconds of CPU time for an event

	arrivals // of the reconnecting streams
	deliveries
}

// A manySample says how much a client has done so far.
type manySample struct {
	CPU      time.Duration
	Received int // events
}

// reconnectTimeout is how long to wait until all streams have reconnected.
const reconnectTimeout = 20 * time.Second

// run opens the streams, leaves them idle, sends events, and restarts the server while the events
// continue.
func (run manyRun) run(p *plan) manyCost {
	// The events continue until the streams have had time to reconnect.
	events := int((p.active+p.down)/time.Second) + 3
	var addr string
	server := start("many-server", anyAddress, run.streams, events, 0)
	server.receive(&addr)
	client := start("many-client", run.client, run.transport, addr, run.streams, events)
	cost := manyCost{Client: run.client, Transport: run.transport, Streams: run.streams}
	client.receive(&cost)

	spend := func(period time.Duration) (cpu time.Duration, events int) {
		var before, after manySample
		client.ask(&before, "sample")
		time.Sleep(period)
		client.ask(&after, "sample")
		return after.CPU - before.CPU, after.Received - before.Received
	}
	cpu, _ := spend(p.idle)
	cost.Idle = float64(cpu) / float64(p.idle)
	begin := time.Now().UnixNano()
	server.send("start", begin)
	cpu, n := spend(p.active)
	cost.Event = float64(cpu.Microseconds()) / float64(max(n, 1))

	server.kill()
	time.Sleep(p.down)
	server = start("many-server", addr, run.streams, events, begin)
	server.receive(&addr)
	for end := time.Now().Add(reconnectTimeout); time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		if server.ask(&cost.arrivals, "arrivals"); cost.Arrived == run.streams {
			break
		}
	}
	client.ask(&cost.deliveries, "deliveries")
	client.stop()
	server.stop()
	return cost
}

// measureMany measures all runs. In a quick plan they run at the same time.
func (p *plan) measureMany() []manyCost {
	costs := make([]manyCost, len(p.many))
	var running sync.WaitGroup
	for i, run := range p.many {
		running.Go(func() { costs[i] = run.run(p) })
		if !p.quick {
			running.Wait()
		}
	}
	running.Wait()
	return costs
}

// ephemeralPorts returns the ports that the system gives to clients.
func ephemeralPorts() (first, last int) {
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if n, _ := fmt.Sscan(string(b), &first, &last); n == 2 {
			return first, last
		}
	}
	return 32768, 60999
}

// checkLimits returns an error if the system does not allow as many connections as the plan needs.
// Go has raised the soft limit of open files to the hard limit.
func (p *plan) checkLimits() error {
	need := 0
	if p.has("many") {
		for _, run := range p.many {
			need = max(need, run.streams)
		}
	}
	if p.has("writer") {
		need = max(need, len(fanoutServers)*p.clients[len(p.clients)-1])
	}
	need += 200 // other files, and connections that are being closed

	var problems []string
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur < uint64(need) {
		problems = append(problems, fmt.Sprintf(
			"a process may open %d files and needs %d: raise the hard limit (ulimit -H -n)",
			limit.Cur, need))
	}
	if first, last := ephemeralPorts(); last-first < need {
		problems = append(problems, fmt.Sprintf(
			"there are %d ephemeral ports and %d are needed: widen net.ipv4.ip_local_port_range",
			last-first+1, need))
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	return nil
}
