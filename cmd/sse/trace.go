package main

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

// traceTo writes a request's headers as they were sent, in curl's manner, and closes wrote.
func traceTo(w io.Writer, req *http.Request) (trace *httptrace.ClientTrace, wrote <-chan struct{}) {
	var mu sync.Mutex
	var b strings.Builder
	proto := "HTTP/1.1"
	done := make(chan struct{})
	once := sync.OnceFunc(func() { close(done) })
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			how := "connected to"
			if info.Reused {
				how = "using the connection to"
			}
			fmt.Fprintf(w, "* %s %s\n", how, info.Conn.RemoteAddr())
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				fmt.Fprintf(w, "* %s, %s\n", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
			}
		},
		WroteHeaderField: func(name string, values []string) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(name, ":") {
				proto = "HTTP/2"
				return
			}
			for _, v := range values {
				fmt.Fprintf(&b, "> %s: %s\n", escape.Line(name), escape.Line(redact.Header(name, v))) // an id is the server's
			}
		},
		WroteHeaders: func() {
			mu.Lock()
			defer mu.Unlock()
			path := req.URL.EscapedPath()
			if path == "" {
				path = "/"
			}
			fmt.Fprintf(w, "> %s %s %s\n%s>\n", escape.Line(req.Method), escape.Line(path+redact.Query(req.URL)), proto, b.String())
			b.Reset()
			once() // a request may be written twice, where a connection turns out to be dead
		},
	}, done
}

// dump is a response's status and headers in curl's manner.
func dump(resp *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "< %s %s\n", resp.Proto, escape.Line(resp.Status))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			fmt.Fprintf(&b, "< %s: %s\n", escape.Line(name), escape.Line(redact.Header(name, v)))
		}
	}
	if resp.Uncompressed {
		b.WriteString("* the body is gzip, and read as what it holds\n")
	}
	b.WriteString("<\n")
	return b.String()
}
