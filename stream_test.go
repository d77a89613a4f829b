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
		{"an event's", "id:1\ndata:\n\n", "1"},
		{"a block's that is no event", "id:1\n\n", "1"},
		{"not of an unfinished event", "id:1\ndata:x\n", "0"},
		{"not of an unfinished block", "id:1\n", "0"},
		{"empty", "id\ndata:\n\n", ""},
		{"outer blanks", "id: \t1 2 \t\ndata:\n\n", "1 2"},
		{"blanks only", "id: \t \ndata:\n\n", ""},
		{"UTF-8", "id:é\ndata:\n\n", "é"},
		{"not UTF-8", "id:\xff\ndata:\n\n", "\ufffd"},
		{"a tab within", "id:1\t2\ndata:\n\n", "1\t2"},
		{"U+0001", "id:1\x01\ndata:\n\n", "0"},
		{"U+0008", "id:1\x08\ndata:\n\n", "0"},
		{"U+000B", "id:1\x0b\ndata:\n\n", "0"},
		{"U+001F", "id:1\x1f\ndata:\n\n", "0"},
		{"U+007F", "id:1\x7f\ndata:\n\n", "0"},
		{"NUL", "id:1\x00\ndata:\n\n", "0"},
		{"the newest that can be sent", "id:1\ndata:\n\nid:2\x01\ndata:\n\n", "1"},
		{"one that can, after one that can't", "id:2\x01\ndata:\n\nid:3\ndata:\n\n", "3"},
		{"4 KiB", "id:" + long + "\ndata:\n\n", long},
		{"more than 4 KiB", "id:" + long + "x\ndata:\n\n", "0"},
		{"more than 4 KiB with outer blanks", "id:" + long + "  \ndata:\n\n", long},
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

// An ID that can't be sent is still the event's, and the ID of the events after it.
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
		equal(t, "events", got, []Event{{"1", "message", "a"}, {"\x01", "message", "b"}, {"\x01", "message", "c"}})
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
			t.Errorf("before the first Next: Err() = %v, State() = %v, log:\n%s", s.Err(), s.State(), &log)
		}
		if s.Next() || s.Err() == nil || !strings.Contains(s.Err().Error(), "Last-Event-ID") {
			t.Errorf("Last-Event-ID %.8q: Err() = %v", id, s.Err())
		}
	}
}

func TestStreamEndsWhenEventTooLarge(t *testing.T) {
	client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
		return stream("data:12345\n\ndata:123456\n\n"), nil
	})
	client.MaxEventSize = 5
	got, err := data(get(t, client))
	equal(t, "data", got, []string{"12345"})
	if !errors.Is(err, ErrEventTooLarge) {
		t.Errorf("Err() = %v", err)
	}
	if n := client.HTTPClient.Transport.(*transport).n.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// The stream ends at once, at whatever point its context is cancelled; and so with Close, called by
// another goroutine or by a hook.
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
	// The requests: a failure, a 503 with a body that comes late, a stream with an event and a comment.
	points := []string{
		"before the first Next", "in Prepare", "at the header", "in the first OnRetry", "in the wait", "in the error's body",
		"in CheckResponse", "in OnOpen", "in OnComment", "after an event", "in a read", "in OnRetry after a stream",
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
						t.Errorf("ended %v late", d)
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
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) { return stream("data:\n\n", forever), nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := data(client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("Err() = %v after %v", err, time.Since(start))
		}
	})
}

// A context that was over before is noticed before anything is sent.
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
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			return stream("data:a\n\ndata:b\n\n", forever), nil
		})
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
		if !strings.HasSuffix(log.String(), "msg=\"sse: closed\" url=http://example.com/ attempt=1 last_event_id=\"\"\n") {
			t.Errorf("log:\n%s", &log)
		}
		n := 0
		for range s.All() {
			n++
		}
		equal(t, "events of a closed stream", n, 0)

		client = newClient(t, func(n int, r *http.Request) (*http.Response, error) { return status(401, ""), nil })
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
		client.CheckResponse = func(r *http.Response) error { note("CheckResponse"); return DefaultCheckResponse(r) }
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
			"Prepare connecting", "request connecting", "CheckResponse connecting", "OnOpen open", "OnComment open", "event open",
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

