// Package serve is a server of example streams, for people who write clients.
package serve

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
)

const defaultAddr = "127.0.0.1:8787"

// Paces says how fast some of the streams are.
type Paces struct {
	Word time.Duration // between the words of /llm
	Byte time.Duration // between the bytes of /slow
}

// DefaultPaces are paces that suit a person.
var DefaultPaces = Paces{Word: 40 * time.Millisecond, Byte: time.Second / 20}

// Options describes a server.
type Options struct {
	Addr           string   // without a host, on the loopback interface; if empty, defaultAddr
	Files          []string // recordings to replay; if empty, the server sends example streams
	Paces          Paces
	Stdout, Stderr io.Writer
}

// Run runs a server until ctx is done, and returns the exit code.
func Run(ctx context.Context, o Options) int {
	addr, err := webserver.ParseAddr(cmp.Or(o.Addr, defaultAddr))
	if err != nil {
		return errtext.PrintUsage(o.Stderr, "serve", fmt.Errorf("%w, or an existing file", err))
	}
	handler, paths := NewHandler(time.Now(), o.Paces, o.Stderr), examplePaths
	if len(o.Files) > 0 {
		r, err := readRecordings(o.Files)
		if err != nil {
			return errtext.PrintUsage(o.Stderr, "serve", err)
		}
		var next http.Handler = r
		if host, _, _ := net.SplitHostPort(addr); isLocal(host) {
			next = requireLocalHost(r)
		}
		handler, paths = newGuard(next, allowLocal, o.Stderr), r.describe()
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		errtext.Print(o.Stderr, "serve", err)
		return errtext.ExitError
	}
	fmt.Fprintf(o.Stdout, "serving %s (Ctrl-C ends it)\n%s",
		webserver.URL(l.Addr()), formatPaths(paths))
	return webserver.Serve(ctx, l, handler, "serve", o.Stderr)
}

// A path is a path of the server and a few words about it.
type path struct{ name, text string }

// formatPaths returns a line for each path.
func formatPaths(paths []path) string {
	width := 0
	for _, p := range paths {
		width = max(width, len(p.name))
	}
	var b strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, p.name, p.text)
	}
	return b.String()
}
