package ssetest_test

import (
	"net/http"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/sockerr"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

func TestServerReports(t *testing.T) {
	// disconnect reads the first event and closes the connection.
	disconnect := func(t *testing.T, srv *Server) {
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if r := sse.NewReader(resp.Body); !r.Next() {
			t.Fatal("no event")
		}
		resp.Body.Close()
	}
	_, appendErr := sse.Event{ID: "a\n"}.Append(nil)
	request := func(t *testing.T, srv *Server) { get(t, srv) }
	tests := []struct {
		name   string
		script []http.Handler
		run    func(t *testing.T, srv *Server)
		want   []string
	}{
		{"used up", []http.Handler{Conn{Send(abc[0])}}, request, nil},
		{"unused connection", []http.Handler{Conn{}, Conn{Send(abc...), Sleep(time.Hour)},
			http.NotFoundHandler()}, request, []string{
			`ssetest: connection 2 was not requested: {Send(id "1", id "2", id "3"), Sleep(1h0m0s)}`,
			`ssetest: connection 3 was not requested: http.HandlerFunc`,
		}},
		{"unused each", []http.Handler{Conn{}, Each(nil)}, request, nil},
		{"unreached steps", []http.Handler{Conn{Send(abc[0]), Sleep(time.Hour), Raw("x"), Cut()}},
			disconnect, []string{
				`ssetest: connection 1: the client disconnected at step Sleep(1h0m0s); ` +
					`steps not reached: {Raw("x"), Cut()}`,
			}},
		{"disconnect in the last step", []http.Handler{Conn{Send(abc[0]), Wait(nil)}}, disconnect,
			[]string{
				`ssetest: connection 1: the client disconnected before the end of step Wait`,
			}},
		{"disconnect in a stall", []http.Handler{Conn{Send(abc[0]), Stall()}}, disconnect, nil},
		{"after that is not reached", []http.Handler{Conn{After(99, Cut()), Send(abc[0])}}, request,
			[]string{
				`ssetest: connection 1: steps not reached after 15 bytes of the body: {After(99, Cut())}`,
			}},
		{"one request too many", []http.Handler{Conn{}}, func(t *testing.T, srv *Server) {
			get(t, srv)
			if resp, _, _ := get(t, srv, "Last-Event-ID", "7"); resp.StatusCode != 204 {
				t.Errorf("got status %d, want 204", resp.StatusCode)
			}
			get(t, srv)
		}, []string{
			`ssetest: request 2 (GET /stream?q=1, Last-Event-ID "7"): ` +
				`the script has no handler left; the response is 204`,
			`ssetest: request 3 (GET /stream?q=1): the script has no handler left; the response is 204`,
		}},
		{"wrong header", []http.Handler{Conn{WantHeader("X-A", "1")}, Conn{WantNoHeader("X-A")},
			Conn{WantHeader("X-A", "1")}}, func(t *testing.T, srv *Server) {
			get(t, srv)
			get(t, srv, "X-A", "1")
			get(t, srv, "X-A", "1", "X-A", "2")
		}, []string{
			`ssetest: connection 1: the request has no header X-A, want "1"`,
			`ssetest: connection 2: the request has header X-A ["1"], want none`,
			`ssetest: connection 3: the request has header X-A ["1" "2"], want "1"`,
		}},
		{"event that cannot be sent", []http.Handler{Conn{Send(sse.Event{ID: "a\n"})}}, request, []string{
			`ssetest: connection 1: cannot send the event with id "a\n": ` + appendErr.Error(),
		}},
		{"two headers", []http.Handler{Conn{Send(abc[0]), Status(500)}}, request, []string{
			`ssetest: connection 1: Status(500): the header has already been sent`,
		}},
		{"compression after the header", []http.Handler{Conn{Status(503), Gzip(), Raw("x")}},
			func(t *testing.T, srv *Server) {
				if _, body, err := get(t, srv); body != "x" || err != nil {
					t.Errorf("got %q, %v", body, err)
				}
			}, []string{`ssetest: connection 1: Gzip(): the header has already been sent`}},
		{"steps after the end", []http.Handler{
			Conn{Cut(), Raw("x"), Raw("y")}, Conn{Send(abc[0]), Reset(), Raw("x")},
			Conn{End(), Raw("x")}, Conn{Stall(), Raw("x")},
		}, func(t *testing.T, srv *Server) {
			for range 3 {
				get(t, srv)
			}
			client := *srv.Client()
			client.Timeout = 100 * time.Millisecond
			client.Get(srv.URL)
		}, []string{
			`ssetest: connection 1: steps after Cut() are never reached: {Raw("x"), Raw("y")}`,
			`ssetest: connection 2: steps after Reset() are never reached: {Raw("x")}`,
			`ssetest: connection 3: steps after End() are never reached: {Raw("x")}`,
			`ssetest: connection 4: steps after Stall() are never reached: {Raw("x")}`,
		}},
		{"panic in a step", []http.Handler{
			Conn{Do(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), Raw("x")},
		}, request, []string{`ssetest: connection 1: step Do panicked or called FailNow`}},
		{"end of the goroutine in a step", []http.Handler{
			Conn{After(1, Do(func(http.ResponseWriter, *http.Request) { runtime.Goexit() })), Raw("x")},
		}, request, []string{`ssetest: connection 1: step Raw("x") panicked or called FailNow`}},
		{"nil handler", []http.Handler{nil, Conn{}, nil}, func(t *testing.T, srv *Server) {
			for _, want := range []int{204, 200} {
				if resp, _, _ := get(t, srv); resp.StatusCode != want {
					t.Errorf("got status %d, want %d", resp.StatusCode, want)
				}
			}
		}, []string{
			`ssetest: connection 1: the handler is nil; the response is 204`,
			`ssetest: connection 3 was not requested: <nil>`,
		}},
		{"nil handler of each", []http.Handler{
			Each(func(int, *http.Request) http.Handler { return nil }),
		}, request, []string{
			`ssetest: connection 1: the handler is nil; the response is 204`,
		}},
		{"longer than its length",
			[]http.Handler{Conn{Status(200, "Content-Length", "9"), Send(abc[0]), Cut()}}, request, []string{
				`ssetest: connection 1: the body is longer than its Content-Length`,
			}},
		{"unused is allowed", []http.Handler{Conn{Send(abc[0]), Sleep(time.Hour)}, Conn{}},
			func(t *testing.T, srv *Server) {
				srv.AllowUnused()
				disconnect(t, srv)
			}, nil},
		{"closed early", []http.Handler{Conn{}, Conn{}}, func(t *testing.T, srv *Server) {
			get(t, srv)
			srv.Close()
			if _, _, err := get(t, srv); !sockerr.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("after Close: got %v, want %v", err, syscall.ECONNREFUSED)
			}
		}, []string{`ssetest: connection 2 was not requested: {}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				tb := &fakeTB{TB: t}
				srv := newServer(tb, tt.script...)
				tt.run(t, srv)
				if diff := cmp.Diff(tt.want, tb.end()); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
			})
		})
	}
}
