package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// role is the environment variable of the processes that this command starts from its own
// executable. It is "server", or "idle" and the arguments of holdStreams.
const role = "SSE_BENCH_ROLE"

// subprocess returns a command that runs this executable in another role.
func subprocess(args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), role+"="+strings.Join(args, " "))
	cmd.Stderr = os.Stderr
	return cmd
}

// startServer starts the server in its own process, so that its CPU time and memory do not count.
// The server ends with this process.
func startServer() (url string, stop func()) {
	cmd := subprocess("server")
	in, err := cmd.StdinPipe()
	if err != nil {
		panic(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	url, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(url), func() {
		in.Close()
		cmd.Wait()
	}
}

// serve is the main function of the server.
func serve() {
	bodies := map[string][]byte{}
	for _, w := range workloads {
		bodies[w.name] = w.stream().bytes
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/all/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush() // so that the body is chunked, like that of a stream
		for part := range slices.Chunk(bodies[r.PathValue("name")], 32<<10) {
			w.Write(part)
		}
	})
	mux.HandleFunc("/each/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rest := bodies[r.PathValue("name")]
		for len(rest) > 0 {
			n := bytes.Index(rest, []byte("\n\n")) + 2
			w.Write(rest[:n])
			w.(http.Flusher).Flush()
			rest = rest[n:]
		}
	})
	mux.HandleFunc("/idle/{first}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		first, _ := strconv.Atoi(r.PathValue("first"))
		event := slices.Concat([]byte("data: "), bytes.Repeat([]byte("x"), first), []byte("\n\n"))
		if r.URL.Query().Has("gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(event)
			z.Flush()
		} else {
			w.Write(event)
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, mux)
	fmt.Printf("http://%s\n", l.Addr())
	io.Copy(io.Discard, os.Stdin)
}

// A transfer is the CPU time of the client for a stream over HTTP, divided by that of io.Copy for
// the same body.
type transfer struct {
	Name  string
	Ratio map[string]float64
}

// transferClients are the clients that are compared over HTTP. The client "stream" is Client.Stream
// with Event.
var transferClients = []string{"borrowed", "strings", "stream", "openai"}

// transfers measures all transfers.
func transfers(url string, rounds int) []transfer {
	var all []transfer
	for _, w := range workloads {
		if w.piece == 0 {
			all = append(all, measureTransfer(w.name, url+"/all/"+w.name, rounds))
		}
	}
	return append(all, measureTransfer("llm, each event flushed", url+"/each/llm", rounds))
}

// measureTransfer measures the transfer of one URL.
func measureTransfer(name, url string, rounds int) transfer {
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
		}
		for _, l := range libraries {
			if l.name == name {
				e.run = get(func(body io.Reader) { l.run(body, nil) })
			}
		}
		entries = append(entries, e)
	}
	takeSamples(entries, rounds)
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

// An idleCost is the cost of one open stream without events.
type idleCost struct {
	Name       string
	KiB        float64 // heap and stacks
	Goroutines float64
}

// idleClients are the clients whose idle streams are measured. All but "response" have a goroutine
// that reads.
var idleClients = []string{
	"response", "raw", "borrowed", "stream", "openai", "anthropic", "tmaxmax", "launchdarkly",
	"donovanhide", "r3labs", "jetify",
}

const (
	idleStreams = 2000
	bigStreams  = 50
	bigEvent    = 16 << 20
)

// measureIdle measures one client in its own process.
func measureIdle(url, name string, streams, first int, options ...string) idleCost {
	args := []string{"idle", url, name, strconv.Itoa(streams), strconv.Itoa(first)}
	out, err := subprocess(append(args, options...)...).Output()
	if err != nil {
		panic(fmt.Sprintf("idle %s: %v", name, err))
	}
	var c idleCost
	if err := json.Unmarshal(out, &c); err != nil {
		panic(err)
	}
	return c
}

// holdStreams is the main function of the process that holds idle streams. It prints their cost.
func holdStreams(url, name, count, first string, options []string) {
	streams, err := strconv.Atoi(count)
	if err != nil {
		panic(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if slices.Contains(options, "small") {
		transport.ReadBufferSize, transport.WriteBufferSize = 1<<10, 1<<10
	}
	client := &http.Client{Transport: transport}
	url += "/idle/" + first
	if slices.Contains(options, "gzip") {
		url += "?gzip"
	}
	transport.DisableCompression = !slices.Contains(options, "gzip")

	held := make([]any, 0, streams)
	before, goroutines := memory(), runtime.NumGoroutine()
	ready := make(chan struct{})
	for range streams {
		held = append(held, openIdle(client, url, name, ready))
	}
	c := idleCost{Name: name, KiB: float64(memory()-before) / 1024 / float64(streams)}
	c.Goroutines = float64(runtime.NumGoroutine()-goroutines) / float64(streams)
	json.NewEncoder(os.Stdout).Encode(c)
	runtime.KeepAlive(held)
}

// openIdle opens a stream and returns a value that must be kept alive, if any. If the stream has a
// reader, openIdle waits until the reader sends to ready after the first event.
func openIdle(client *http.Client, url, name string, ready chan struct{}) (held any) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	if name == "stream" {
		s := (&sse.Client{HTTPClient: client}).Stream(req)
		go func() {
			for s.Next() {
				ready <- struct{}{}
			}
		}()
		<-ready
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		panic(err)
	}
	switch name {
	case "response":
		return resp
	case "raw":
		go readBlankLines(resp.Body, func() { ready <- struct{}{} })
	default:
		for _, l := range libraries {
			if l.name == name {
				go l.run(resp.Body, func(id, typ, data string) { ready <- struct{}{} })
			}
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

// measureLatency measures the median time from a flush to the delivery of the event. It returns the
// ratio of this library to a client that reads lines.
func measureLatency(rounds int) (ratio float64) {
	const events = 1000
	start := time.Now()
	var sent atomic.Int64 // time since start
	received := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event := []byte("data: " + strings.Repeat("x", 200) + "\n\n")
		for range events {
			sent.Store(int64(time.Since(start)))
			w.Write(event)
			w.(http.Flusher).Flush()
			<-received
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	go http.Serve(l, mux)
	url := "http://" + l.Addr().String()

	var samples []float64
	arrived := func() {
		samples = append(samples, float64(int64(time.Since(start))-sent.Load()))
		received <- struct{}{}
	}
	var ratios []float64
	for range rounds {
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
