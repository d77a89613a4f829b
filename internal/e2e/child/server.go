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

// A Server serves a log without TLS, over HTTP/1.1 and HTTP/2. The log depends on the time only, so
// that a server that replaces a killed one has the same events.
type Server struct {
	Addr   string        // host and port to listen on
	Begin  time.Time     // when the log is empty
	Period time.Duration // between two events
	Last   int           // number of the last event
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
	go s.grow(events)
	srv := &http.Server{
		Handler:   events,
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 1 << 20},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	fmt.Fprintln(os.Stdout, "ready", l.Addr())
	return srv.Serve(l)
}

// grow adds the events to l as time passes.
func (s *Server) grow(l *eventlog.Log) {
	ticker := time.NewTicker(s.Period)
	defer ticker.Stop()
	for ; l.Len() < s.Last; <-ticker.C {
		l.Grow(min(int(time.Since(s.Begin)/s.Period), s.Last))
	}
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
