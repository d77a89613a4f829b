package main

import (
	"bufio"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"

	"github.com/seed-0d85b69d/sse"
)

// An idleRun is a number of open streams without events.
type idleRun struct {
	label   string
	client  string // "response", "bufio", "stream", "all" or the name of a library
	options []string
	streams int
	size    int // of the data of the only event
}

// idleRuns returns all runs. The first is what the others are compared with.
func (p *plan) idleRuns() []idleRun {
	run := func(label, client string, options ...string) idleRun {
		return idleRun{label, client, options, p.idleStreams, 100}
	}
	runs := []idleRun{
		run("open response, no reader", "response"),
		run("open response, `bufio.Reader`", "bufio"),
		run("this library, `Reader`", "borrowed"),
		run("this library, `Stream.Next`", "stream"),
		run("this library, `Stream.All`", "all"),
	}
	for _, l := range libraries {
		if l.isPeer() {
			runs = append(runs, run(l.name, l.name))
		}
	}
	few := func(label string, size int) idleRun {
		return idleRun{label, "stream", nil, p.bigStreams, size}
	}
	return append(runs,
		run("`Stream`, transport buffers of 1 KiB", "stream", "small"),
		run("`Stream`, gzip", "stream", "gzip"),
		few("`Stream`, few", 100),
		few("`Stream`, few, after an event of 16 MiB", p.bigEvent))
}

// An idleCost is the cost of one open stream without events.
type idleCost struct {
	Label      string
	Streams    int
	KiB        float64 // heap and stacks
	Ratio      float64 // to the first run
	Goroutines float64
}

// measureIdle measures each run in its own process.
func (p *plan) measureIdle(url string) (costs []idleCost) {
	for _, run := range p.idleRuns() {
		args := []any{url, run.client, run.streams, run.size}
		for _, option := range run.options {
			args = append(args, option)
		}
		holder := start("idle", args...)
		var c idleCost
		holder.receive(&c)
		holder.stop()
		c.Label, c.Streams = run.label, run.streams
		costs = append(costs, c)
		costs[len(costs)-1].Ratio = c.KiB / costs[0].KiB
	}
	return costs
}

// holdStreams is the role of the process that holds idle streams. It prints their idleCost.
func holdStreams(args []string) {
	url, client, options := args[0], args[1], args[4:]
	streams, _ := strconv.Atoi(args[2])
	url += "/idle/" + args[3]

	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	if slices.Contains(options, "small") {
		transport.ReadBufferSize, transport.WriteBufferSize = 1<<10, 1<<10
	}
	if slices.Contains(options, "gzip") {
		transport.DisableCompression = false
		url += "?gzip"
	}
	c := &http.Client{Transport: transport}

	held := make([]any, 0, streams)
	before, goroutines := memory(), runtime.NumGoroutine()
	ready := make(chan struct{})
	for range streams {
		held = append(held, openIdle(c, url, client, ready))
	}
	n := float64(streams)
	printJSON(idleCost{
		KiB:        float64(memory()-before) / 1024 / n,
		Goroutines: float64(runtime.NumGoroutine()-goroutines) / n,
	})
	runtime.KeepAlive(held)
}

// openIdle opens a stream and returns a value that must be kept alive, if any. If the stream has a
// reader, openIdle waits until the reader sends to ready after the first event.
func openIdle(c *http.Client, url, client string, ready chan struct{}) (held any) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	arrived := func() { ready <- struct{}{} }
	switch client {
	case "stream":
		s := (&sse.Client{HTTPClient: c}).Stream(req)
		go func() {
			for s.Next() {
				arrived()
			}
		}()
	case "all":
		s := (&sse.Client{HTTPClient: c}).Stream(req)
		go func() {
			for range s.All() {
				arrived()
			}
		}()
	default:
		resp, err := c.Do(req)
		if err != nil {
			panic(err)
		}
		switch client {
		case "response":
			return resp
		case "bufio":
			go readBlankLines(resp.Body, arrived)
		default:
			l := findLibrary(client)
			go l.run(resp.Body, func(id, typ, data string) { arrived() })
		}
	}
	<-ready
	return nil
}

// readBlankLines reads lines with a bufio.Reader and calls onBlank for each blank line.
func readBlankLines(body io.Reader, onBlank func()) {
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) == 1 {
			onBlank()
		}
	}
}

// memory returns the size of the heap and the stacks in use after garbage collection. There are
// several collections, because each halves a stack only once.
func memory() int64 {
	for range 5 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
