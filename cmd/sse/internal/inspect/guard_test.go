package inspect

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// routes are all routes of the server.
var routes = []struct{ method, path string }{
	{"GET", ""}, {"GET", "index.html"}, {"GET", "setup"}, {"POST", "parse"}, {"POST", "commands"},
	{"POST", "send"}, {"POST", "stop"}, {"GET", "relay"}, {"GET", "save?format=raw"},
}

// wantHeaders checks the headers that every response must have.
func wantHeaders(t *testing.T, what string, resp *http.Response) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
			"connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
			"frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cache-Control":                "no-store",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := resp.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s = %q, want %q", what, name, got, want)
		}
	}
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: the response has the header %s", what, name)
		}
	}
}

func TestGuardRejectsWrongToken(t *testing.T) {
	t.Parallel()
	s, page := serve(t, newOptions())
	root := strings.TrimSuffix(page, s.token+"/")
	wrong := "0" + s.token[1:]
	if wrong == s.token {
		wrong = "1" + s.token[1:]
	}
	for _, token := range []string{
		wrong, s.token[:31], s.token + "0", "", strings.ToUpper(s.token) + "x", "%00", "..",
	} {
		for _, route := range routes {
			url := root + token + "/" + route.path
			resp, body := do(t, route.method, url, "{}")
			if resp.StatusCode != http.StatusNotFound || body != "404 page not found\n" {
				t.Errorf("%s %s: %s, %q", route.method, url, resp.Status, body)
			}
			wantHeaders(t, url, resp)
		}
	}
	for _, path := range []string{"", s.token, "favicon.ico", "robots.txt", "x/" + s.token + "/"} {
		if resp, _ := do(t, "GET", root+path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("GET /%s: %s", path, resp.Status)
		}
	}
	if s.run != nil {
		t.Error("a request was sent")
	}
}

func TestGuardRejectsOtherHostsAndOrigins(t *testing.T) {
	t.Parallel()
	s, page := serve(t, newOptions())
	host := strings.Split(page, "/")[2]
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range [][]string{
		{"Host", "evil.test:" + port},
		{"Host", "evil.test"},
		{"Host", "127.0.0.1"},
		{"Host", "127.0.0.1:1"},
		{"Host", "127.0.0.2:" + port},
		{"Host", "[::1]:" + port},
		{"Host", "localhost.evil.test:" + port},
		{"Host", "localhost"},
		{"Host", "0.0.0.0:" + port},
		{"Origin", "http://evil.test"},
		{"Origin", "null"},
		{"Origin", "http://127.0.0.1"},
		{"Origin", "https://" + host},
		{"Origin", "http://" + host + ".evil.test"},
		{"Origin", "http://localhost:" + port},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "other"},
		{"Sec-Fetch-Site", "same-origin", "Origin", "http://evil.test"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "http://" + host},
	} {
		for _, route := range routes {
			resp, _ := do(t, route.method, page+route.path, "{}", header...)
			what := route.method + " " + route.path + " with " + strings.Join(header, ": ")
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %s", what, resp.Status)
			}
			wantHeaders(t, what, resp)
		}
	}
	if s.run != nil {
		t.Error("a request was sent")
	}
	for _, header := range [][]string{
		{},
		{"Host", "localhost:" + port, "Origin", "http://localhost:" + port},
		{"Host", "LOCALHOST:" + port},
		{"Sec-Fetch-Site", "none"},
		{"Sec-Fetch-Site", "same-origin", "Origin", "http://" + host},
	} {
		resp, _ := do(t, "GET", page+"setup", "", header...)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("with %q: %s", header, resp.Status)
		}
	}
}

func TestGuardAllowsHostsOfListen(t *testing.T) {
	t.Parallel()
	s := newServer(t.Context(), newOptions(), Form{})
	g := s.guard("box.test:80")
	local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}
	for host, want := range map[string]bool{
		"box.test": true, "BOX.test:80": true, "192.0.2.1": true, "192.0.2.1:80": true,
		"localhost": true, "box.test:81": false, "192.0.2.2": false, "": false, "x.test": false,
	} {
		if got := g.isHost(host, local); got != want {
			t.Errorf("isHost(%q) = %t, want %t", host, got, want)
		}
	}
	if !g.isHost("[2001:db8::1]", &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 80}) {
		t.Error("an IPv6 address without a port is refused")
	}
	for _, addr := range []string{"0.0.0.0:80", "[::]:80"} {
		// Behind a NAT, the address in the browser is not one of this machine.
		if g := s.guard(addr); !g.isHost("198.51.100.1", local) || g.isHost("x.test", local) ||
			g.isHost("198.51.100.1:81", local) {
			t.Errorf("the names of a server on %s are wrong", addr)
		}
	}
}

