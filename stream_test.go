package sse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

func TestStreamResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		bodies := []string{"id:1\ndata:a\n\nid:2\ndata:b", "data:c\n\nid:3\n\n", ":\n"}
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			ids = append(ids, r.Header.Get("Last-Event-ID"))
			if n > len(bodies) {
				return status(204, ""), nil
			}
			return stream(bodies[n-1]), nil
		})
		req := newRequest(t, "GET", "http://example.com/", nil)
		req.Header.Set("Last-Event-ID", "0")
		s := client.Stream(req)
		var got []Event
		for ev, err := range s.All() {
			if err != nil {
				t.Errorf("All: %v", err)
			}
			got = append(got, ev)
		}
		equal(t, "events", got, []Event{{"1", "message", "a"}, {"1", "message", "c"}})
		equal(t, "Last-Event-ID", ids, []string{"0", "1", "3", "3"})
		equal(t, "LastEventID()", s.LastEventID(), "3")
		equal(t, "Err()", s.Err(), nil)
	})
}

func TestStreamSendsLastEventID(t *testing.T) {
	long := strings.Repeat("x", maxSentID)
	for _, test := range []struct {
		name, body string
		want       string // of the next request
	}{
		{"of an event", "id:1\ndata:\n\n", "1"},
		{"of a block without data", "id:1\n\n", "1"},
		{"not of an incomplete event", "id:1\ndata:x\n", "0"},
		{"not of an incomplete block", "id:1\n", "0"},
		{"empty", "id\ndata:\n\n", ""},
		{"surrounding space", "id: \t1 2 \t\ndata:\n\n", "1 2"},
		{"space only", "id: \t \ndata:\n\n", ""},
		{"UTF-8", "id:é\ndata:\n\n", "é"},
		{"invalid UTF-8", "id:\xff\ndata:\n\n", "\ufffd"},
		{"inner tab", "id:1\t2\ndata:\n\n", "1\t2"},
		{"U+0001", "id:1\x01\ndata:\n\n", "0"},
		{"U+0008", "id:1\x08\ndata:\n\n", "0"},
		{"U+000B", "id:1\x0b\ndata:\n\n", "0"},
		{"U+001F", "id:1\x1f\ndata:\n\n", "0"},
		{"U+007F", "id:1\x7f\ndata:\n\n", "0"},
		{"NUL", "id:1\x00\ndata:\n\n", "0"},
		{"before an unsendable ID", "id:1\ndata:\n\nid:2\x01\ndata:\n\n", "1"},
		{"after an unsendable ID", "id:2\x01\ndata:\n\nid:3\ndata:\n\n", "3"},
		{"4 KiB", "id:" + long + "\ndata:\n\n", long},
		{"more than 4 KiB", "id:" + long + "x\ndata:\n\n", "0"},
		{"more than 4 KiB with space", "id:" + long + "  \ndata:\n\n", long},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					got = append(got, r.Header.Get("Last-Event-ID"))
					if _, ok := r.Header["Last-Event-Id"]; ok != (got[n-1] != "") {
						t.Errorf("request %d has an empty Last-Event-ID", n)
					}
					if n == 2 {
						return status(204, ""), nil
					}
					return stream(test.body), nil
				})
				req := newRequest(t, "GET", "http://example.com/", nil)
				req.Header.Set("Last-Event-ID", "0")
				s := client.Stream(req)
				if _, err := data(s); err != nil {
					t.Error(err)
				}
				equal(t, "Last-Event-ID", got, []string{"0", test.want})
				equal(t, "LastEventID()", s.LastEventID(), test.want)
			})
		})
	}
}

// An ID that cannot be sent is still the ID of its event and of the events after it.
func TestStreamDeliversUnsendableID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 3 {
				return status(204, ""), nil
			}
			return stream([]any{"id:1\ndata:a\n\nid:\x01\ndata:b\n\n", "data:c\n\n"}[n-1]), nil
		})
		s := get(t, client)
		var got []Event
		var last []string
		for s.Next() {
			got = append(got, s.Event())
			last = append(last, s.LastEventID())
		}
		equal(t, "events", got, []Event{
			{"1", "message", "a"}, {"\x01", "message", "b"}, {"\x01", "message", "c"},
		})
		equal(t, "LastEventID()", last, []string{"1", "1", "1"})
	})
}

