package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"time"
)

// cutPause is the time between a body and the break of its connection. Chromium may discard what it
// has not read when the connection breaks.
const cutPause = 50 * time.Millisecond

// A server serves trials to an implementation.
type server struct {
	trials  []*trial
	prelude bool
	done    context.CancelFunc // called when the implementation has finished
}

// An entry is an entry of the list of trials, in the form that run.mjs reads.
type entry struct {
	ID     int      `json:"id"`
	URL    string   `json:"url"`
	Types  []string `json:"types"`  // the types of events to listen for
	Prompt bool     `json:"prompt"` // whether each event must be posted to /seen
}

// runTrials runs trials with an implementation, and returns the version of the implementation.
func runTrials(ctx context.Context, impl implementation, trials []*trial) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{trials, !impl.onlyParses, cancel}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "page.html")
	})
	mux.HandleFunc("GET /run.mjs", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "run.mjs")
	})
	mux.HandleFunc("GET /jobs", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(s.entries())
	})
	mux.HandleFunc("GET /job/{id}/{path...}", s.respond)
	mux.HandleFunc("POST /seen", s.receiveSeen)
	mux.HandleFunc("POST /report", s.receiveReport)
	mux.HandleFunc("POST /done", func(http.ResponseWriter, *http.Request) { cancel() })
	srv := httptest.NewUnstartedServer(mux)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	// Chromium repeats a request at once if it fails on a connection that was used before.
	srv.Config.SetKeepAlivesEnabled(false)
	srv.Start()
	defer srv.Close()
	defer srv.CloseClientConnections()

	version, err := impl.start(ctx, s, srv.URL)
	missing := 0
	for _, t := range trials {
		t.mu.Lock()
		if t.got == nil {
			missing++
		}
		t.mu.Unlock()
	}
	if err != nil && missing == len(trials) {
		return "", err // it did not start
	}
	if missing > 0 {
		err = cmp.Or(err, context.Cause(ctx))
		return "", fmt.Errorf("%d of %d jobs have no report: %v", missing, len(trials), err)
	}
	return version, nil
}

// entries returns the list of trials.
func (s *server) entries() []entry {
	list := []entry{}
	for i, t := range s.trials {
		e := entry{i, fmt.Sprintf("/job/%d/", i), []string{}, t.delivered() != nil}
		for _, ev := range t.events {
			if !slices.Contains(e.Types, ev.Type) {
				e.Types = append(e.Types, ev.Type)
			}
		}
		list = append(list, e)
	}
	return list
}

// receiveSeen receives the number of events that an implementation has delivered.
func (s *server) receiveSeen(w http.ResponseWriter, r *http.Request) {
	var body struct{ ID, Count int }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || !s.has(body.ID) {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	s.trials[body.ID].setSeen(body.Count)
}

// receiveReport receives the report of a trial.
func (s *server) receiveReport(w http.ResponseWriter, r *http.Request) {
	got := new(report)
	if err := json.NewDecoder(r.Body).Decode(got); err != nil || !s.has(got.ID) {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	s.setReport(got)
}

func (s *server) has(id int) bool { return id >= 0 && id < len(s.trials) }

func (s *server) setReport(got *report) {
	t := s.trials[got.ID]
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = got
}

// respond records a request of a trial and sends the response.
func (s *server) respond(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !s.has(id) {
		http.NotFound(w, r)
		return
	}
	t := s.trials[id]
	n := t.record(r)
	defer t.setEnded()

	h := w.Header()
	if s.prelude {
		if n == 0 {
			h.Set("Content-Type", "text/event-stream")
			io.WriteString(w, prelude)
			return
		}
		n--
	}
	if n >= len(t.exchanges) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	x := t.exchanges[n]
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
			time.Sleep(x.pause) // so that the implementation reads the chunks separately
		}
		w.Write(chunk)
		flush()
		if i < len(x.delivered) {
			t.awaitSeen(x.delivered[i])
		}
	}
	if x.Cut {
		time.Sleep(cutPause)
		panic(http.ErrAbortHandler)
	}
}
