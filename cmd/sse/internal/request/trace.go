package request

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
)

// traceTo returns a trace that writes to w the connection and the headers of a request as they are
// sent, in the format of curl -v. The channel is closed when the headers have been written.
func traceTo(w io.Writer, req *http.Request) (*httptrace.ClientTrace, <-chan struct{}) {
	done := make(chan struct{})
	closeDone := sync.OnceFunc(func() { close(done) })
	h := &headerTrace{w: w, req: req, proto: "HTTP/1.1", done: closeDone}
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			verb := "connected to"
			if info.Reused {
				verb = "using the connection to"
			}
			fmt.Fprintf(w, "* %s %s\n", verb, info.Conn.RemoteAddr())
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				fmt.Fprintf(w, "* %s, %s\n",
					tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
			}
		},
		WroteHeaderField: h.field,
		WroteHeaders:     h.end,
	}, done
}

// A headerTrace collects the headers of a request and writes them to w.
type headerTrace struct {
	w    io.Writer
	req  *http.Request
	done func()

	mu     sync.Mutex
	proto  string
	fields strings.Builder
}

// field is called for each header field that was sent.
func (h *headerTrace) field(name string, values []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasPrefix(name, ":") { // a pseudo-header
		h.proto = "HTTP/2"
		return
	}
	writeFields(&h.fields, ">", name, values)
}

// end is called when all header fields were sent. A request may be sent again if its connection
// turns out to be dead.
func (h *headerTrace) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	path := h.req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	path += redact.Query(h.req.URL)
	fmt.Fprintf(h.w, "> %s %s %s\n%s>\n",
		escape.Line(h.req.Method), escape.Line(path), h.proto, h.fields.String())
	h.fields.Reset()
	h.done()
}

// responseHeader returns the status line and the headers of resp in the format of curl -v.
func responseHeader(resp *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "< %s %s\n", resp.Proto, escape.Line(resp.Status))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		writeFields(&b, "<", name, resp.Header[name])
	}
	if resp.Uncompressed {
		b.WriteString("* the body is gzip and is decoded\n")
	}
	b.WriteString("<\n")
	return b.String()
}

// writeFields writes a line for each value of a header, without secrets. It also escapes what the
// client sent, because the Last-Event-ID comes from the server.
func writeFields(b *strings.Builder, prefix, name string, values []string) {
	for _, v := range values {
		v = redact.Header(name, v)
		fmt.Fprintf(b, "%s %s: %s\n", prefix, escape.Line(name), escape.Line(v))
	}
}