func TestStreamRejectsUnsendableLastEventID(t *testing.T) {
	for _, id := range []string{"a\nb", "\x01", strings.Repeat("x", maxSentID+1)} {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			t.Error("a request was sent")
			return nil, errors.New("no")
		})
		req := newRequest(t, "GET", "http://example.com/", nil)
		req.Header["Last-Event-Id"] = []string{id}
		var log bytes.Buffer
		client.Logger = textLogger(&log)
		s := client.Stream(req)
		if s.Err() != nil || s.State() != StateConnecting || log.Len() > 0 {
			t.Errorf("before the first Next: Err() = %v, State() = %v, log:\n%s",
				s.Err(), s.State(), &log)
		}
		if s.Next() || s.Err() == nil || !strings.Contains(s.Err().Error(), "Last-Event-ID") {
			t.Errorf("Last-Event-ID %.8q: Err() = %v", id, s.Err())
		}
	}
}

func TestStreamEndsWhenEventTooLarge(t *testing.T) {
	client := newClient(t, sends("data:12345\n\ndata:123456\n\n").always)
	client.MaxEventSize = 5
	got, err := data(get(t, client))
	equal(t, "data", got, []string{"12345"})
	if !errors.Is(err, ErrEventTooLarge) {
		t.Errorf("Err() = %v", err)
	}
	if n := client.HTTPClient.Transport.(*transport).requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// A stream ends at once, wherever it is when its context is cancelled, or when another goroutine
// or a hook calls Close.
func TestStreamEndsAtOnce(t *testing.T) {
	cause := errors.New("shutting down")
	type ender struct {
		stream *Stream
		cancel context.CancelCauseFunc
	}
	ends := map[string]struct {
		end  func(ender)
		want []error
	}{
		"Close":  {func(e ender) { e.stream.Close() }, nil},
		"cancel": {func(e ender) { e.cancel(nil) }, []error{context.Canceled}},
		"cause":  {func(e ender) { e.cancel(cause) }, []error{context.Canceled, cause}},
	}
	// The requests get a failure, a 503 with a delayed body, and a stream with two events and a
	// comment.
	points := []string{
		"before the first Next", "in Prepare", "at the header", "in the first OnRetry", "in the wait",
		"in the error's body", "in CheckResponse", "in OnOpen", "in OnComment", "after an event",
		"in a read", "in OnRetry after a stream",
	}
	for name, how := range ends {
		for _, point := range points {
			t.Run(name+" "+point, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var e ender
					var ended time.Time
					end := func(here string) {
						if here == point {
							ended = time.Now()
							how.end(e)
							how.end(e)
						}
					}
					later := func(here string) {
						go func() {
							time.Sleep(time.Millisecond)
							end(here)
						}()
					}
					client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
						switch n {
						case 1:
							if point == "at the header" {
								later(point)
								return stall(r)
							}
							return nil, errors.New("no network")
						case 2:
							if point == "in the error's body" {
								later(point)
							}
							resp := status(503, "")
							resp.Body = newScript(time.Second, "later")
							return resp, nil
						case 3:
							return stream("id:1\ndata:a\n\n:comment\nid:2\ndata:b\n\n", time.Second), nil
						}
						t.Error("the stream did not end")
						return status(204, ""), nil
					})
					client.Prepare = func(*http.Request) error { end("in Prepare"); return nil }
					client.CheckResponse = func(r *http.Response) error {
						end("in CheckResponse")
						return DefaultCheckResponse(r)
					}
					client.OnOpen = func(*http.Response) { end("in OnOpen") }
					client.OnComment = func(string) { end("in OnComment") }
					client.OnRetry = func(err error, _ time.Duration) {
						if err == io.EOF {
							end("in OnRetry after a stream")
						} else {
							end("in the first OnRetry")
							if point == "in the wait" {
								later(point)
							}
						}
					}
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					s := client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx))
					e = ender{s, cancel}
					end("before the first Next")
					for s.Next() {
						end("after an event")
						if point == "in a read" && string(s.Data()) == "b" {
							later(point)
						}
						if point == "in OnComment" && name == "Close" && string(s.Data()) == "b" {
							t.Error("an event after Close")
						}
					}
					if d := time.Since(ended); d != 0 {
						t.Errorf("the stream ended %v late", d)
					}
					if how.want == nil && s.Err() != nil {
						t.Errorf("Err() = %v, want nil", s.Err())
					}
					for _, want := range how.want {
						if !errors.Is(s.Err(), want) {
							t.Errorf("Err() = %v, want %v", s.Err(), want)
						}
					}
					if got := s.State(); got != StateClosed {
						t.Errorf("State() = %v", got)
					}
					if s.Event() != (Event{}) || s.Data() != nil || s.ID() != nil || s.Type() != "" {
						t.Errorf("after the end: event %v", s.Event())
					}
					if s.Next() {
						t.Error("Next() = true after false")
					}
					s.Reconnect()
					s.Close()
				})
			})
		}
	}
}

func TestStreamContextDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, sends("data:\n\n", forever).always)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := data(client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("Err() = %v after %v", err, time.Since(start))
		}
	})
}

// If the context is done before the first Next, nothing is sent.
func TestStreamCancelledBeforeNext(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no")
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx))
	if s.Next() || s.Err() != context.Canceled {
		t.Errorf("Err() = %v", s.Err())
	}
}

func TestStreamAllCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := newClient(t, sends("data:a\n\ndata:b\n\n", forever).always)
		client.Logger = textLogger(&log)
		s := get(t, client)
		for range s.All() {
			break
		}
		if s.State() != StateClosed || s.Err() != nil {
			t.Errorf("State() = %v, Err() = %v", s.State(), s.Err())
		}
		if n := client.HTTPClient.Transport.(*transport).open.Load(); n != 0 {
			t.Errorf("%d bodies left open", n)
		}
		const last = `msg="sse: closed" url=http://example.com/ attempt=1 last_event_id=""` + "\n"
		if !strings.HasSuffix(log.String(), last) {
			t.Errorf("the log does not end with %s%s", last, &log)
		}
		n := 0
		for range s.All() {
			n++
		}
		equal(t, "events of a closed stream", n, 0)

		client = newClient(t, refuses(401).always)
		var errs []error
		for ev, err := range get(t, client).All() {
			equal(t, "event", ev, Event{})
			errs = append(errs, err)
		}
		if len(errs) != 1 || errs[0] == nil {
			t.Errorf("errors: %v", errs)
		}
	})
}

func TestStreamState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		var got []string
		note := func(where string) { got = append(got, where+" "+s.State().String()) }
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			note("request")
			switch n {
			case 1:
				return stream(":\ndata:\n\n"), nil
			case 2:
				return status(503, ""), nil
			}
			return status(204, ""), nil
		})
		client.Prepare = func(*http.Request) error { note("Prepare"); return nil }
		client.CheckResponse = func(r *http.Response) error {
			note("CheckResponse")
			return DefaultCheckResponse(r)
		}
		client.OnOpen = func(*http.Response) { note("OnOpen") }
		client.OnComment = func(string) { note("OnComment") }
		client.OnRetry = func(error, time.Duration) { note("OnRetry") }
		s = get(t, client)
		note("before")
		for s.Next() {
			note("event")
		}
		note("after")
		equal(t, "states", got, []string{
			"before connecting",
			"Prepare connecting", "request connecting", "CheckResponse connecting",
			"OnOpen open", "OnComment open", "event open",
			"OnRetry connecting",
			"Prepare connecting", "request connecting", "CheckResponse connecting",
			"OnRetry connecting",
			"Prepare connecting", "request connecting", "after closed",
		})
	})
}

func TestClientOnOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 3 {
				return status(204, ""), nil
			}
			resp := stream("data:\n\n")
			resp.Header.Set("N", fmt.Sprint(n))
			return resp, nil
		})
		var got []string
		client.OnOpen = func(r *http.Response) {
			b, err := io.ReadAll(r.Body)
			r.Body.Close()
			got = append(got, fmt.Sprint(r.Status, " ", r.Header.Get("N"), " ", string(b), err))
		}
		events, _ := data(get(t, client))
		equal(t, "OnOpen", got, []string{"200 OK 1 <nil>", "200 OK 2 <nil>"})
		equal(t, "data", events, []string{"", ""})
	})
}

