// Package inspect is a server of a page on which a person sends requests and watches their event
// streams.
package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

const (
	defaultListen = "127.0.0.1:0"

	// DefaultMemory is how many bytes are kept of a run unless Options say otherwise.
	DefaultMemory = 64 << 20
)

// Options describes a server.
type Options struct {
	Request      *request.Options // its connection applies to all requests, the rest fills the form
	NoReconnect  bool             // fills the form
	IdleTimeout  time.Duration    // fills the form
	MaxEventSize int              // as in sse.Client
	Listen       string           // the address to listen on; if empty, a free loopback port
	Memory       int              // bytes that are kept of a run; usually DefaultMemory
	Open         bool             // start a browser

	// Parse parses the words of a curl or sse command.
	Parse func(words []string) (Form, []string, error)

	Stdout, Stderr io.Writer
}

// Run runs a server until ctx is done, and returns the exit code.
func Run(ctx context.Context, o *Options) int {
	form, err := NewForm(o.Request, !o.NoReconnect, o.IdleTimeout)
	if err == nil {
		_, err = o.Request.Transport()
	}
	if err != nil {
		return errtext.PrintUsage(o.Stderr, fmt.Errorf("inspect: %w", err))
	}
	l, err := net.Listen("tcp", cmp.Or(o.Listen, defaultListen))
	if err != nil {
		errtext.Print(o.Stderr, "inspect", err)
		return errtext.ExitError
	}
	s := newServer(ctx, o, form)
	fmt.Fprintf(o.Stdout, "open %s (Ctrl-C ends it)\n", s.url(l.Addr()))
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		fmt.Fprintln(o.Stderr, "sse: other machines can reach this server")
	}
	server := &http.Server{
		Handler:           s.handler(o.Listen),
		ReadHeaderTimeout: requestTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	err = server.Serve(l)
	s.close()
	if sig := (errtext.Signal{}); errors.As(context.Cause(ctx), &sig) {
		return errtext.ExitStatus(sig).Code
	}
	errtext.Print(o.Stderr, "inspect", err)
	return errtext.ExitError
}
