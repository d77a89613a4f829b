package main

import (
	"io"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A transfer is the CPU time of each client for a stream over HTTP, divided by that of io.Copy for
// the same body.
type transfer struct {
	Name  string
	Ratio map[string]float64
}

// transferClients are the clients that are compared over HTTP. The client "stream" is Client.Stream
// with Event.
var transferClients = []string{"borrowed", "strings", "stream", "openai"}

// transferWorkloads are the workloads that are compared over HTTP.
var transferWorkloads = []string{"llm", "anthropic", "ticks", "wiki", "multiline", "big", "utf8"}

// measureTransfers measures all transfers.
func (p *plan) measureTransfers(url string) (all []transfer) {
	for _, name := range transferWorkloads {
		all = append(all, p.measureTransfer(name, url+"/all/"+name))
	}
	return append(all, p.measureTransfer("llm, each event flushed", url+"/each/llm"))
}

// measureTransfer measures the transfer of one URL.
func (p *plan) measureTransfer(name, url string) transfer {
	get := func(read func(body io.Reader)) func() {
		return func() {
			resp, err := http.Get(url)
			if err != nil {
				panic(err)
			}
			defer resp.Body.Close()
			read(resp.Body)
		}
	}
	copyBody := func(body io.Reader) { io.Copy(io.Discard, body) }
	base := &entry{name: "io.Copy", work: 1, run: get(copyBody)}
	entries := []*entry{base}
	for _, name := range transferClients {
		e := &entry{name: name, work: 1}
		if name == "stream" {
			e.run = func() { runStream(url, nil) }
		} else {
			l := findLibrary(name)
			e.run = get(func(body io.Reader) { l.run(body, nil) })
		}
		entries = append(entries, e)
	}
	p.takeSamples(entries)
	d := transfer{Name: name, Ratio: map[string]float64{}}
	for _, e := range entries[1:] {
		d.Ratio[e.name] = medianRatio(e, base)
	}
	return d
}

// runStream reads a stream until the end of its first connection.
func runStream(url string, onEvent func(sse.Event)) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	var s *sse.Stream
	c := sse.Client{OnRetry: func(error, time.Duration) { s.Close() }}
	s = c.Stream(req)
	defer s.Close()
	for s.Next() {
		e := s.Event()
		if onEvent != nil {
			onEvent(e)
		}
	}
}