// Each change of state makes one record, with these attributes and no others.
func TestStreamLogsStateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				return nil, errors.New("no network")
			case 2:
				return status(503, "try\x1b[31m later\n", "Retry-After", "60"), nil
			case 3:
				return stream("id:7\ndata:\n\n"), nil
			}
			return status(401, "{}"), nil
		})
		client.Logger = textLogger(&log)
		calls := 0
		client.Prepare = func(r *http.Request) error {
			if calls++; calls == 1 {
				return errors.New("no token")
			}
			r.URL.Path = "/path"
			return nil
		}
		const url = "http://user:pass@example.com/?q=secret#f"
		_, err := data(client.Stream(newRequest(t, "GET", url, nil)))
		if err == nil {
			t.Error("Err() = nil")
		}
		const at, to = " url=http://example.com/", " url=http://example.com/path"
		equal(t, "log", strings.Split(log.String(), "\n"), []string{
			`level=WARN msg="sse: retrying"` + at + ` attempt=1 last_event_id="" wait=2s` +
				` cause="no token"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=2 last_event_id=""`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=2 last_event_id="" wait=3s` +
				` cause="Get \"http://example.com/path\": no network"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=3 last_event_id=""`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=3 last_event_id="" wait=1m3s` +
				` status=503` +
				` cause="sse: 503 Service Unavailable: try[31m later (retry after 1m0s)"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=4 last_event_id=""`,
			`level=INFO msg="sse: open"` + to + ` attempt=4 last_event_id="" status=200`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=4 last_event_id=7 wait=2s cause=EOF`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=5 last_event_id=7`,
			`level=ERROR msg="sse: closed"` + to + ` attempt=5 last_event_id=7 status=401` +
				` cause="sse: 401 Unauthorized: {}"`,
			``,
		})
	})
}

// An end that the caller or the server requested is not logged as an error.
func TestStreamLogsEnd(t *testing.T) {
	const closed = ` msg="sse: closed" url=http://example.com/ attempt=1 last_event_id=""`
	for name, want := range map[string]string{
		"close":    `level=INFO` + closed,
		"cancel":   `level=INFO` + closed + ` cause="context canceled"`,
		"deadline": `level=ERROR` + closed + ` cause="context deadline exceeded"`,
		"204":      `level=INFO` + closed + ` status=204`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				var log bytes.Buffer
				client := newClient(t, func(int, *http.Request) (*http.Response, error) {
					if name == "204" {
						return status(204, ""), nil
					}
					return stream("data:\n\n", forever), nil
				})
				client.Logger = textLogger(&log)
				req := newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)
				s := client.Stream(req)
				for s.Next() {
					switch name {
					case "close":
						s.Close()
					case "cancel":
						cancel()
					}
				}
				lines := strings.Split(strings.TrimSpace(log.String()), "\n")
				equal(t, "last record", lines[len(lines)-1], want)
			})
		})
	}
}

// If the context ends while there is no connection, the error also reports the last failure.
func TestStreamErrNamesLastFailure(t *testing.T) {
	for _, test := range []struct {
		name    string
		respond func(n int, r *http.Request) (*http.Response, error)
		refused bool
		text    string
	}{
		{"in the wait after a 503", func(int, *http.Request) (*http.Response, error) {
			return status(503, "db is down"), nil
		}, true, "enough (last attempt: sse: 503 Service Unavailable: db is down)"},
		{"in a stream after a 503", func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return status(503, "db is down"), nil
			}
			return stream("data:\n\n", forever), nil
		}, false, "enough"},
		{"in the wait after a clean end", sends("data:\n\n").always, false, "enough"},
		{"in the body of a 401", func(int, *http.Request) (*http.Response, error) {
			resp := status(401, "")
			resp.Body = newScript("bad token", forever)
			return resp, nil
		}, true, "enough (last attempt: sse: 401 Unauthorized: bad token)"},
		{"in the wait after an error", fails(io.EOF).always, false,
			"enough (last attempt: Get \"http://example.com/\": EOF)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				enough := errors.New("enough")
				ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, enough)
				defer cancel()
				client := newClient(t, test.respond)
				req := newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)
				_, err := data(client.Stream(req))
				if want := "context deadline exceeded: " + test.text; fmt.Sprint(err) != want {
					t.Errorf("Err() = %v, want %s", err, want)
				}
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, enough) {
					t.Errorf("%v is not the error of the context", err)
				}
				if errors.Is(err, io.EOF) {
					t.Errorf("%v is io.EOF", err)
				}
				if errors.As(err, new(*ResponseError)) != test.refused {
					t.Errorf("%v is a *ResponseError: %t, want %t", err, !test.refused, test.refused)
				}
			})
		})
	}
}

