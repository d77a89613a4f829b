package ssetest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/sockerr"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

func TestConn(t *testing.T) {
	tests := []struct {
		name   string
		conn   Conn
		header []string // of the request
		status int      // zero if there is no response
		want   string   // the body
		err    error    // of the body or of the request
	}{
		{"no steps", Conn{}, nil, 200, "", nil},
		{"events", Conn{Send(abc[:2]...)}, nil, 200, "id: 1\ndata: a\n\nid: 2\ndata: b\n\n", nil},
		{"raw", Conn{Raw("data: a\r"), Raw("\r")}, nil, 200, "data: a\r\r", nil},
		{"comment and retry", Conn{Comment("hi"), Retry(2 * time.Second)}, nil, 200, ":hi\nretry: 2000\n",
			nil},
		{"status", Conn{Status(503), Raw("busy")}, nil, 503, "busy", nil},
		{"no content", Conn{Status(204)}, nil, 204, "", nil},
		{"early hints", Conn{Status(103, "Link", "</a>"), Send(abc[0])}, nil, 200, wireA, nil},
		{"end in an event", Conn{After(9, End()), Send(abc[0])}, nil, 200, wireA[:9], nil},
		{"cut", Conn{Send(abc[0]), Cut()}, nil, 200, wireA, io.ErrUnexpectedEOF},
		{"cut in an event", Conn{After(9, Cut()), Send(abc...)}, nil, 200, wireA[:9],
			io.ErrUnexpectedEOF},
		{"cut at byte 0", Conn{After(0, Cut()), Send(abc...)}, nil, 200, "", io.ErrUnexpectedEOF},
		{"cut after the last byte", Conn{After(len(wireA), Cut()), Send(abc[0])}, nil, 200, wireA,
			io.ErrUnexpectedEOF},
		{"cut before the header", Conn{Cut()}, nil, 0, "", io.EOF},
		{"reset", Conn{Send(abc[0]), Reset()}, nil, 200, wireA, syscall.ECONNRESET},
		{"reset in an event", Conn{After(9, Reset()), Send(abc[0])}, nil, 200, wireA[:9],
			syscall.ECONNRESET},
		{"reset before the header", Conn{Reset()}, nil, 0, "", syscall.ECONNRESET},
		{"two afters", Conn{After(9, Cut()), After(3, Raw("xx")), Send(abc[0])}, nil, 200, "id:xx 1\nd",
			io.ErrUnexpectedEOF},
		{"short of its length", Conn{Status(200, "Content-Length", "100"), Send(abc[0])}, nil, 200, wireA,
			io.ErrUnexpectedEOF},
		{"chunks", Conn{Chunks(1), Send(abc[0])}, nil, 200, wireA, nil},
		{"gzip", Conn{Gzip(), Send(abc[0]), Comment("")}, nil, 200, wireA + ":\n", nil},
		{"gzip ends", Conn{Gzip(), Send(abc[0]), End()}, nil, 200, wireA, nil},
		{"gzip is cut", Conn{Gzip(), Send(abc[0]), Cut()}, nil, 200, wireA, io.ErrUnexpectedEOF},
		{"gzip ends early", Conn{Gzip(), After(10, End()), Send(abc[0])}, nil, 200, "",
			io.ErrUnexpectedEOF},
		{"replay from the start", Conn{Replay(abc...)}, nil, 200,
			"id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n", nil},
		{"replay", Conn{Replay(abc...)}, []string{"Last-Event-ID", "2"}, 200, "id: 3\ndata: c\n\n", nil},
		{"replay is done", Conn{Replay(abc...)}, []string{"Last-Event-ID", "3"}, 204, "", nil},
		{"replay after the header", Conn{Status(200), Replay(abc...)}, []string{"Last-Event-ID", "3"},
			200, "", nil},
		{"replay of an unknown id", Conn{Replay(abc[:1]...)}, []string{"Last-Event-ID", "x"}, 200, wireA,
			nil},
		{"replay of a shared id", Conn{Replay(sse.Event{ID: "1"}, sse.Event{ID: "1", Data: "x"})},
			[]string{"Last-Event-ID", "1"}, 200, "id: 1\ndata: x\n\n", nil},
		{"replay of an id with spaces", Conn{Replay(sse.Event{ID: " a "}, sse.Event{ID: "1", Data: "x"})},
			[]string{"Last-Event-ID", "a"}, 200, "id: 1\ndata: x\n\n", nil},
		{"want header", Conn{WantHeader("Last-Event-ID", "7"), WantNoHeader("X-A"), Status(204)},
			[]string{"Last-Event-ID", "7"}, 204, "", nil},
		{"do", Conn{Do(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) }), Cut()},
			nil, 200, "/stream?q=1", io.ErrUnexpectedEOF},
		{"do flushes", Conn{Do(func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }),
			Cut()}, nil, 200, "", io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				resp, body, err := get(t, newServer(t, tt.conn), tt.header...)
				status := 0
				if resp != nil {
					status = resp.StatusCode
				}
				if status != tt.status || body != tt.want {
					t.Errorf("got %d %q, want %d %q", status, body, tt.status, tt.want)
				}
				http2 := resp != nil && resp.ProtoMajor == 2 || strings.HasSuffix(t.Name(), "http2")
				if http2 && tt.err != nil {
					if err == nil {
						t.Errorf("got no error, want one in place of %v", tt.err)
					}
				} else if !sockerr.Is(err, tt.err) {
					t.Errorf("got error %v, want %v", err, tt.err)
				}
			})
		})
	}
}