func TestEveryRouteHasSecurityHeaders(t *testing.T) {
	t.Parallel()
	_, page := serve(t, newOptions())
	for _, route := range routes {
		if route.path == "relay" {
			continue // TestRelayIsAnEventStream
		}
		resp, _ := do(t, route.method, page+route.path, "{}")
		if resp.StatusCode == http.StatusNotFound && !strings.HasPrefix(route.path, "save") {
			t.Errorf("%s: %s", route.path, resp.Status)
		}
		wantHeaders(t, route.method+" "+route.path, resp)
	}
	resp, _ := do(t, "OPTIONS", page+"send", "", "Access-Control-Request-Method", "POST")
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("OPTIONS: %s", resp.Status)
	}
	wantHeaders(t, "OPTIONS", resp)
	for _, path := range []string{"../guard.go", "guard.go", "page", "%2e%2e%2fguard.go", "x"} {
		if resp, _ := do(t, "GET", page+path, ""); resp.StatusCode == http.StatusOK {
			t.Errorf("GET %s: %s", path, resp.Status)
		}
	}
}

func TestTokensAreRandom(t *testing.T) {
	t.Parallel()
	a, b := newToken(), newToken()
	if len(a) != 32 || a == b {
		t.Errorf("tokens %q and %q", a, b)
	}
}

func TestRequestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t.Context(), newOptions(), Form{})
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, local)
	// Without a network: the server does not read the rest of a large body.
	post := func(path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		url := "http://127.0.0.1/" + s.token + "/" + path
		s.guard("").ServeHTTP(w,
			httptest.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body)))
		return w
	}
	for _, path := range []string{"parse", "commands", "send"} {
		w := post(path, strings.Repeat(" ", maxRequest+1))
		if w.Code != http.StatusRequestEntityTooLarge ||
			!strings.Contains(w.Body.String(), "too large") {
			t.Errorf("%s: %d, %q", path, w.Code, w.Body)
		}
	}
	w := post("send", `{"url":"http://x/","body":"`+strings.Repeat("x", maxBody+1)+`"}`)
	if w.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(w.Body.String(), `"field":"body"`) {
		t.Errorf("a large body in a form: %d, %q", w.Code, w.Body)
	}
}

// A deadlineRecorder records the deadlines that a handler sets.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlineRecorder) SetReadDeadline(t time.Time) error {
	d.read = append(d.read, t)
	return nil
}

func (d *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	d.write = append(d.write, t)
	return nil
}

func TestRefusedRequestsHaveDeadlines(t *testing.T) {
	t.Parallel()
	s := newServer(t.Context(), newOptions(), Form{})
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, local)
	for url, status := range map[string]int{
		"http://127.0.0.1/" + s.token + "/stop": http.StatusNoContent,
		"http://127.0.0.1/x/stop":               http.StatusNotFound,
		"http://127.0.0.1/x":                    http.StatusNotFound,
		"http://x.test/":                        http.StatusForbidden,
	} {
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		s.guard("").ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", url, nil))
		if w.Code != status || len(w.read) != 1 || len(w.write) != 1 ||
			w.read[0].IsZero() || w.write[0].IsZero() {
			t.Errorf("%s: %d, deadlines %v and %v", url, w.Code, w.read, w.write)
		}
	}
}

func TestRelaysAreBounded(t *testing.T) {
	t.Parallel()
	_, page := serve(t, newOptions())
	for range maxRelays {
		resp, err := http.Get(page + "relay")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
	}
	if resp, _ := do(t, "GET", page+"relay", ""); resp.StatusCode !=
		http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one page more: %s", resp.Status)
	}
}

func TestRelayIsAnEventStream(t *testing.T) {
	t.Parallel()
	_, page := serve(t, newOptions())
	resp, err := http.Get(page + "relay")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	wantHeaders(t, "relay", resp)
	if err := sse.DefaultCheckResponse(resp); err != nil {
		t.Error(err)
	}
}
