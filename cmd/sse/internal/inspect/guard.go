package inspect

import (
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
)

// A guard is a handler that lets only the page itself use another handler.
type guard struct {
	next  http.Handler // its paths are those without the token
	token string
	name  string // if not empty, a host name of the server
	anyIP bool   // the server has several IP addresses, perhaps some that it does not know

	start *startFile // if nil, no browser is started
}

// contentSecurityPolicy allows what the page uses and nothing else.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The deadlines are also those of a request that is refused: after its response, net/http reads
	// the rest of its body.
	rc := http.NewResponseController(w)
	deadline := time.Now().Add(webserver.RequestTimeout)
	rc.SetReadDeadline(deadline)
	rc.SetWriteDeadline(deadline) // the relay and downloads set their own
	h := w.Header()
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	isHost := local != nil && g.isHost(r.Host, local)
	if isHost && g.start != nil && g.start.use(r) {
		// The file is a page of another origin, and a redirect would remain a request of that page.
		h.Set("Content-Type", contentTypes[".html"])
		io.WriteString(w, redirectPage("/"+g.token+"/"))
		return
	}
	if !isHost || !isSameOrigin(r) {
		http.Error(w, "this server can be used only from its own page, "+
			"whose address must be typed or pasted into the browser", http.StatusForbidden)
		return
	}
	token, path, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok || !isEqual(token, g.token) {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	r.URL.Path, r.URL.RawPath = "/"+path, ""
	g.next.ServeHTTP(w, r)
}

// isEqual compares secrets in constant time.
func isEqual(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// isHost reports whether the Host header names local, the address that received the request. Any
// other name may be that of an attacker whose DNS leads to this machine.
func (g *guard) isHost(header string, local *net.TCPAddr) bool {
	host, port, err := net.SplitHostPort(header)
	if err != nil { // the port is that of the scheme
		host, port = strings.Trim(header, "[]"), "80"
	}
	if port != strconv.Itoa(local.Port) {
		return false
	}
	if ip := net.ParseIP(host); ip != nil {
		return g.anyIP || ip.Equal(local.IP)
	}
	return strings.EqualFold(host, "localhost") || g.name != "" && strings.EqualFold(host, g.name)
}

// isSameOrigin reports whether r is not the request of a page of another origin. A browser says so
// in Sec-Fetch-Site, or in Origin if the connection is not secure.
func isSameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || strings.EqualFold(origin, "http://"+r.Host)
}
