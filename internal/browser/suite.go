package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// The files of ../../testdata, whose README says what is in them.

type testdataCase struct {
	Name string
	testdataConnection
	Connections []testdataConnection

	Kind      string // of http.json only
	Request   json.RawMessage
	Exchanges []struct {
		Request struct {
			Path        string
			LastEventID *text
			Wait        int
		}
		Response testdataResponse
		Times    int
	}
	End string
}

type testdataConnection struct {
	Stream      wire
	Chunks      []wire
	Events      events
	LastEventID text
	Retry       text
}

type testdataResponse struct {
	Fail          bool
	Informational []int
	Status        int
	Headers       [][2]wire
	Body          wire
	Cut           bool
	chunks        []wire
}

// load makes jobs of the cases of a file. A browser sends nothing but GET, with its own headers; of
// what this library decided only policy tells it.
func (s *server) load(name string, policy bool) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var cases []testdataCase
	if err := json.Unmarshal(b, &cases); err != nil {
		return fmt.Errorf("%s: %v", name, err)
	}
	for _, c := range cases {
		switch {
		case c.Exchanges == nil:
			j, err := c.parserJob()
			if err != nil {
				return err
			}
			s.jobs = append(s.jobs, j)
		case (c.Kind == "must" || policy) && c.Request == nil:
			if j := c.httpJob(); !j.tooLong() {
				s.jobs = append(s.jobs, j)
			}
		}
	}
	return nil
}

// parserJob makes a job of what connections send. The library must agree with the suite.
func (c *testdataCase) parserJob() (*job, error) {
	conns := c.Connections
	if conns == nil {
		conns = []testdataConnection{c.testdataConnection}
	}
	j := &job{name: c.Name}
	var p sse.Parser
	for _, conn := range conns {
		if conn.Chunks == nil {
			conn.Chunks = []wire{conn.Stream}
		}
		want := request{path: "/"}
		if id := sent(j.lastID); id != "" {
			want.lastID = &id
		}
		j.exchanges = append(j.exchanges, exchange{want, testdataResponse{
			Status: 200, Headers: [][2]wire{{wire("Content-Type"), wire("text/event-stream")}}, chunks: conn.Chunks,
		}})
		j.events = append(j.events, conn.Events...)
		j.lastID, j.retry = string(conn.LastEventID), string(conn.Retry)

		p.Reset()
		var got []sse.Event
		for _, chunk := range conn.Chunks {
			p.Write(chunk)
			for p.Next() {
				got = append(got, p.Event())
			}
		}
		if !slices.Equal(got, []sse.Event(conn.Events)) || p.LastEventID() != j.lastID {
			return nil, fmt.Errorf("%s: the library has %q and the last event ID %q", c.Name, got, p.LastEventID())
		}
		if j.wait() > longest {
			break // nor does the page wait for the next connection
		}
	}
	return j, nil
}

func (c *testdataCase) httpJob() *job {
	j := &job{name: c.Name, events: c.Events, ends: true}
	for _, x := range c.Exchanges {
		want := request{path: "/"}
		if x.Request.Path != "" {
			want.path = x.Request.Path
		}
		if x.Request.LastEventID != nil {
			id := string(bytesOf(*x.Request.LastEventID))
			want.lastID = &id
		}
		want.wait = time.Duration(x.Request.Wait) * time.Millisecond
		x.Response.chunks = []wire{x.Response.Body}
		for range max(1, x.Times) {
			j.exchanges = append(j.exchanges, exchange{want, x.Response})
		}
	}
	return j
}

// wait is the reconnection time at the end, or a little more than longest.
func (j *job) wait() time.Duration {
	if j.retry == "" {
		return preludeRetry * time.Millisecond
	}
	if ms, err := strconv.ParseUint(j.retry, 10, 16); err == nil {
		return min(time.Duration(ms)*time.Millisecond, longest+1)
	}
	return longest + 1
}

// tooLong reports whether there is a wait for which the page has no patience.
func (j *job) tooLong() bool {
	return slices.ContainsFunc(j.exchanges, func(x exchange) bool { return x.want.wait > longest })
}

// text is a string, [count, text], or an array of texts.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	if n, part, ok := repetition(b); ok {
		err := json.Unmarshal(part, t)
		*t = text(strings.Repeat(string(*t), n))
		return err
	}
	var parts []text
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	for _, part := range parts {
		*t += part
	}
	return nil
}

func repetition(b []byte) (n int, part json.RawMessage, ok bool) {
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil || len(list) != 2 || json.Unmarshal(list[0], &n) != nil {
		return 0, nil, false
	}
	return n, list[1], true
}

// wire is bytes, each written as one character of a text.
type wire []byte

func (w *wire) UnmarshalJSON(b []byte) error {
	var t text
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	*w = bytesOf(t)
	return nil
}

func bytesOf(t text) (w wire) {
	for _, r := range t {
		w = append(w, byte(r))
	}
	return w
}

// events is a list of events and of [count, event].
type events []sse.Event

func (e *events) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, item := range list {
		n, part, ok := repetition(item)
		if !ok {
			n, part = 1, item
		}
		var ev struct{ ID, Type, Data text }
		if err := json.Unmarshal(part, &ev); err != nil {
			return err
		}
		for range n {
			*e = append(*e, sse.Event{ID: string(ev.ID), Type: string(ev.Type), Data: string(ev.Data)})
		}
	}
	return nil
}
