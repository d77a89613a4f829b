package inspect

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"path"
	"strconv"
)

// The limits of the server. It is meant for one person.
const (
	maxBody    = 8 << 20 // bytes of the body of a request that the page sends
	maxRequest = 1<<20 + maxBody
	maxData    = 64 << 10 // bytes of the data of an event that the page gets
)

//go:embed page
var page embed.FS

// A server is the handler of the page and of what it calls.
type server struct {
	o     *Options
	ctx   context.Context // of all runs
	form  Form            // what the flags prefill
	token string
	mux   http.ServeMux
}

// newServer returns a server whose page is prefilled with form. Its runs end with ctx.
func newServer(ctx context.Context, o *Options, form Form) *server {
	token := make([]byte, 16)
	rand.Read(token)
	s := &server{o: o, ctx: ctx, form: form, token: hex.EncodeToString(token)}
	s.mux.HandleFunc("GET /{$}", s.file)
	s.mux.HandleFunc("GET /{name}", s.file)
	s.mux.HandleFunc("GET /setup", s.setup)
	return s
}

// handler returns the handler of all requests. The server listens on addr.
func (s *server) handler(addr string) http.Handler {
	g := &guard{next: &s.mux, token: s.token}
	if host, _, err := net.SplitHostPort(addr); err == nil && net.ParseIP(host) == nil {
		g.name = host
	}
	return g
}

// url returns the address of the page of a server that listens on addr.
func (s *server) url(addr net.Addr) string {
	tcp := *addr.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port)) + "/" + s.token + "/"
}

// close ends the run in progress.
func (s *server) close() {}

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
	b, err := page.ReadFile("page/" + name)
	if err != nil || contentType == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Write(b)
}

// setup sends what the page needs when it is loaded.
func (s *server) setup(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"request":   s.form,
		"notes":     connectionNotes(s.o.Request),
		"recent":    true,
		"dataLimit": maxData,
	})
}

// writeJSON sends v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
