package ssetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/sockerr"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

// bothWays runs f with a server on sockets and with one in memory inside a bubble.
func bothWays(t *testing.T, f func(t *testing.T,
	newServer func(testing.TB, ...http.Handler) *Server)) {
	t.Run("sockets", func(t *testing.T) { t.Parallel(); f(t, NewServer) })
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { f(t, NewMemoryServer) })
	})
}

// threeWays runs f as bothWays does, and with a server on HTTP/2.
func threeWays(t *testing.T, f func(t *testing.T,
	newServer func(testing.TB, ...http.Handler) *Server)) {
	bothWays(t, f)
	t.Run("http2", func(t *testing.T) { t.Parallel(); f(t, NewTLSServer) })
}

var abc = []sse.Event{{ID: "1", Type: "message", Data: "a"}, {ID: "2", Type: "message", Data: "b"},
	{ID: "3", Type: "message", Data: "c"}}

const wireA = "id: 1\ndata: a\n\n"

// get makes a request and reads the response to its end.
func get(t *testing.T, srv *Server, header ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/stream?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// types returns the types of the errors that err wraps and the text of the last one.
func types(err error) string {
	var s []string
	for ; err != nil; err = errors.Unwrap(err) {
		s = append(s, fmt.Sprintf("%T", err))
		if errors.Unwrap(err) == nil {
			if sockerr.Is(err, syscall.ECONNRESET) {
				err = syscall.ECONNRESET // Windows has another text
			}
			s = append(s, err.Error())
		}
	}
	return strings.Join(s, " ")
}

type closer struct {
	io.Reader
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }

// resume reads a stream like a client: it reconnects with the last ID until the
// response is 204.
func resume(ctx context.Context, srv *Server, f func(sse.Event)) error {
	client, last := srv.Client(), ""
	for {
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
		if err != nil {
			return err
		}
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		resp, err := client.Do(req)
		if err != nil {
			continue
		}
		if resp.StatusCode == http.StatusNoContent {
			return resp.Body.Close()
		}
		for r := sse.NewReader(resp.Body); r.Next(); last = r.LastEventID() {
			f(r.Event())
		}
		resp.Body.Close()
	}
}

func replayServer(tb testing.TB, newServer func(testing.TB, ...http.Handler) *Server,
	conns int) (srv *Server, events []sse.Event) {
	for i := range 50 {
		events = append(events, sse.Event{ID: fmt.Sprint(i), Type: "message",
			Data: strings.Repeat("x", i)})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ways := []Step{Cut(), Reset(), End()}
	return newServer(tb, Each(func(n int, r *http.Request) http.Handler {
		if n >= conns {
			return Conn{Replay(events...)}
		}
		if n%7 == 3 {
			return Conn{Status(503)}
		}
		return Conn{After(rng.IntN(20), ways[n%3]), Replay(events...)}
	})), events
}

// A fakeTB records the errors of a test.
type fakeTB struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (tb *fakeTB) Helper() {}

func (tb *fakeTB) Cleanup(f func()) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.cleanups = append(tb.cleanups, f)
}

func (tb *fakeTB) Errorf(format string, args ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.errors = append(tb.errors, fmt.Sprintf(format, args...))
}

// Fatalf records the error and ends the goroutine, as that of testing.T does.
func (tb *fakeTB) Fatalf(format string, args ...any) {
	tb.Errorf(format, args...)
	runtime.Goexit()
}

func (tb *fakeTB) end() []string {
	for _, f := range tb.cleanups {
		f()
	}
	return tb.errors
}

// connect returns both ends of a connection.
func connect(t *testing.T, l *Listener) (client, server net.Conn) {
	t.Helper()
	accepted := make(chan net.Conn)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err := l.DialContext(t.Context(), "tcp", "anywhere:80")
	if err != nil {
		t.Fatal(err)
	}
	return client, <-accepted
}

// writeRecording writes a recording to a file and returns its name.
func writeRecording(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "recording.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

const recordedHeader = `{"version":1,"status":200,"header":{"Content-Type":["text/event-stream"]}}`

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// An incomparableTB cannot be the key of a map.
type incomparableTB struct {
	*fakeTB
	_ []string
}