func TestConnResponseHeader(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv := newServer(t,
			Conn{Send(abc[0])},
			Conn{Status(200, "Content-Type", "text/html", "X-A", "1", "X-A", "2")},
			Conn{Status(200, "Trailer", "X-End"), Send(abc[0]),
				Do(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-End", "fine") })},
			Conn{Gzip(), Send(abc[0])},
		)
		var got []string
		for range 4 {
			resp, _, err := get(t, srv)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(resp.Header["Content-Type"], resp.Header["Cache-Control"],
				resp.Header["X-A"], resp.Trailer, resp.Uncompressed))
		}
		want := []string{
			"[text/event-stream] [no-cache] [] map[] false",
			"[text/html] [] [1 2] map[] false",
			"[text/event-stream] [no-cache] [] map[X-End:[fine]] false",
			"[text/event-stream] [no-cache] [] map[] true",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	})
}

// A Conn in another server also notices that the client of a POST disconnects.
func TestStallEndsWhenClientOfPostDisconnects(t *testing.T) {
	served := make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served) // it may panic
		served <- true
		Conn{Stall()}.ServeHTTP(w, r)
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", srv.URL, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-served
		cancel()
	}()
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Error("got a response")
	}
	<-served // blocks if Stall does not return
}

// The server can send data before the client reads it.
func TestSendDoesNotWaitForReader(t *testing.T) {
	threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		sent := make(chan struct{})
		srv := newServer(t, Conn{
			Raw(strings.Repeat(":\n", 16<<10)),
			Do(func(http.ResponseWriter, *http.Request) { close(sent) }),
		})
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		<-sent
		if body, err := io.ReadAll(resp.Body); len(body) != 32<<10 || err != nil {
			t.Errorf("got %d bytes, %v", len(body), err)
		}
	})
}

func TestWaitUntilChannelIsClosed(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		c := make(chan struct{})
		srv := newServer(t, Conn{Send(abc[0]), Wait(c), Send(abc[1])})
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		r := sse.NewReader(resp.Body)
		if !r.Next() || r.Event() != abc[0] {
			t.Errorf("got %v, want %v", r.Event(), abc[0])
		}
		close(c)
		if !r.Next() || r.Event() != abc[1] || r.Next() {
			t.Errorf("got %v, want %v and the end", r.Event(), abc[1])
		}
	})
}

func TestSleepIsExactInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := NewMemoryServer(t, Conn{Sleep(time.Hour), Send(abc[0]), After(20, Sleep(time.Minute)),
			Send(abc[1])}, Conn{})
		start := time.Now()
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != time.Hour {
			t.Errorf("header after %v, want 1h", got)
		}
		r := sse.NewReader(resp.Body)
		for i, want := range []time.Duration{time.Hour, time.Hour + time.Minute} {
			if !r.Next() || r.Event() != abc[i] || time.Since(start) != want {
				t.Errorf("got %v after %v, want %v after %v", r.Event(), time.Since(start), abc[i], want)
			}
		}
		resp.Body.Close()
		get(t, srv)
		if got := srv.Requests()[1].Time.Sub(start); got != time.Hour+time.Minute {
			t.Errorf("second request after %v", got)
		}
	})
}

// Conn and Each are handlers that work without a Server.
func TestConnServesWithoutServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: NewTransport(t, Each(func(n int, r *http.Request) http.Handler {
			return Conn{Send(abc[n])}
		}))}
		for i := range abc {
			resp, err := client.Get("http://sse.test")
			if err != nil {
				t.Fatal(err)
			}
			if r := sse.NewReader(resp.Body); !r.Next() || r.Event() != abc[i] {
				t.Errorf("got %v, want %v", r.Event(), abc[i])
			}
			resp.Body.Close()
		}
	})
}

// A client that disconnects while the server sends may miss steps that only end the
// response. Other steps that are not reached are reported.
func TestConnReportsDisconnectDuringSend(t *testing.T) {
	large := sse.Event{Data: strings.Repeat("x", 4<<20)}
	tests := []struct {
		name string
		conn Conn
		want []string
	}{
		{"only the end", Conn{Send(abc[0], large, large), Cut()}, nil},
		{"after with the end", Conn{After(16<<20, Reset()), Send(abc[0], large, large), Stall()}, nil},
		{"another step", Conn{Send(abc[0], large, large), Raw("x"), Cut()}, []string{
			`ssetest: connection 1: the client disconnected at step Send(id "1", id "", id ""); ` +
				`steps not reached: {Raw("x"), Cut()}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				tb := &fakeTB{TB: t}
				srv := newServer(tb, tt.conn)
				resp, err := srv.Client().Get(srv.URL)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(resp.Body, make([]byte, len(wireA))); err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if diff := cmp.Diff(tt.want, tb.end()); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Without a Server, a failure makes the request fail.
func TestConnWithoutServerPanics(t *testing.T) {
	defer func() {
		want := `ssetest: the request has no header X-A, want "1"`
		if got := recover(); got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	Conn{WantHeader("X-A", "1")}.ServeHTTP(w, r)
}
