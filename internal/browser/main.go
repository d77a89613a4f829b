// Browser plays the conformance suite to the EventSource of a Chromium, and compares what it
// dispatches and asks for with what the suite says and what this library does.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

//go:embed page.html
var page []byte

func main() {
	log.SetFlags(0)
	chromium := flag.String("chromium", "chromium", "the browser to start")
	policy := flag.Bool("policy", false, "play the cases of the kind policy, too, where a browser may differ")
	limit := flag.Duration("timeout", 20*time.Minute, "how long it may take")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: browser [flags] [FILE ...]\n\nEach FILE is in the form of ../../testdata/parser.json or http.json; those two if there is none.")
		flag.PrintDefaults()
	}
	flag.Parse()
	files := flag.Args()
	if len(files) == 0 {
		files = []string{"../../testdata/parser.json", "../../testdata/http.json"}
	}
	s := &server{done: make(chan string, 1)}
	for _, name := range files {
		if err := s.load(name, *policy); err != nil {
			log.Fatal(err)
		}
	}
	agent, err := s.run(*chromium, *limit)
	if err != nil {
		log.Fatal(err)
	}
	if !s.judge(agent) {
		os.Exit(1)
	}
}

// A job is a case for the browser: what its requests get, one after the other. After the first
// response, which sets a short reconnection time, and those of the case comes a 204.
type job struct {
	name      string
	exchanges []exchange
	events    []sse.Event // want
	lastID    string      // what the request after the last of exchanges must send
	retry     string      // milliseconds until that request
	ends      bool        // the last of exchanges must end it

	mu       sync.Mutex
	requests []request // seen
	ended    time.Time // of the last response
	got      *report
}

type exchange struct {
	want request
	suite.Response
	chunks []suite.Bytes
}

type request struct {
	path   string
	lastID *string
	wait   time.Duration // since the response before
}

// report is what the page says of a job.
type report struct {
	ID     int
	Events []sse.Event
	Closed bool // readyState is CLOSED
}

const (
	preludeRetry = 10
	prelude      = "retry:10\n\n"
	slack        = 250 * time.Millisecond // a wait may be longer by this
	longest      = time.Second            // the page does not wait for a longer one
)

type server struct {
	jobs []*job
	done chan string
}

// run starts the browser and waits for the page to be done.
func (s *server) run(chromium string, limit time.Duration) (agent string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { w.Write(page) })
	mux.HandleFunc("GET /jobs", s.list)
	mux.HandleFunc("GET /job/{id}/{path...}", s.play)
	mux.HandleFunc("POST /report", s.report)
	mux.HandleFunc("POST /done", func(w http.ResponseWriter, r *http.Request) {
		var agent string
		json.NewDecoder(r.Body).Decode(&agent)
		s.done <- agent
	})
	srv := &http.Server{Handler: mux}
	go srv.Serve(l)
	defer srv.Close()

	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+dir, "--remote-debugging-port=0", "http://"+l.Addr().String()+"/")
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return "", err
	}
	exit := make(chan error, 1)
	go func() { exit <- cmd.Wait() }()
	select {
	case agent = <-s.done:
		cancel()
		<-exit
		return agent, nil
	case err := <-exit:
		return "", fmt.Errorf("%s: %v before the page was done", chromium, cmp.Or(err, errors.New("exit")))
	}
}

// list tells the page its jobs. It must know the types to listen for.
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

// play answers a request of a job.
func (s *server) play(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 0 || id >= len(s.jobs) {
		http.NotFound(w, r)
		return
	}
	j := s.jobs[id]
	j.mu.Lock()
	n := len(j.requests)
	seen := request{path: "/" + r.PathValue("path")}
	if ids := r.Header["Last-Event-Id"]; ids != nil {
		seen.lastID = &ids[0]
	}
	if n > 0 {
		seen.wait = time.Since(j.ended)
	}
	j.requests = append(j.requests, seen)
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		j.ended = time.Now()
		j.mu.Unlock()
	}()

	h := w.Header()
	h.Set("Connection", "close") // on a connection used before, the browser itself would try a failed request again
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
			time.Sleep(5 * time.Millisecond) // so that the browser reads them apart
		}
		w.Write(chunk)
		flush()
	}
	if x.Cut {
		panic(http.ErrAbortHandler)
	}
}

