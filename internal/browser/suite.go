package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

// load makes jobs of the cases of a file. A browser sends nothing but GET, with its own headers; of
// what this library decided only policy tells it.
func (s *server) load(name string, policy bool) error {
	cases, err := suite.ReadCases(name)
	if err != nil {
		return s.loadHTTP(name, policy, err)
	}
	for _, c := range cases {
		j, err := parserJob(c)
		if err != nil {
			return err
		}
		s.jobs = append(s.jobs, j)
	}
	return nil
}

func (s *server) loadHTTP(name string, policy bool, noParser error) error {
	cases, err := suite.ReadHTTPCases(name)
	if err != nil {
		return errors.Join(noParser, err)
	}
	for _, c := range cases {
		r := c.Request
		if c.Kind != "must" && !policy || r.Method != "GET" || r.Headers != nil || r.Body != nil {
			continue
		}
		if j := httpJob(c); !j.tooLong() {
			s.jobs = append(s.jobs, j)
		}
	}
	return nil
}

// parserJob makes a job of what connections send. The library must agree with the suite.
func parserJob(c suite.Case) (*job, error) {
	j := &job{name: c.Name}
	var p sse.Parser
	for _, conn := range c.Connections {
		want := request{path: "/"}
		if id := sent(j.lastID); id != "" {
			want.lastID = &id
		}
		j.exchanges = append(j.exchanges, exchange{want, suite.Response{
			Status:  200,
			Headers: [][2]suite.Bytes{{suite.Bytes("Content-Type"), suite.Bytes("text/event-stream")}},
		}, conn.Chunks})
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
		if !slices.Equal(got, conn.Events) || p.LastEventID() != j.lastID {
			return nil, fmt.Errorf("%s: the library has %q and the last event ID %q", c.Name, got, p.LastEventID())
		}
		if j.wait() > longest {
			break // nor does the page wait for the next connection
		}
	}
	return j, nil
}

func httpJob(c suite.HTTPCase) *job {
	j := &job{name: c.Name, events: c.Events, ends: true}
	for _, x := range c.Exchanges {
		want := request{path: x.Request.Path}
		if x.Request.LastEventID != nil {
			id := string(*x.Request.LastEventID)
			want.lastID = &id
		}
		if x.Request.Wait != nil {
			want.wait = time.Duration(*x.Request.Wait) * time.Millisecond
		}
		for range x.Times {
			j.exchanges = append(j.exchanges, exchange{want, x.Response, []suite.Bytes{x.Response.Body}})
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
