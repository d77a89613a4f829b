package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	launchdarkly "github.com/launchdarkly/eventsource"
	"github.com/seed-0d85b69d/sse"
	tmaxmax "github.com/tmaxmax/go-sse"
)

// A manyClient follows a stream in the usual way of a library, with its defaults, and calls onEvent
// with the ID of each event. It returns only if the library gives up.
type manyClient struct {
	name   string
	follow func(c *http.Client, req *http.Request, onEvent func(id string)) error
}

// manyClients begins with this library.
var manyClients = []manyClient{
	{"sse", func(c *http.Client, req *http.Request, onEvent func(id string)) error {
		s := (&sse.Client{HTTPClient: c}).Stream(req)
		for s.Next() {
			onEvent(s.Event().ID)
		}
		return s.Err()
	}},
	{"tmaxmax", func(c *http.Client, req *http.Request, onEvent func(id string)) error {
		conn := (&tmaxmax.Client{HTTPClient: c}).NewConnection(req)
		conn.SubscribeMessages(func(e tmaxmax.Event) { onEvent(e.LastEventID) })
		return conn.Connect()
	}},
	{"launchdarkly", func(c *http.Client, req *http.Request, onEvent func(id string)) error {
		s, err := launchdarkly.SubscribeWithRequestAndOptions(req,
			launchdarkly.StreamOptionHTTPClient(c),
			launchdarkly.StreamOptionErrorHandler(
				func(error) (r launchdarkly.StreamErrorHandlerResult) { return r }))
		if err != nil {
			return err
		}
		for e := range s.Events {
			onEvent(e.(launchdarkly.EventWithLastID).LastEventID())
		}
		return nil
	}},
}

// deliveries says which events have arrived.
type deliveries struct {
	Received   int
	Lost       int // events that a stream has skipped, or not received in the end
	Duplicates int // events that a stream has received again
}

// A follower counts the events of one stream.
type follower struct {
	next                       atomic.Int64 // the number of the next event
	received, lost, duplicates atomic.Int64
}

func (f *follower) onEvent(id string) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("the event has the ID %q", id))
	}
	next := f.next.Load()
	if n < next {
		f.duplicates.Add(1)
		return
	}
	f.lost.Add(n - next)
	f.received.Add(1)
	f.next.Store(n + 1)
}

// concurrentOpens is how many streams are being opened at the same time.
const concurrentOpens = 64

// followMany is the role of the client of many streams. Its arguments are the client, the
// transport, the address of the server, the number of streams and the number of events of each
// stream. It prints a manyCost when all streams are open.
func followMany(args []string) {
	var follow func(*http.Client, *http.Request, func(id string)) error
	for _, c := range manyClients {
		if c.name == args[0] {
			follow = c.follow
		}
	}
	c := &http.Client{Transport: manyTransport(args[1])}
	streams, _ := strconv.Atoi(args[3])
	events, _ := strconv.Atoi(args[4])

	followers := make([]follower, streams)
	opening := make(chan struct{}, concurrentOpens)
	before, rss, goroutines := memory(), residentMemory(), runtime.NumGoroutine()
	used := cpu()
	for i := range followers {
		opening <- struct{}{}
		req, err := http.NewRequest("GET", fmt.Sprintf("http://%s/%d", args[2], i), nil)
		if err != nil {
			panic(err)
		}
		go func() {
			err := follow(c, req, func(id string) {
				if followers[i].onEvent(id); id == "0" {
					<-opening
				}
			})
			panic(fmt.Sprintf("%s has given up: %v", args[0], err))
		}()
	}
	for range concurrentOpens {
		opening <- struct{}{}
	}
	n := float64(streams)
	printJSON(manyCost{
		Client: args[0], Transport: args[1], Streams: streams,
		Open:       float64((cpu() - used).Microseconds()) / n,
		Memory:     float64(memory()-before) / 1024 / n,
		RSS:        float64(residentMemory()-rss) / 1024 / n,
		Goroutines: float64(runtime.NumGoroutine()-goroutines) / n,
	})
	commands(func(words []string) any {
		if words[0] == "sample" {
			sample := manySample{CPU: cpu()}
			for i := range followers {
				sample.Received += int(followers[i].received.Load())
			}
			return sample
		}
		return awaitDeliveries(followers, events)
	})
	os.Exit(0) // the streams continue until then
}

// manyTransport returns a transport of manyTransports.
func manyTransport(name string) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	switch name {
	case http1Small:
		t.ReadBufferSize, t.WriteBufferSize = 1<<10, 1<<10
	case http2:
		t.Protocols = new(http.Protocols)
		t.Protocols.SetUnencryptedHTTP2(true)
	}
	return t
}

// awaitDeliveries waits until each stream has received all of its events, but not forever.
func awaitDeliveries(followers []follower, events int) (d deliveries) {
	end := time.Now().Add(reconnectTimeout)
	for i := range followers {
		f := &followers[i]
		for int(f.next.Load()) <= events && time.Now().Before(end) {
			time.Sleep(10 * time.Millisecond)
		}
		d.Received += int(f.received.Load())
		d.Lost += int(f.lost.Load()) + max(0, events+1-int(f.next.Load()))
		d.Duplicates += int(f.duplicates.Load())
	}
	return d
}

// residentMemory returns the resident memory of this process after freed memory has been returned
// to the system, or zero if the system does not report it.
func residentMemory() int {
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(b))[1])
	return pages * os.Getpagesize()
}
