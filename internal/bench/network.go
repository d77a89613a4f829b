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

// role is set for the processes that the command starts from itself: "server",
// or "idle" and what to hold.
const role = "SSE_BENCH_ROLE"

// again starts this program in another role.
func again(args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), role+"="+strings.Join(args, " "))
	cmd.Stderr = os.Stderr
	return cmd
}

// startServer starts the server in a process of its own, so that its CPU time
// and memory are not counted. It ends with this process.
func startServer() (url string, stop func()) {
	cmd := again("server")
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

// serve is the server's main.
func serve() {
	bodies := map[string][]byte{}
	for _, w := range workloads {
		bodies[w.name] = w.stream().bytes
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/all/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush() // no Content-Length: chunks, as streams have
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

// A download is the client's CPU time of a stream over HTTP, that of io.Copy
// of the same body being 1.
type download struct {
	Name  string
	Ratio map[string]float64
}

// downloaders are compared over HTTP; "stream" is Client.Stream, with Event.
var downloaders = []string{"borrowed", "strings", "stream", "openai"}

func downloads(url string, rounds int) []download {
	var all []download
	for _, w := range workloads {
		if w.piece == 0 {
			all = append(all, fetch(w.name, url+"/all/"+w.name, rounds))
		}
	}
	return append(all, fetch("llm, each event flushed", url+"/each/llm", rounds))
}

func fetch(name, url string, rounds int) download {
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
	base := &entry{name: "io.Copy", work: 1, run: get(func(body io.Reader) { io.Copy(io.Discard, body) })}
	entries := []*entry{base}
	for _, name := range downloaders {
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
	race(entries, rounds)
	d := download{Name: name, Ratio: map[string]float64{}}
	for _, e := range entries[1:] {
		d.Ratio[e.name] = over(e, base)
	}
	return d
}

// runStream reads a stream to the end of its first connection.
func runStream(url string, see func(sse.Event)) {
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
		if see != nil {
			see(e)
		}
	}
}

// A holding is what one open stream costs that has nothing to say.
type holding struct {
	Name       string
	KiB        float64 // heap and stacks
	Goroutines float64
}

// holders are the ways to hold a stream. All but "response" have a goroutine
// that reads.
var holders = []string{"response", "raw", "borrowed", "stream", "openai", "anthropic", "tmaxmax", "launchdarkly", "donovanhide", "r3labs", "jetify"}

const (
	idleStreams = 2000
	bigStreams  = 50
	bigEvent    = 16 << 20
)

// idle measures one holder in a process of its own.
func idle(url, name string, streams, first int, options ...string) holding {
	out, err := again(append([]string{"idle", url, name, strconv.Itoa(streams), strconv.Itoa(first)}, options...)...).Output()
	if err != nil {
		panic(fmt.Sprintf("idle %s: %v", name, err))
	}
	var h holding
	if err := json.Unmarshal(out, &h); err != nil {
		panic(err)
	}
	return h
}

// hold is the main of the process that holds idle streams.
func hold(url, name, count, first string, options []string) {
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
			continue
		}
		resp, err := client.Do(req)
		if err != nil {
			panic(err)
		}
		switch name {
		case "response":
			held = append(held, resp)
			continue
		case "raw":
			go func() {
				lines := bufio.NewReader(resp.Body)
				for {
					line, err := lines.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 1 {
						ready <- struct{}{}
					}
				}
			}()
		default:
			for _, l := range libraries {
				if l.name == name {
					go l.run(resp.Body, func(id, typ, data string) { ready <- struct{}{} })
				}
			}
		}
		<-ready
	}
	h := holding{Name: name, KiB: float64(memory()-before) / 1024 / float64(streams)}
	h.Goroutines = float64(runtime.NumGoroutine()-goroutines) / float64(streams)
	json.NewEncoder(os.Stdout).Encode(h)
	runtime.KeepAlive(held)
}

// memory is the heap and the stacks in use once the collector has nothing
// left to do. It halves a stack only once each time.
func memory() int64 {
	for range 5 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// latency is the median time from before a flush to the event in hand, for
// this library against net/http and lines.
func latency(rounds int) (stream float64) {
	const events = 1000
	start := time.Now()
	var sent atomic.Int64 // since start
	got := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event := []byte("data: " + strings.Repeat("x", 200) + "\n\n")
		for range events {
			sent.Store(int64(time.Since(start)))
			w.Write(event)
			w.(http.Flusher).Flush()
			<-got
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	go http.Serve(l, mux)
	url := "http://" + l.Addr().String()

	var took []float64
	arrived := func() {
		took = append(took, float64(int64(time.Since(start))-sent.Load()))
		got <- struct{}{}
	}
	raw := func() {
		resp, err := http.Get(url)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if len(lines.Bytes()) == 0 {
				arrived()
			}
		}
	}
	ours := func() { runStream(url, func(sse.Event) { arrived() }) }
	var ratios []float64
	for range rounds {
		p50 := map[bool]float64{}
		for _, mine := range []bool{false, true, true, false} {
			took = took[:0]
			if mine {
				ours()
			} else {
				raw()
			}
			p50[mine] += median(took)
		}
		ratios = append(ratios, p50[true]/p50[false])
	}
	return median(ratios)
}
