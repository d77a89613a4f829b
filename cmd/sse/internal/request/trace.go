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
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
)

// traceTo returns req with a trace that writes to w the connection and the headers as they are
// sent, in the format of curl -v. The function wait waits until the headers are written.
func traceTo(w io.Writer, req *http.Request) (traced *http.Request, wait func()) {
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			verb := "connected to"
			if info.Reused {
				verb = "using the connection to"
			}
			fmt.Fprintf(w, "* %s %s\n", verb, info.Conn.RemoteAddr())
			if c, ok := info.Conn.(*tls.Conn); ok && !info.Reused {
				state := c.ConnectionState()
				fmt.Fprintf(w, "* %s, %s\n",
					tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
			}
		},
	})
	return TraceHeader(req.WithContext(ctx), func(proto string, fields [][2]string) {
		path := req.URL.EscapedPath()
		if path == "" {
			path = "/"
		}
		path += redact.Query(req.URL)
		var b strings.Builder
		fmt.Fprintf(&b, "> %s %s %s\n", escape.Line(req.Method), escape.Line(path), proto)
		for _, f := range fields {
			writeField(&b, ">", f[0], f[1])
		}
		b.WriteString(">\n")
		io.WriteString(w, b.String())
	})
}

// TraceHeader returns req with a trace that calls sent when the header fields of the request were
// sent. The call is made on another goroutine, and with HTTP/2 perhaps after the response has
// arrived. If the connection turns out to be dead and the request is sent again, sent is called
// again. The function wait waits until sent has returned, but at most a second.
func TraceHeader(
	req *http.Request, sent func(proto string, fields [][2]string),
) (traced *http.Request, wait func()) {
	done := make(chan struct{})
	h := &headerTrace{sent: sent, proto: "HTTP/1.1"}
	h.done = sync.OnceFunc(func() { close(done) })
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteHeaderField: h.field,
		WroteHeaders:     h.end,
	})
	return req.WithContext(ctx), func() {
		select {
		case <-done:
		case <-time.After(time.Second):
		}
	}
}

// A headerTrace collects the header fields of a request.
type headerTrace struct {
	sent func(proto string, fields [][2]string)
	done func()

	mu     sync.Mutex
	proto  string
	fields [][2]string
}

// field is called for each header field that was sent.
func (h *headerTrace) field(name string, values []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasPrefix(name, ":") { // a pseudo-header
		h.proto = "HTTP/2"
		return
	}
	for _, v := range values {
		h.fields = append(h.fields, [2]string{name, v})
	}
}

// end is called when all header fields were sent.
func (h *headerTrace) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent(h.proto, h.fields)
	h.fields = nil
	h.done()
}

// responseHeader returns the status line and the headers of resp in the format of curl -v.
func responseHeader(resp *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "< %s %s\n", resp.Proto, escape.Line(resp.Status))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			writeField(&b, "<", name, v)
		}
	}
	if resp.Uncompressed {
		b.WriteString("* the body is gzip and is decoded\n")
	}
	b.WriteString("<\n")
	return b.String()
}

// writeField writes a line for a header field, without secrets. It also escapes what the client
// sent, because the Last-Event-ID comes from the server.
func writeField(b *strings.Builder, prefix, name, value string) {
	value = redact.Header(name, value)
	fmt.Fprintf(b, "%s %s: %s\n", prefix, escape.Line(name), escape.Line(value))
}