func TestStreamReconnect(t *testing.T) {
	const s = time.Second
	type at struct {
		When time.Duration
		What string
	}
	// The reconnection time is 1 s, and Backoff adds 1 s, 2 s and so on. Reconnect skips one wait
	// until an event arrives, but attempts start at least 1 s apart.
	for _, test := range []struct {
		name    string
		respond responder
		hook    string        // the hook that calls Reconnect
		after   time.Duration // or the time at which ten other goroutines call it
		until   time.Duration // the time at which the stream is closed
		want    []at
	}{
		{
			name: "an open connection", respond: sends("data:\n\n", forever),
			after: 30 * s, until: 60 * s,
			want: []at{{0, "request"}, {30 * s, "retry 0s"}, {30 * s, "request"}},
		},
		{
			name: "a connection without events", respond: sends(forever),
			after: 30 * s, until: 60 * s,
			want: []at{{0, "request"}, {30 * s, "retry 0s"}, {30 * s, "request"}},
		},
		{
			name: "a wait", respond: refuses(503, "Retry-After", "100"),
			after: 30 * s, until: 60 * s,
			want: []at{{0, "request"}, {time.Millisecond, "retry 1m41s"},
				{30 * s, "request"}, {30*s + time.Millisecond, "retry 1m42s"}},
		},
		{
			name: "an attempt", respond: stall,
			after: 30 * s, until: 60 * s,
			want: []at{{0, "request"}, {30 * s, "retry 0s"}, {30 * s, "request"}},
		},
		{
			name: "every new connection without a storm", respond: sends(forever),
			hook: "OnOpen", until: 5 * s,
			want: []at{{0, "request"}, {0, "retry 1s"}, {1 * s, "request"}, {1 * s, "retry 2s"},
				{3 * s, "request"}, {3 * s, "retry 3s"}},
		},
		{
			name: "every wait without a storm", respond: fails(errors.New("no network")),
			hook: "OnRetry", until: 6 * s,
			want: []at{{0, "request"}, {0, "retry 2s"}, {1 * s, "request"}, {1 * s, "retry 3s"},
				{4 * s, "request"}, {4 * s, "retry 4s"}},
		},
		{
			name: "one Prepare after the first", respond: refuses(503),
			hook: "Prepare", until: 5 * s,
			want: []at{{0, "request"}, {0, "retry 2s"},
				{2 * s, "retry 1s"}, {3 * s, "request"}, {3 * s, "retry 3s"}},
		},
		{
			name:    "after the complete events already read",
			respond: sends(":\ndata:a\n\ndata:b\n\ndata:c", forever),
			hook:    "OnComment", until: 3 * s,
			want: []at{{0, "request"}, {0, "event a"}, {0, "event b"}, {0, "retry 1s"},
				{1 * s, "request"}, {1 * s, "event a"}, {1 * s, "event b"}, {1 * s, "retry 1s"},
				{2 * s, "request"}, {2 * s, "event a"}, {2 * s, "event b"}, {2 * s, "retry 1s"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var got []at
				var s *Stream
				reconnectIn := func(hook string) {
					if hook == test.hook {
						s.Reconnect()
						s.Reconnect()
					}
				}
				record := func(what ...any) {
					got = append(got, at{time.Since(start), fmt.Sprint(what...)})
					if len(got) == len(test.want) && test.hook == "OnComment" {
						s.Close()
					}
				}
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					record("request")
					if test.hook == "" {
						time.Sleep(time.Millisecond) // the ten calls come before the response
					}
					return test.respond(r)
				})
				client.Prepare = func(*http.Request) error { reconnectIn("Prepare"); return nil }
				client.OnOpen = func(*http.Response) { reconnectIn("OnOpen") }
				client.OnComment = func(string) { reconnectIn("OnComment") }
				client.OnRetry = func(err error, wait time.Duration) {
					if wait == 0 && err != ErrReconnect {
						t.Errorf("OnRetry(%v, 0)", err)
					}
					record("retry ", wait)
					reconnectIn("OnRetry")
				}
				s = get(t, client)
				s.Reconnect() // no effect before the first Next
				if test.after > 0 {
					for range 10 {
						time.AfterFunc(test.after, s.Reconnect)
					}
				}
				time.AfterFunc(test.until, func() { s.Close() })
				for s.Next() {
					if test.hook == "OnComment" {
						record("event ", string(s.Data()))
					}
				}
				if s.Err() != nil {
					t.Errorf("Err() = %v", s.Err())
				}
				equal(t, "timeline", got, test.want)
			})
		})
	}
}

