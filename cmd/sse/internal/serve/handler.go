package serve

import (
	_ "embed"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamwriter"
)

//go:embed page.html
var page string

// examplePaths are the paths of the example streams.
var examplePaths = []path{
	{"/events", "one event each second"},
	{"/flaky", "two events each second, and every kind of interruption"},
	{"/slow", "events that arrive a byte at a time"},
	{"/big", "events of up to 8 MiB"},
	{"/weird", "the unusual cases of the standard"},
	{"/llm?q=QUESTION", "an answer word by word, as from OpenAI (&shape=anthropic)"},
	{"/v1/chat/completions", "the same for an SDK of OpenAI (POST)"},
	{"/v1/messages", "the same for an SDK of Anthropic (POST)"},
	{"/", "a page that shows these streams"},
}

// An exampleServer is the handler of the example streams.
type exampleServer struct {
	mux   http.ServeMux
	start time.Time // of the streams that have one event each pace
	paces Paces
	flaky atomic.Int64 // the number of requests for /flaky
}

// NewHandler returns the handler of the example streams of a server that began at start. It logs
// requests to log.
func NewHandler(start time.Time, paces Paces, log io.Writer) http.Handler {
	s := &exampleServer{start: start, paces: paces}
	s.mux.HandleFunc("GET /{$}", s.index)
	for pattern, f := range map[string]func(*streamwriter.Writer){
		"GET /events":               s.events,
		"GET /flaky":                s.unreliable,
		"GET /slow":                 s.slow,
		"GET /big":                  s.big,
		"GET /weird":                s.weird,
		"GET /llm":                  s.llm,
		"POST /llm":                 s.llm,
		"POST /v1/chat/completions": s.llm,
		"POST /v1/messages":         s.llm,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f(streamwriter.New(w, r))
		})
	}
	return newGuard(&s.mux, allowAll, log) // nothing in the streams is secret
}

// contentSecurityPolicy allows what page.html uses and nothing else.
const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; " +
	"script-src 'unsafe-inline'; connect-src 'self'; img-src data:"

// index sends the page, or the events to a client that accepts only an event stream.
func (s *exampleServer) index(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept") == "text/event-stream" {
		s.events(streamwriter.New(w, r))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	io.WriteString(w, page)
}