// There is one record for each change of state, and these are all their attributes.
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
		_, err := data(client.Stream(newRequest(t, "GET", "http://user:pass@example.com/?q=secret#f", nil)))
		if err == nil {
			t.Error("Err() = nil")
		}
		const at, to = " url=http://example.com/", " url=http://example.com/path"
		equal(t, "log", strings.Split(log.String(), "\n"), []string{
			`level=WARN msg="sse: retrying"` + at + ` attempt=1 last_event_id="" wait=2s cause="no token"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=2 last_event_id=""`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=2 last_event_id="" wait=3s cause="Get \"http://example.com/path\": no network"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=3 last_event_id=""`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=3 last_event_id="" wait=1m3s status=503 cause="sse: 503 Service Unavailable: try[31m later (retry after 1m0s)"`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=4 last_event_id=""`,
			`level=INFO msg="sse: open"` + to + ` attempt=4 last_event_id="" status=200`,
			`level=WARN msg="sse: retrying"` + to + ` attempt=4 last_event_id=7 wait=2s cause=EOF`,
			`level=DEBUG msg="sse: connecting"` + to + ` attempt=5 last_event_id=7`,
			`level=ERROR msg="sse: closed"` + to + ` attempt=5 last_event_id=7 status=401 cause="sse: 401 Unauthorized: {}"`,
			``,
		})
	})
}

// How it ends in the ordinary way is no error in the log.
func TestStreamLogsEnd(t *testing.T) {
	for name, want := range map[string]string{
		"close":    `level=INFO msg="sse: closed" url=http://example.com/ attempt=1 last_event_id=""`,
		"cancel":   `level=INFO msg="sse: closed" url=http://example.com/ attempt=1 last_event_id="" cause="context canceled"`,
		"deadline": `level=ERROR msg="sse: closed" url=http://example.com/ attempt=1 last_event_id="" cause="context deadline exceeded"`,
		"204":      `level=INFO msg="sse: closed" url=http://example.com/ attempt=1 last_event_id="" status=204`,
	} {
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
			s := client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx))
			for s.Next() {
				switch name {
				case "close":
					s.Close()
				case "cancel":
					cancel()
				}
			}
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			equal(t, name, lines[len(lines)-1], want)
		})
	}
}

// A context that ends does not hide why there was no connection.
func TestStreamErrNamesLastFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			answer  func(n int, r *http.Request) (*http.Response, error)
			refused bool
			text    string
		}{
			{func(int, *http.Request) (*http.Response, error) { return status(503, "db is down"), nil }, true,
				"context deadline exceeded: enough (last attempt: sse: 503 Service Unavailable: db is down)"},
			{func(n int, _ *http.Request) (*http.Response, error) {
				if n == 1 {
					return status(503, "db is down"), nil
				}
				return stream("data:\n\n", forever), nil
			}, false, "context deadline exceeded: enough"},
			{func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n"), nil }, false,
				"context deadline exceeded: enough"},
			{func(int, *http.Request) (*http.Response, error) {
				resp := status(401, "")
				resp.Body = newScript("bad token", forever)
				return resp, nil
			}, true, "context deadline exceeded: enough (last attempt: sse: 401 Unauthorized: bad token)"},
			{func(int, *http.Request) (*http.Response, error) { return nil, io.EOF }, false,
				"context deadline exceeded: enough (last attempt: Get \"http://example.com/\": EOF)"},
		} {
			enough := errors.New("enough")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, enough)
			defer cancel()
			client := newClient(t, test.answer)
			_, err := data(client.Stream(newRequest(t, "GET", "http://example.com/", nil).WithContext(ctx)))
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, enough) || errors.Is(err, io.EOF) || errors.As(err, new(*ResponseError)) != test.refused || err.Error() != test.text {
				t.Errorf("Err() = %v, want %s", err, test.text)
			}
		}
	})
}

