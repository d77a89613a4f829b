// Package inspect is a server of a page on which a person sends requests and watches their event
// streams.
//
// The page sends a form, which begins a run: a request, its stream, and the requests that resume
// the stream. The run turns what happens into messages. The history keeps the newest of them, and
// the relay sends them to each page that is open, as an event stream. The store keeps the beginning
// of the stream as a recording, from which it can be saved. The guard refuses requests that do not
// come from the page.
package inspect

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
)

const (
	defaultListen = "127.0.0.1:0"

	// DefaultMemory is the value of Options.Memory without --memory.
	DefaultMemory = 64 << 20

	// MinMemory is the least value of Options.Memory. Several messages fit in a part of it.
	MinMemory = 8 << 20
)

// Options describes a server.
type Options struct {
	Request      *request.Options // its connection applies to all requests, the rest fills the form
	NoReconnect  bool             // fills the form
	IdleTimeout  time.Duration    // fills the form
	MaxEventSize int              // as in sse.Client
	Listen       string           // the address to listen on; if empty, a free loopback port
	Memory       int              // bytes for the messages and the recording, at least MinMemory
	Open         bool             // start a browser

	// Parse parses the words of a curl or sse command. The notes say what the form cannot hold.
	Parse func(words []string) (form Form, notes []string, err error)

	Stdout, Stderr io.Writer
}

// Run runs a server until ctx is done, and returns the exit code.
func Run(ctx context.Context, o *Options) int {
	form, err := NewForm(o.Request, !o.NoReconnect, o.IdleTimeout)
	if err == nil {
		_, err = o.Request.Transport()
	}
	var addr string
	if err == nil {
		addr, err = webserver.ParseAddr(cmp.Or(o.Listen, defaultListen))
	}
	if err != nil {
		return errtext.PrintUsage(o.Stderr, "inspect", err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		errtext.Print(o.Stderr, "inspect", err)
		return errtext.ExitError
	}
	s := newServer(ctx, o, form)
	g := s.guard(addr)
	fmt.Fprintf(o.Stdout, "open %s (Ctrl-C ends it)\n", pageURL(l.Addr(), s.token))
	if o.Open {
		if g.start, err = newStartFile(l.Addr()); err == nil {
			defer g.start.remove()
			err = openBrowser(g.start.name)
		}
		if err != nil {
			fmt.Fprintf(o.Stderr, "sse: --open: %s\n", errtext.Message(err))
		}
	}
	defer s.close()
	return webserver.Serve(ctx, l, g, "inspect", o.Stderr)
}
