// Browser runs the conformance suite with the EventSource of Chromium. It compares the events and
// the requests of the browser with those of the suite.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

//go:embed page.html
var page []byte

// suiteFiles are the files of the conformance suite.
var suiteFiles = []string{"../../testdata/parser.json", "../../testdata/http.json"}

func main() {
	log.SetFlags(0)
	program := flag.String("chromium", "", "the `program` to start (default: the installed one)")
	policy := flag.Bool("policy", false,
		"also run the cases of the kind policy, in which a browser may differ")
	timeout := flag.Duration("timeout", 20*time.Minute, "end the browser after this `duration`")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `usage: browser [flags] [FILE ...]

Each FILE has the format of ../../testdata/parser.json or http.json.
Without a FILE the browser runs these two.
`)
		flag.PrintDefaults()
	}
	flag.Parse()
	files := flag.Args()
	if len(files) == 0 {
		files = suiteFiles
	}
	s := newServer()
	for _, name := range files {
		if err := s.load(name, *policy); err != nil {
			log.Fatal(err)
		}
	}
	path, err := *program, error(nil)
	if path == "" {
		path, err = chromium.Find()
	}
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	agent, err := s.run(ctx, path)
	if err != nil {
		log.Fatal(err)
	}
	s.printResults(os.Stdout, agent)
	if len(s.unknown()) > 0 {
		os.Exit(1)
	}
}

// A server serves the page and its jobs.
type server struct {
	jobs []*job
	done chan string // receives the user agent when the page has finished
}

func newServer() *server { return &server{done: make(chan string, 1)} }

// run starts the browser at path and waits until the page has finished. It returns the user agent.
func (s *server) run(ctx context.Context, path string) (agent string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { w.Write(page) })
	mux.HandleFunc("GET /jobs", s.list)
	mux.HandleFunc("GET /job/{id}/{path...}", s.respond)
	mux.HandleFunc("POST /report", s.report)
	mux.HandleFunc("POST /done", func(w http.ResponseWriter, r *http.Request) {
		var agent string
		json.NewDecoder(r.Body).Decode(&agent)
		s.done <- agent
	})
	srv := &http.Server{Handler: mux}
	go srv.Serve(l)
	defer srv.Close()

	browser, stop, err := chromium.Start(ctx, path)
	if err != nil {
		return "", err
	}
	defer stop()
	if err := chromedp.Do(browser, chromedp.Navigate("http://"+l.Addr().String()+"/")); err != nil {
		return "", err
	}
	select {
	case agent = <-s.done:
		return agent, nil
	case <-browser.Done():
		return "", fmt.Errorf("%s: %w before the page had finished", path, context.Cause(browser))
	}
}

// list sends the jobs to the page, with the types of events to listen for.
func (s *server) list(w http.ResponseWriter, r *http.Request) {
	type entry struct {
		ID    int      `json:"id"`
		URL   string   `json:"url"`
		Types []string `json:"types"`
	}
	list := []entry{}
	for i, j := range s.jobs {
		e := entry{i, fmt.Sprintf("/job/%d/", i), []string{}}
		for _, ev := range j.events {
			if !slices.Contains(e.Types, ev.Type) {
				e.Types = append(e.Types, ev.Type)
			}
		}
		list = append(list, e)
	}
	json.NewEncoder(w).Encode(list)
}

// report receives the report of a job.
func (s *server) report(w http.ResponseWriter, r *http.Request) {
	got := new(report)
	if err := json.NewDecoder(r.Body).Decode(got); err != nil || got.ID < 0 || got.ID >= len(s.jobs) {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	j := s.jobs[got.ID]
	j.mu.Lock()
	j.got = got
	j.mu.Unlock()
}

// respond records a request of a job and sends the response.
func (s *server) respond(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 0 || id >= len(s.jobs) {
		http.NotFound(w, r)
		return
	}
	j := s.jobs[id]
	n := j.record(r)
	defer func() {
		j.mu.Lock()
		j.ended = time.Now()
		j.mu.Unlock()
	}()

	h := w.Header()
	h.Set("Connection", "close") // the browser repeats a failed request on a reused connection
	switch {
	case n == 0:
		h.Set("Content-Type", "text/event-stream")
		w.Write([]byte(prelude))
		return
	case n > len(j.exchanges):
		w.WriteHeader(http.StatusNoContent)
		return
	}
	x := j.exchanges[n-1]
	if x.Fail {
		panic(http.ErrAbortHandler)
	}
	for _, status := range x.Informational {
		w.WriteHeader(status)
	}
	h["Content-Type"] = nil
	for _, f := range x.Headers {
		v := string(f[1])
		if string(f[0]) == "Location" {
			v = fmt.Sprintf("/job/%d%s", id, v)
		}
		h.Add(string(f[0]), v)
	}
	w.WriteHeader(x.Status)
	flush := http.NewResponseController(w).Flush
	for i, chunk := range x.chunks {
		if i > 0 {
			time.Sleep(5 * time.Millisecond) // so that the browser reads the chunks separately
		}
		w.Write(chunk)
		flush()
	}
	if x.Cut {
		panic(http.ErrAbortHandler)
	}
}
