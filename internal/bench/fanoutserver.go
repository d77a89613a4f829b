package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	launchdarkly "github.com/launchdarkly/eventsource"
	r3labs "github.com/r3labs/sse/v2"
	"github.com/seed-0d85b69d/sse"
	tmaxmax "github.com/tmaxmax/go-sse"
)

// A fanoutServer sends each event to all of its clients.
type fanoutServer struct {
	name string

	// start returns the handler of the server and a function that sends data to all clients.
	start func() (handler http.Handler, publish func(data string))
}

// fanoutServers begins with this library. The servers store no events for later clients.
var fanoutServers = []fanoutServer{
	{"sse", func() (http.Handler, func(string)) {
		h := newHub()
		return h, h.publish
	}},
	{"r3labs", func() (http.Handler, func(string)) {
		s := r3labs.New()
		s.AutoReplay = false
		s.CreateStream(channel)
		return s, func(data string) { s.Publish(channel, &r3labs.Event{Data: []byte(data)}) }
	}},
	{"tmaxmax", func() (http.Handler, func(string)) {
		s := new(tmaxmax.Server)
		return s, func(data string) {
			m := new(tmaxmax.Message)
			m.AppendData(data)
			if err := s.Publish(m); err != nil {
				panic(err)
			}
		}
	}},
	{"launchdarkly", func() (http.Handler, func(string)) {
		s := launchdarkly.NewServer()
		return s.Handler(channel), func(data string) {
			s.Publish([]string{channel}, launchdarklyEvent(data))
		}
	}},
}

const channel = "all"

type launchdarklyEvent string

func (e launchdarklyEvent) Id() string    { return "" }
func (e launchdarklyEvent) Event() string { return "" }
func (e launchdarklyEvent) Data() string  { return string(e) }

// A hub is a server with one Writer per client. Its events are in a list, which each client reads
// at its own pace.
type hub struct {
	mu     sync.Mutex
	events []sse.Event
	more   chan struct{} // closed when there is another event
}

func newHub() *hub { return &hub{more: make(chan struct{})} }

func (h *hub) publish(data string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, sse.Event{Data: data})
	close(h.more)
	h.more = make(chan struct{})
}

// from returns the events from number n on, and a channel that is closed when there are more.
func (h *hub) from(n int) (events []sse.Event, more chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events[n:], h.more
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, _ := h.from(0)
	next := len(all)
	out, err := sse.NewWriter(w, r)
	if err != nil {
		panic(err)
	}
	defer out.Close()
	for {
		events, more := h.from(next)
		for _, e := range events {
			if out.Send(e) != nil {
				return // the client has disconnected
			}
		}
		next += len(events)
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
	}
}

// serveFanout is the role of a server of fanoutServers, whose name is the argument. The command
// "publish" has the number of the first event and the number of events.
func serveFanout(args []string) {
	for _, s := range fanoutServers {
		if s.name == args[0] {
			handler, publish := s.start()
			go http.Serve(listen(), handler)
			commands(func(words []string) any {
				if words[0] == "cpu" {
					return cpu()
				}
				first, _ := strconv.Atoi(words[1])
				count, _ := strconv.Atoi(words[2])
				for i := range count {
					publish(fanoutData(first + i))
				}
				return nil
			})
		}
	}
}

// fanoutData returns the data of an event.
func fanoutData(number int) string {
	return fmt.Sprintf(`{"number":%d,"text":"%s"}`, number, fanoutText)
}

var fanoutText = strings.Repeat("etaoin shrdlu ", 14)
