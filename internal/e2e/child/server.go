//go:build unix

package child

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// A Server serves a log without TLS, over HTTP/1.1 and HTTP/2. Because the log depends on the time
// only, a server that replaces a killed one has the same events.
type Server struct {
	Addr string // host and port to listen on
	Log  eventlog.Schedule
}

// run prints "ready" and the address when the server accepts connections.
func (s *Server) run() error {
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	events := new(eventlog.Log)
	go events.Follow(s.Log, nil)
	srv := &http.Server{
		Handler:   events,
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 1 << 20},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	fmt.Fprintln(os.Stdout, "ready", l.Addr())
	return srv.Serve(l)
}

// StartServer starts s as a child, waits until it accepts connections, and sets Addr to its
// address. A second call replaces a killed server.
func (s *Server) StartServer() (*Process, error) {
	p, err := Start(Config{Server: s})
	if err != nil {
		return nil, err
	}
	addr, _, err := p.Expect("ready ", 10*time.Second)
	if err != nil {
		p.Kill()
		return nil, err
	}
	s.Addr = addr
	return p, nil
}