func TestStreamReconnect(t *testing.T) {
	type at struct {
		When time.Duration
		What string
	}
	// The reconnection time is 1 s, and the policy adds 1 s, 2 s and so on: what comes at once was
	// hurried.
	for _, test := range []struct {
		name   string
		answer func(n int, r *http.Request) (*http.Response, error)
		hook   string        // where Reconnect is called each time it runs
		after  time.Duration // or when ten other goroutines call it
		until  time.Duration // when the stream is closed
		want   []at
	}{
		{
			name:   "an open connection",
			answer: func(int, *http.Request) (*http.Response, error) { return stream("data:\n\n", forever), nil },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {30 * time.Second, "retry 0s"}, {30 * time.Second, "request"}},
		},
		{
			name:   "a connection without events",
			answer: func(int, *http.Request) (*http.Response, error) { return stream(forever), nil },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {30 * time.Second, "retry 0s"}, {30 * time.Second, "request"}},
		},
		{
			name:   "a wait",
			answer: func(int, *http.Request) (*http.Response, error) { return status(503, "", "Retry-After", "100"), nil },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {time.Millisecond, "retry 1m41s"}, {30 * time.Second, "request"}, {30*time.Second + time.Millisecond, "retry 1m42s"}},
		},
		{
			name:   "an attempt",
			answer: func(n int, r *http.Request) (*http.Response, error) { return stall(r) },
			after:  30 * time.Second, until: time.Minute,
			want: []at{{0, "request"}, {30 * time.Second, "retry 0s"}, {30 * time.Second, "request"}},
		},
		{
			name: "each open connection at once: no storm",
			answer: func(int, *http.Request) (*http.Response, error) {
				return stream(forever), nil
			},
			hook: "OnOpen", until: 6 * time.Second,
			want: []at{{0, "request"}, {0, "retry 0s"}, {0, "request"}, {0, "retry 2s"},
				{2 * time.Second, "request"}, {2 * time.Second, "retry 0s"}, {2 * time.Second, "request"}, {2 * time.Second, "retry 3s"},
				{5 * time.Second, "request"}, {5 * time.Second, "retry 0s"}, {5 * time.Second, "request"}, {5 * time.Second, "retry 4s"}},
		},
		{
			name:   "each wait: no storm",
			answer: func(int, *http.Request) (*http.Response, error) { return nil, errors.New("no network") },
			hook:   "OnRetry", until: 6 * time.Second,
			want: []at{{0, "request"}, {0, "retry 2s"}, {0, "request"}, {0, "retry 3s"},
				{3 * time.Second, "request"}, {3 * time.Second, "retry 4s"}, {3 * time.Second, "request"}, {3 * time.Second, "retry 5s"}},
		},
		{
			name:   "in Prepare: not the first, and then every other",
			answer: func(int, *http.Request) (*http.Response, error) { return status(503, ""), nil },
			hook:   "Prepare", until: 6 * time.Second,
			want: []at{{0, "request"}, {0, "retry 2s"}, {2 * time.Second, "retry 0s"}, {2 * time.Second, "request"}, {2 * time.Second, "retry 3s"},
				{5 * time.Second, "retry 0s"}, {5 * time.Second, "request"}, {5 * time.Second, "retry 4s"}},
		},
		{
			name: "complete events that were read come first",
			answer: func(int, *http.Request) (*http.Response, error) {
				return stream(":\ndata:a\n\ndata:b\n\ndata:c", forever), nil
			},
			hook: "OnComment", until: time.Second,
			want: []at{{0, "request"}, {0, "event a"}, {0, "event b"}, {0, "retry 0s"},
				{0, "request"}, {0, "event a"}, {0, "event b"}, {0, "retry 0s"},
				{0, "request"}, {0, "event a"}, {0, "event b"}, {0, "retry 0s"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var got []at
				var s *Stream
				here := func(hook string) {
					if hook == test.hook {
						s.Reconnect()
						s.Reconnect()
					}
				}
				note := func(what ...any) {
					if got = append(got, at{time.Since(start), fmt.Sprint(what...)}); len(got) == len(test.want) && test.hook == "OnComment" {
						s.Close()
					}
				}
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					note("request")
					if test.hook == "" {
						time.Sleep(time.Millisecond) // all ten calls come before the answer
					}
					return test.answer(n, r)
				})
				client.Prepare = func(*http.Request) error { here("Prepare"); return nil }
				client.OnOpen = func(*http.Response) { here("OnOpen") }
				client.OnComment = func(string) { here("OnComment") }
				client.OnRetry = func(err error, wait time.Duration) {
					if wait == 0 && err != ErrReconnect {
						t.Errorf("OnRetry(%v, 0)", err)
					}
					note("retry ", wait)
					here("OnRetry")
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
						note("event ", string(s.Data()))
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

// Reconnect ends no stream, where Backoff has stopped neither: then it adds nothing to the wait.
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
		equal(t, "waits", waits, []time.Duration{0, time.Second, 0})
	})
}

// What the server asked for last stays known, on the next connection and after the end.
func TestStreamRetryPersists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			return []*http.Response{stream("retry:5\n\n"), stream("data:\n\n"), status(204, "")}[n-1], nil
		})
		s := get(t, client)
		if d, ok := s.Retry(); d != 0 || ok {
			t.Errorf("before the first Next: %v, %t", d, ok)
		}
		for again := true; again; {
			again = s.Next()
			if d, ok := s.Retry(); d != 5*time.Millisecond || !ok {
				t.Errorf("Retry() = %v, %t", d, ok)
			}
		}
	})
}

// The stream of what can't be repeated goes on as if Reconnect had not been called.
func TestStreamReconnectDoesNotRepeatPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Stream
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			s.Reconnect()
			return stream("data:a\n\n", time.Minute, "data:b\n\n"), nil
		})
		client.OnOpen = func(*http.Response) { s.Reconnect() }
		s = client.Stream(newRequest(t, "POST", "http://example.com/", nil))
		time.AfterFunc(time.Second, s.Reconnect)
		got, err := data(s)
		equal(t, "data", got, []string{"a", "b"})
		equal(t, "Err()", err, nil)
	})
}

// Close, Reconnect and State may come from any goroutine at any time. The race detector looks on.
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
