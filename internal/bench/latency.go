package main

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// measureLatency measures the median time from a flush to the delivery of the event. It returns the
// ratio of a Stream to a client that reads lines.
func (p *plan) measureLatency() (ratio float64) {
	start := time.Now()
	var sent atomic.Int64 // time since start
	received := make(chan struct{})
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event := []byte("data: " + strings.Repeat("x", 200) + "\n\n")
		for range p.latency {
			sent.Store(int64(time.Since(start)))
			w.Write(event)
			w.(http.Flusher).Flush()
			<-received
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(handler))
	url := "http://" + l.Addr().String()

	var samples []float64
	arrived := func() {
		samples = append(samples, float64(int64(time.Since(start))-sent.Load()))
		received <- struct{}{}
	}
	var ratios []float64
	for range p.rounds {
		medians := map[bool]float64{}
		for _, ours := range []bool{false, true, true, false} {
			samples = samples[:0]
			if ours {
				runStream(url, func(sse.Event) { arrived() })
			} else {
				scanStream(url, arrived)
			}
			medians[ours] += median(samples)
		}
		ratios = append(ratios, medians[true]/medians[false])
	}
	return median(ratios)
}

// scanStream reads a stream with a bufio.Scanner and calls onBlank for each blank line.
func scanStream(url string, onBlank func()) {
	resp, err := http.Get(url)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			onBlank()
		}
	}
}
