package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A manyServer sends one event per second to each stream. The number of an event is its ID, and the
// time when it is due follows from its number, so that a restarted server can replay the events
// that a stream has missed, without storing any.
type manyServer struct {
	streams int
	events  int           // per stream
	started chan struct{} // closed when begin is set
	begin   time.Time     // when the first event of the first stream is due

	mu      sync.Mutex
	listens time.Time
	arrived map[int]bool // the streams that have sent a request
	result  arrivals
}

// arrivals says when each stream has sent its first request.
type arrivals struct {
	Arrived int     // the number of streams
	Last    float64 // when the last stream arrived, in seconds after the start of the server
	Bins    []int   // the number of streams that arrived in each period of arrivalBin
}

const arrivalBin = 100 * time.Millisecond

// anyAddress makes a manyServer choose its address.
const anyAddress = "any"

// serveMany is the role of the server of many streams. Its arguments are the address, the number of
// streams, the number of events of each stream, and the time when the events begin, which is zero
// if the command "start" sets it. It prints its address.
func serveMany(args []string) {
	s := &manyServer{started: make(chan struct{}), arrived: map[int]bool{}}
	s.streams, _ = strconv.Atoi(args[1])
	s.events, _ = strconv.Atoi(args[2])
	if args[3] != "0" {
		s.start(args[3])
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{stream}", s.serve)
	l := s.listen(args[0])
	printJSON(l.Addr().String())
	go newServer(mux).Serve(l)
	commands(func(words []string) any {
		if words[0] == "start" {
			s.start(words[1])
			return nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.result
	})
}

// listen listens on addr. The port of anyAddress is one that the system does not give to clients,
// because one of them could otherwise take it while the server is down.
func (s *manyServer) listen(addr string) net.Listener {
	port, _ := ephemeralPorts()
	for {
		try := addr
		if addr == anyAddress {
			port--
			try = fmt.Sprintf("127.0.0.1:%d", port)
		}
		l, err := net.Listen("tcp", try)
		if err == nil {
			s.listens = time.Now()
			return l
		}
		if addr != anyAddress || port == 1024 {
			panic(err)
		}
	}
}

func (s *manyServer) start(unixNano string) {
	n, _ := strconv.ParseInt(unixNano, 10, 64)
	s.begin = time.Unix(0, n)
	close(s.started)
}

// serve sends the events after the Last-Event-ID of the request. Without it, it sends event 0 at
// once, so that the client knows that the stream is open.
func (s *manyServer) serve(w http.ResponseWriter, r *http.Request) {
	stream, _ := strconv.Atoi(r.PathValue("stream"))
	s.record(stream)
	w.Header().Set("Content-Type", "text/event-stream")
	next := 0
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		next, _ = strconv.Atoi(last)
		next++
	}
	send := func() {
		fmt.Fprintf(w, "id: %d\ndata: {\"number\":%d,\"text\":%q}\n\n", next, next, manyText)
		w.(http.Flusher).Flush()
		next++
	}
	w.(http.Flusher).Flush()
	if next == 0 {
		send()
	}
	select {
	case <-s.started:
	case <-r.Context().Done():
		return
	}
	// The streams take turns, so that the load is even.
	first := s.begin.Add(time.Duration(stream) * time.Second / time.Duration(s.streams))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next <= s.events {
		timer.Reset(time.Until(first.Add(time.Duration(next-1) * time.Second)))
		select {
		case <-timer.C:
			send()
		case <-r.Context().Done():
			return
		}
	}
	<-r.Context().Done()
}

var manyText = strings.Repeat("all work and no play ", 5)

// record records a request of a stream.
func (s *manyServer) record(stream int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arrived[stream] {
		return
	}
	s.arrived[stream] = true
	s.result.Arrived++
	at := time.Since(s.listens)
	s.result.Last = at.Seconds()
	for len(s.result.Bins) <= int(at/arrivalBin) {
		s.result.Bins = append(s.result.Bins, 0)
	}
	s.result.Bins[at/arrivalBin]++
}
