package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

// load adds the cases of a file in the format of parser.json or http.json to the jobs.
func (s *server) load(name string, policy bool) error {
	cases, err := suite.ReadCases(name)
	if err != nil {
		if errHTTP := s.loadHTTP(name, policy); errHTTP != nil {
			return errors.Join(err, errHTTP)
		}
		return nil
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

// loadHTTP adds the cases of a file in the format of http.json to the jobs. It leaves out cases
// with a request that a page cannot make, and if policy is not set, cases of the kind policy.
func (s *server) loadHTTP(name string, policy bool) error {
	cases, err := suite.ReadHTTPCases(name)
	if err != nil {
		return err
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

// parserJob returns the job of a case of parser.json. It also checks that the library agrees with
// the case.
func parserJob(c suite.Case) (*job, error) {
	j := &job{name: c.Name}
	var p sse.Parser
	for _, conn := range c.Connections {
		want := request{path: "/"}
		if id := headerID(j.lastID); id != "" {
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
			return nil, fmt.Errorf("%s: the library gets the events %q and the last event ID %q",
				c.Name, got, p.LastEventID())
		}
		if j.wait() > longestWait {
			break // the page does not wait for the next connection
		}
	}
	return j, nil
}

// httpJob returns the job of a case of http.json.
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
			j.exchanges = append(j.exchanges,
				exchange{want, x.Response, []suite.Bytes{x.Response.Body}})
		}
	}
	return j
}
