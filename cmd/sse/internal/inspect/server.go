package inspect

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path"
	"sync"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
)

// The limits of the server. It is meant for one person.
const (
	maxBody    = 8 << 20 // bytes of the body of a request that the page sends
	maxRequest = 1<<20 + maxBody
)

//go:embed page
var pageFiles embed.FS

// A server is the handler of the page and of what it calls.
type server struct {
	o     *Options
	ctx   context.Context // of all runs
	form  Form            // what the flags prefill
	token string
	mux   http.ServeMux

	history *history
	relays  chan struct{} // holds one element for each relay
	saving  chan struct{} // holds one element during a download

	mu  sync.Mutex // held while a run begins or ends
	run *run       // the last run; nil if there is none
}

// newServer returns a server whose page is prefilled with form. Its runs end with ctx.
func newServer(ctx context.Context, o *Options, form Form) *server {
	s := &server{
		o:       o,
		ctx:     ctx,
		form:    form,
		token:   newToken(),
		history: newHistory(o.Memory / 2),
		relays:  make(chan struct{}, maxRelays),
		saving:  make(chan struct{}, 1),
	}
	s.mux.HandleFunc("GET /{$}", s.file)
	s.mux.HandleFunc("GET /{name}", s.file)
	s.mux.HandleFunc("GET /setup", s.setup)
	s.mux.HandleFunc("POST /parse", s.parse)
	s.mux.HandleFunc("POST /commands", s.commands)
	s.mux.HandleFunc("POST /send", s.send)
	s.mux.HandleFunc("POST /stop", s.stop)
	s.mux.HandleFunc("GET /relay", s.relay)
	s.mux.HandleFunc("GET /save", s.save)
	return s
}

// newToken returns 128 random bits.
func newToken() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// guard returns the handler of all requests. The server listens on addr.
func (s *server) guard(addr string) *guard {
	g := &guard{next: &s.mux, token: s.token}
	host, _, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); ip == nil {
		g.name = host
	} else {
		g.anyIP = ip.IsUnspecified()
	}
	return g
}

// pageURL returns the address of the page, with this token, of a server that listens on addr.
func pageURL(addr net.Addr, token string) string {
	return webserver.URL(addr) + token + "/"
}

// close ends the run in progress.
func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.run.stop()
	}
}

// send begins a run with the form that is sent, after the run before has ended.
func (s *server) send(w http.ResponseWriter, r *http.Request) {
	var f Form
	if !readJSON(w, r, &f) {
		return
	}
	number, err := s.begin(&f)
	if err != nil {
		writeFormError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"run": number})
}

// begin begins a run with the request of f.
func (s *server) begin(f *Form) (number int, err error) {
	o, idleTimeout, err := f.request(s.o.Request)
	if err != nil {
		return 0, err
	}
	base, err := o.Transport()
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	number = 1
	if s.run != nil {
		s.run.stop()
		number = s.run.number + 1
	}
	next, err := startRun(s.ctx, number, o, base, s.history, runOptions{
		reconnect:    f.Reconnect,
		idleTimeout:  idleTimeout,
		maxEventSize: s.o.MaxEventSize,
		maxStore:     s.o.Memory / 4,
	})
	if err != nil {
		return 0, err
	}
	s.run = next
	return number, nil
}

// stop ends the run in progress.
func (s *server) stop(w http.ResponseWriter, _ *http.Request) {
	s.close()
	w.WriteHeader(http.StatusNoContent)
}

// contentTypes are those of the files of the page. The system may have others for these names.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file sends a file of the page.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if name == "" {
		name = "index.html"
	}
	contentType := contentTypes[path.Ext(name)]
	b, err := pageFiles.ReadFile("page/" + name)
	if err != nil || contentType == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Write(b)
}

// setup sends what the page shows of the flags.
func (s *server) setup(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"request": s.form, "notes": s.notes()})
}

// notes returns notes about the flags that apply to all requests.
func (s *server) notes() []string {
	notes := connectionNotes(s.o.Request)
	switch n := s.o.MaxEventSize; {
	case n > 0:
		notes = append(notes, "--max-event-size: an event of more than "+units.Bytes(int64(n))+
			" ends the stream")
	case n < 0:
		notes = append(notes, "--max-event-size: events of any size are accepted")
	}
	return notes
}

// readJSON decodes the body of r. If that fails, it sends an error and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		writeReadError(w, err)
		return false
	}
	return true
}

// writeReadError sends why the body of a request cannot be read.
func writeReadError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if errors.As(err, new(*http.MaxBytesError)) {
		status = http.StatusRequestEntityTooLarge
	}
	writeJSON(w, status, map[string]string{"error": "the request cannot be read: " + err.Error()})
}

// writeFormError sends what is wrong with a form.
func writeFormError(w http.ResponseWriter, err error) {
	v := map[string]string{"error": errtext.Message(err)}
	if f := (*fieldError)(nil); errors.As(err, &f) {
		v["field"] = f.field
	}
	writeJSON(w, http.StatusUnprocessableEntity, v)
}

// writeJSON sends v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, encode(v)+"\n")
}