// departures are where Chromium is known to leave the standard: what of a case's name, responses
// and streams shows that it may. A \x{100} stands before each response.
var departures = []struct {
	why  string
	what *regexp.Regexp
}{
	{"a BOM before a line end", regexp.MustCompile(`\x{100}\x{ef}\x{bb}\x{bf}[\r\n]`)},
	{"a retry field without a value", regexp.MustCompile(`[\x{100}\x{bf}\r\n]retry(:| |: )?[\r\n]`)},
	{"a retry of 2^64 or more", regexp.MustCompile(`retry: ?0*[1-9][0-9]{19}`)},
	{"an id that no header can carry", regexp.MustCompile(`id:[^\r\n]*[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]`)},
	{"a charset other than UTF-8", regexp.MustCompile(`charset=(windows-1252|latin1|bogus)`)},
	{"a request that the network layer sends again by itself", regexp.MustCompile(`^A 421 |\nfail\n`)},
}

// judge compares, and prints what differs. It reports whether all that differs was foreseen.
func (s *server) judge(agent string) bool {
	good, differ, surprises := 0, 0, 0
	for _, j := range s.jobs {
		j.mu.Lock()
		diffs := j.compare()
		j.mu.Unlock()
		if len(diffs) == 0 {
			good++
			continue
		}
		differ++
		why := "NOT FORESEEN"
		for _, d := range departures {
			if d.what.MatchString(j.all()) {
				why = d.why
			}
		}
		if why == "NOT FORESEEN" {
			surprises++
		}
		fmt.Printf("%s (%s)\n", j.name, why)
		for _, d := range diffs {
			fmt.Printf("    %s\n", d)
		}
	}
	fmt.Printf("%s\n%d cases: %d agree, %d differ, %d of them not foreseen\n", agent, len(s.jobs), good, differ, surprises)
	return surprises == 0
}

// all is the text that departures are looked for in.
func (j *job) all() string {
	s := []rune(j.name)
	for _, x := range j.exchanges {
		if x.Fail {
			s = append(s, []rune("\nfail\n")...)
		}
		for _, f := range x.Headers {
			s = append(s, []rune("\n"+string(f[0])+": "+string(f[1]))...)
		}
		s = append(s, 0x100)
		for _, chunk := range x.chunks {
			for _, b := range chunk {
				s = append(s, rune(b))
			}
		}
	}
	return string(s)
}

func (j *job) compare() (diffs []string) {
	if j.got == nil {
		return []string{"the browser did not report"}
	}
	differ := func(format string, a ...any) { diffs = append(diffs, fmt.Sprintf(format, a...)) }
	if !slices.Equal(j.got.Events, j.events) {
		differ("events: browser %s, want %s", brief(j.got.Events), brief(j.events))
	}
	if len(j.requests) == 0 {
		return append(diffs, "the browser asked nothing")
	}
	requests := j.requests[1:] // the first one got the prelude
	for i, x := range j.exchanges {
		if i == len(requests) {
			differ("request %d: none, want %s", i+1, x.want)
			return diffs
		}
		if got := requests[i]; got.path != x.want.path || got.id() != x.want.id() {
			differ("request %d: browser %s, want %s", i+1, got, x.want)
		} else if want := x.want.wait; want > 0 && (got.wait < want-time.Millisecond || got.wait > want+slack) {
			differ("request %d: browser waits %v, want %v", i+1, got.wait.Round(time.Millisecond), want)
		}
	}
	extra := requests[len(j.exchanges):]
	if j.ends {
		if len(extra) > 0 || !j.got.Closed {
			differ("the end: closed is %v, and there are %d further requests, want the end", j.got.Closed, len(extra))
		}
		return diffs
	}
	switch wait := j.wait(); {
	case len(extra) == 0 && wait <= longest:
		differ("reconnection: none within a second (closed is %v), want one after %v", j.got.Closed, wait)
	case len(extra) == 0:
	case wait > longest, extra[0].wait < wait-time.Millisecond, extra[0].wait > wait+slack:
		differ("reconnection: after %v, want %v", extra[0].wait.Round(time.Millisecond), wait)
	}
	if len(extra) > 0 && extra[0].id() != sent(j.lastID) {
		differ("last event ID: browser sends %s, want %s", brief(extra[0].id()), brief(sent(j.lastID)))
	}
	return diffs
}

// sent is an id as a header carries it.
func sent(id string) string { return strings.Trim(id, " \t") }

func (r request) id() string {
	if r.lastID == nil {
		return ""
	}
	return *r.lastID
}

func (r request) String() string { return fmt.Sprintf("%s with %s", r.path, brief(r.id())) }

func brief(v any) string {
	s := fmt.Sprintf("%+q", v)
	if len(s) > 300 {
		s = fmt.Sprintf("%.300s… (%d bytes)", s, len(s))
	}
	return s
}
