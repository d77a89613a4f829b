package check_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/check"
	"github.com/seed-0d85b69d/sse/ssetest"
)

var abc = []sse.Event{
	{ID: "1", Type: "message", Data: "a"},
	{ID: "2", Type: "message", Data: "b"},
	{ID: "3", Type: "message", Data: "c"},
}

// bothWays runs f with a server on sockets and with one in memory inside a bubble.
func bothWays(t *testing.T,
	f func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server)) {
	t.Run("sockets", func(t *testing.T) { t.Parallel(); f(t, ssetest.NewServer) })
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { f(t, ssetest.NewMemoryServer) })
	})
}

const goodHeader = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
	"Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"

// checkText checks a response that is given as text. Its body ends with the connection.
func checkText(t *testing.T, method, response string) check.Report {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(response)),
		&http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	report := check.Response(t.Context(), resp, 0)
	compareWatch(t, method, response, report)
	return report
}

// compareWatch checks that Watch finds in a response what Response does.
func compareWatch(t *testing.T, method, response string, report check.Report) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(response)),
		&http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]check.Finding{}
	check.Watch(resp, func(f check.Finding) { found[f.Rule] = f })
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	want := map[string]check.Finding{}
	for _, f := range report.Findings {
		if f.Rule == "status" { // Watch leaves the body, which Response quotes, to its reader
			f.Message, _, _ = strings.Cut(f.Message, " The server says")
		}
		want[f.Rule] = f
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("findings of Watch (-Response +Watch):\n%s", diff)
	}
}

// brief returns the position, the severity and the rule of each finding.
func brief(r check.Report) []string {
	var s []string
	for _, f := range r.Findings {
		s = append(s, fmt.Sprintf("%d+%d %v %s", f.Line, f.Offset, f.Severity, f.Rule))
	}
	return s
}

func chunked(chunks ...string) string {
	var b strings.Builder
	for _, c := range append(chunks, "") {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(c), c)
	}
	return b.String()
}

// A cancelAt calls cancel when n bytes have been read.
type cancelAt struct {
	io.ReadCloser
	n      int
	cancel func()
}

func (c *cancelAt) Read(b []byte) (int, error) {
	if c.n == 0 {
		c.cancel()
	}
	n, err := c.ReadCloser.Read(b[:min(len(b), max(c.n, 1))])
	c.n -= n
	return n, err
}

// An endless is an endless stream of parts. It calls f near byte at.
type endless struct {
	part func(int) string
	n    int
	rest string
	sum  int
	at   int
	f    func()
}

func (e *endless) Read(b []byte) (int, error) {
	if e.f != nil && e.sum >= e.at {
		e.f()
		e.f = nil
	}
	var n int
	for n < len(b) {
		if e.rest == "" {
			e.rest = e.part(e.n)
			e.n++
		}
		m := copy(b[n:], e.rest)
		n += m
		e.rest = e.rest[m:]
	}
	e.sum += n
	return n, nil
}

// checkFor makes a request, checks the response for a time and compares the findings.
func checkFor(t *testing.T, srv *ssetest.Server, d time.Duration, want []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, brief(check.Response(ctx, resp, 0))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
