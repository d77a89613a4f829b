package ssetest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-0d85b69d/sse/ssetest"
)

// mistakes are tests as a beginner might write them. Each of them fails.
var mistakes = map[string]struct {
	test func(t *testing.T)
	want string // what the output contains
}{
	"NewServer in a bubble": {func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := NewServer(t, Conn{Sleep(time.Hour)})
			srv.Client().Get(srv.URL)
		})
	}, "ssetest: NewServer was called inside a synctest bubble, where waiting for a socket stops " +
		"the clock; use NewMemoryServer\n"},
	"NewTLSServer in a bubble": {func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := NewTLSServer(t, Conn{})
			srv.Client().Get(srv.URL)
		})
	}, "ssetest: NewTLSServer was called inside a synctest bubble, "},
	"NewMemoryServer outside the bubble": {func(t *testing.T) {
		srv := NewMemoryServer(t, Conn{Sleep(time.Hour)})
		synctest.Test(t, func(t *testing.T) { srv.Client().Get(srv.URL) })
	}, "ssetest: the server in memory was made outside the synctest bubble that uses it; " +
		"make it inside the function that is passed to synctest.Test\n"},
	"Client outside the bubble": {func(t *testing.T) {
		srv := NewMemoryServer(t, Conn{Sleep(time.Hour)})
		client := srv.Client()
		synctest.Test(t, func(t *testing.T) { client.Get(srv.URL) })
	}, "panic: ssetest: the server in memory was made outside the synctest bubble that uses it; "},
	"NewTransport outside the bubble": {func(t *testing.T) {
		client := &http.Client{Transport: NewTransport(t, Conn{})}
		synctest.Test(t, func(t *testing.T) { client.Get("http://sse.test") })
	}, "panic: ssetest: the server in memory was made outside the synctest bubble that uses it; "},
	"client without a timeout": {func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := NewMemoryServer(t, Conn{Send(abc...), Stall()})
			resp, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			io.ReadAll(resp.Body)
		})
	}, "ssetest: connection 1: the client has not disconnected after 720h0m0s of Stall(); " +
		"give it a timeout, cancel its context, or close the server\n"},
}

// Each mistake is a test that fails soon with an explanation. It does not hang.
func TestMistakesAreExplained(t *testing.T) {
	const variable = "SSETEST_MISTAKE"
	if name := os.Getenv(variable); name != "" {
		mistakes[name].test(t)
		return
	}
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestMistakesAreExplained$")
			cmd.Env = append(os.Environ(), variable+"="+name)
			out, err := cmd.CombinedOutput()
			if _, failed := err.(*exec.ExitError); !failed || ctx.Err() != nil {
				t.Errorf("got %v, want a failed test", err)
			}
			if !strings.Contains(string(out), m.want) {
				t.Errorf("got output\n%s\nwant\n%s", out, m.want)
			}
			if n := strings.Count(string(out), "ssetest: "); n != 1 {
				t.Errorf("got %d messages, want 1:\n%s", n, out)
			}
		})
	}
}

// A Stall before the header fails in the same way, and so does a recording that ends with
// one.
func TestStallReportsClientWithoutTimeout(t *testing.T) {
	file := writeRecording(t, recordedHeader, `{"end":"closed"}`)
	for _, step := range []Step{Stall(), Recorded(file)} {
		synctest.Test(t, func(t *testing.T) {
			tb := &fakeTB{TB: t}
			srv := NewMemoryServer(tb, Conn{step})
			start := time.Now()
			if _, _, err := get(t, srv); err == nil {
				t.Errorf("%v: the response ended cleanly", step)
			}
			if took := time.Since(start); took != 30*24*time.Hour {
				t.Errorf("%v: the connection was cut after %v, want 30 days", step, took)
			}
			got := tb.end()
			if len(got) != 1 || !strings.Contains(got[0], "connection 1: the client has not disconnected") {
				t.Errorf("%v: got reports %q", step, got)
			}
		})
	}
}

// A Stall without a Server cannot report an error, so it waits for the client.
func TestStallWithoutServerHasNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 100 * 24 * time.Hour
		client := &http.Client{Transport: NewTransport(t, Conn{Stall()}), Timeout: timeout}
		start := time.Now()
		if resp, err := client.Get("http://sse.test"); err == nil {
			t.Errorf("got %v", resp)
		}
		if took := time.Since(start); took != timeout {
			t.Errorf("the request failed after %v, want %v", took, timeout)
		}
	})
}

// A Listener is checked in both directions.
func TestListenerRejectsOtherBubble(t *testing.T) {
	dial := func(t *testing.T, l *Listener) {
		t.Helper()
		defer func() {
			want := "ssetest: the server in memory was made outside the synctest bubble that uses it; " +
				"make it inside the function that is passed to synctest.Test"
			if got := recover(); got != want {
				t.Errorf("got %v, want %s", got, want)
			}
		}()
		l.DialContext(t.Context(), "", "")
	}
	outside := Listen()
	var inside *Listener
	synctest.Test(t, func(t *testing.T) {
		inside = Listen()
		dial(t, outside)
	})
	dial(t, inside)
	synctest.Test(t, func(t *testing.T) { dial(t, inside) })
}

// If a test has several servers, each message says which of them it is about.
func TestServerReportsSaySource(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		tb, other := &fakeTB{TB: t}, &fakeTB{TB: t}
		newServer(tb, Conn{WantHeader("X-A", "1")})
		second := newServer(tb, Conn{WantHeader("X-A", "1")}, Conn{})
		alone := newServer(other, Conn{})
		get(t, second)
		want := []string{
			`ssetest: server 2 (mistakes_test.go:N): connection 1: ` +
				`the request has no header X-A, want "1"`,
			`ssetest: server 1 (mistakes_test.go:N): ` +
				`no request was received; does the test use the client of Server.Client?`,
			`ssetest: server 1 (mistakes_test.go:N): ` +
				`connection 1 was not requested: {WantHeader("X-A", "1")}`,
			`ssetest: server 2 (mistakes_test.go:N): connection 2 was not requested: {}`,
		}
		line := regexp.MustCompile(`\.go:\d+\)`)
		var got []string
		for _, report := range tb.end() {
			got = append(got, line.ReplaceAllString(report, ".go:N)"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
		get(t, alone)
		get(t, alone)
		got = other.end()
		if len(got) != 1 || !strings.HasPrefix(got[0], "ssetest: request 2 ") {
			t.Errorf("one server: got %q", got)
		}
	})
}

// A testing.TB that cannot be a key of a map is no problem.
func TestServerWithIncomparableTB(t *testing.T) {
	tb := incomparableTB{&fakeTB{TB: t}, nil}
	for range 2 {
		NewMemoryServer(tb, Conn{})
	}
	for _, report := range tb.end() {
		if strings.Contains(report, "server ") && !strings.Contains(report, "no request was received") {
			t.Errorf("got %s", report)
		}
	}
}

// A test may make servers concurrently.
func TestServersMadeConcurrently(t *testing.T) {
	tb := &fakeTB{TB: t}
	made := make(chan *Server)
	for range 10 {
		go func() { made <- NewMemoryServer(tb, Conn{}) }()
	}
	for range 10 {
		(<-made).AllowUnused()
	}
	if got := tb.end(); len(got) > 0 {
		t.Errorf("got %q", fmt.Sprint(got))
	}
}