// Reconnect does not end a stream, even if Backoff stops. Then Backoff adds nothing to the wait.
func TestStreamReconnectWhenBackoffStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 4 {
				return status(204, ""), nil
			}
			return stream(forever), nil
		})
		client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
		client.OnOpen = func(*http.Response) { s.Reconnect() }
		var waits []time.Duration
		client.OnRetry = func(_ error, wait time.Duration) { waits = append(waits, wait) }
		s = get(t, client)
		_, err := data(s)
		equal(t, "Err()", err, nil)
		equal(t, "waits", waits, []time.Duration{time.Second, time.Second, time.Second})
	})
}

// The reconnection time persists on the next connection and after the end of the stream.
func TestStreamRetryPersists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			return []*http.Response{stream("retry:5\n\n"), stream("data:\n\n"), status(204, "")}[n-1], nil
		})
		s := get(t, client)
		if d, ok := s.Retry(); d != 0 || ok {
			t.Errorf("before the first Next: Retry() = %v, %t", d, ok)
		}
		for again := true; again; {
			again = s.Next()
			if d, ok := s.Retry(); d != 5*time.Millisecond || !ok {
				t.Errorf("Retry() = %v, %t", d, ok)
			}
		}
	})
}

// Reconnect has no effect on a request that must not be repeated.
func TestStreamReconnectDoesNotRepeatPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			s.Reconnect()
			return stream("data:a\n\n", time.Minute, "data:b\n\n"), nil
		})
		client.OnOpen = func(*http.Response) { s.Reconnect() }
		s = request(t, client, "POST", nil)
		time.AfterFunc(time.Second, s.Reconnect)
		got, err := data(s)
		equal(t, "data", got, []string{"a", "b"})
		equal(t, "Err()", err, nil)
	})
}

// Any goroutine may call Close, Reconnect and State at any time. Run with the race detector, this
// test finds unsynchronized access.
func TestStreamConcurrentCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n % 4 {
			case 1:
				return nil, errors.New("no network")
			case 2:
				return status(503, "busy"), nil
			case 3:
				return stream("data:\n\n", time.Millisecond, "data:"), nil
			}
			return stream("data:\n\n:\ndata:\n\n", forever), nil
		})
		client.IdleTimeout = time.Minute
		client.OnComment = func(string) {}
		var wg sync.WaitGroup
		for range 20 {
			s := get(t, client)
			done := make(chan struct{})
			for i := range 4 {
				wg.Go(func() {
					for {
						select {
						case <-done:
							return
						case <-time.After(time.Duration(i+1) * 777 * time.Microsecond):
						}
						if i < 3 {
							s.Reconnect()
						}
						s.State()
					}
				})
			}
			wg.Go(func() {
				time.Sleep(time.Second)
				s.Close()
			})
			wg.Go(func() {
				defer close(done)
				if _, err := data(s); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// A stream that waits or has ended holds nothing of its last connection but its last event ID.
func TestStreamReleasesBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := "id:7\ndata:" + strings.Repeat("x", 100<<10) + "\n\n:" + strings.Repeat("x", 2000) + "\n"
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return stream(data, "data:cut"), nil
			}
			return status(204, ""), nil
		})
		client.OnComment = func(string) {}
		var s *Stream
		check := func(when string) {
			t.Helper()
			r := &s.reader
			if r.src != nil || r.err != nil || s.conn != nil {
				t.Errorf("%s: the stream holds its connection", when)
			}
			if r.p.buf.data != nil || r.p.buf.small != nil || r.p.buf.pooled != nil ||
				r.p.partial.text != nil || r.p.data.own != nil || r.p.idBuffer.own != nil {
				t.Errorf("%s: the stream holds a buffer", when)
			}
			equal(t, when+": LastEventID()", s.LastEventID(), "7")
			equal(t, when+": Event()", s.Event(), Event{})
		}
		client.OnRetry = func(error, time.Duration) { check("while waiting") }
		s = get(t, client)
		for s.Next() {
		}
		check("at the end")
	})
}
