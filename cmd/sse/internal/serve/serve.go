// Package serve is a server of example streams, for people who write clients.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
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
	addr, err := parseAddr(cmp.Or(o.Addr, defaultAddr))
	if err != nil {
		return errtext.PrintUsage(o.Stderr, fmt.Errorf("serve: %w", err))
	}
	handler, paths := NewHandler(time.Now(), o.Paces, o.Stderr), examplePaths
	if len(o.Files) > 0 {
		r, err := readRecordings(o.Files)
		if err != nil {
			return errtext.PrintUsage(o.Stderr, fmt.Errorf("serve: %w", err))
		}
		handler, paths = newGuard(r, allowLocal, o.Stderr), r.describe()
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		errtext.Print(o.Stderr, "serve", err)
		return errtext.ExitError
	}
	fmt.Fprintf(o.Stdout, "serving http://%s/ (Ctrl-C ends it)\n%s", l.Addr(), formatPaths(paths))
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		fmt.Fprintln(o.Stderr, "sse: other machines can reach this server")
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: requestTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	err = server.Serve(l)
	if sig := (errtext.Signal{}); errors.As(context.Cause(ctx), &sig) {
		return errtext.ExitStatus(sig).Code
	}
	errtext.Print(o.Stderr, "serve", err)
	return errtext.ExitError
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

// parseAddr returns the address to listen on. Only an address with a host can be reached from other
// machines.
func parseAddr(addr string) (string, error) {
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", errors.New("bad address; want a port, or host:port, or a file")
	}
	return addr, nil
}
