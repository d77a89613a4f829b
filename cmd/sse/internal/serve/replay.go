package serve

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
	"github.com/seed-0d85b69d/sse/internal/recording"
)

// A replayer is a handler that replays recorded responses. The requests for a path get the
// responses that were recorded for it in turn, and after the last one the first again.
type replayer struct {
	tracks []*track // in the order of the recordings
	byPath map[string]*track
}

// A track is the responses for one path.
type track struct {
	path      string
	files     []string // where the responses come from, without directories
	responses []recording.Response

	mu   sync.Mutex
	next int // index of the next response
}

// readRecordings returns a handler that replays the recordings in files.
func readRecordings(files []string) (*replayer, error) {
	r := &replayer{byPath: make(map[string]*track)}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, errtext.Reason(err))
		}
		responses, err := recording.Read(f)
		f.Close()
		if err != nil {
			text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "recording"), ": ")
			return nil, fmt.Errorf("%q is not a recording: %s", name, text)
		}
		for _, response := range responses {
			r.add(filepath.Base(name), response)
		}
	}
	return r, nil
}

// add adds a response of file.
func (r *replayer) add(file string, response recording.Response) {
	p := pathOf(response.URL)
	t := r.byPath[p]
	if t == nil {
		t = &track{path: p}
		r.tracks = append(r.tracks, t)
		r.byPath[p] = t
	}
	if !slices.Contains(t.files, file) {
		t.files = append(t.files, file)
	}
	t.responses = append(t.responses, response)
}

// pathOf returns the path of a URL, or "/" if it has none.
func pathOf(s string) string {
	if u, err := url.Parse(s); err == nil && u.Path != "" {
		return u.Path
	}
	return "/"
}

// describe returns the paths and what is replayed there.
func (r *replayer) describe() []path {
	var paths []path
	for _, t := range r.tracks {
		var total time.Duration
		for _, response := range t.responses {
			total += response.Duration()
		}
		text := fmt.Sprintf("%s of %s, %s", units.Plural(len(t.responses), "response"),
			strings.Join(t.files, ", "), units.Duration(total))
		paths = append(paths, path{t.path, text})
	}
	return paths
}

// ServeHTTP implements http.Handler.
func (r *replayer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	t := r.byPath[req.URL.Path]
	if t == nil {
		http.Error(w, "no response was recorded for this path; there are:\n"+
			formatPaths(r.describe()), http.StatusNotFound)
		return
	}
	p := &replay{w: w, rc: http.NewResponseController(w), ctx: req.Context()}
	p.rc.SetReadDeadline(time.Time{}) // reading also detects that the client has disconnected
	p.run(t.take(), r)
}

// take returns the next response.
func (t *track) take() recording.Response {
	t.mu.Lock()
	defer t.mu.Unlock()
	response := t.responses[t.next]
	t.next = (t.next + 1) % len(t.responses)
	return response
}

// A replay is the sending of one recorded response.
type replay struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	ctx context.Context // of the request
}

// run sends response and ends as it did.
func (p *replay) run(response recording.Response, r *replayer) {
	if !p.pause(response.Gap) {
		return
	}
	p.sendHeader(response, r)
	for _, c := range response.Chunks {
		if !p.pause(c.Gap) || !p.write(c.Data) {
			return
		}
	}
	if !p.pause(response.EndGap) {
		return
	}
	switch {
	case response.End == recording.Cut:
		panic(http.ErrAbortHandler)
	case response.End == recording.Reset:
		p.reset()
	case response.End == recording.Closed && response.Status == http.StatusOK:
		<-p.ctx.Done() // the server would have sent more; of an error page it is not needed
	}
}

// sendHeader sends the header of response. A redirect to a path of r stays on this server.
func (p *replay) sendHeader(response recording.Response, r *replayer) {
	h := p.w.Header()
	origin, hasOrigin := h["Access-Control-Allow-Origin"]
	response.CopyHeader(h)
	delete(h, "Access-Control-Allow-Origin") // the recorded one is that of another page
	if hasOrigin {
		h["Access-Control-Allow-Origin"] = origin
	}
	if location := h.Get("Location"); location != "" {
		if to := pathOf(location); r.byPath[to] != nil {
			h.Set("Location", (&url.URL{Path: to}).String())
		}
	}
	p.rc.SetWriteDeadline(time.Now().Add(webserver.RequestTimeout))
	p.w.WriteHeader(response.Status)
	p.rc.Flush()
}

// write sends b, and reports whether the client is still connected.
func (p *replay) write(b []byte) bool {
	p.rc.SetWriteDeadline(time.Now().Add(webserver.RequestTimeout))
	_, err := p.w.Write(b)
	return err == nil && p.rc.Flush() == nil
}

// pause waits for d, and reports whether the client is still connected.
func (p *replay) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// reset resets the connection.
func (p *replay) reset() {
	c, _, err := p.rc.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := c.(interface{ SetLinger(sec int) error }); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}
