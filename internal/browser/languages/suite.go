package main

import (
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-0d85b69d/sse/internal/suite"
)

// load returns the jobs of the suite in a directory.
func load(dir string) ([]*job, error) {
	cases, err := suite.ReadCases(filepath.Join(dir, "parser.json"))
	if err != nil {
		return nil, err
	}
	httpCases, err := suite.ReadHTTPCases(filepath.Join(dir, "http.json"))
	if err != nil {
		return nil, err
	}
	var jobs []*job
	for _, c := range cases {
		j := parserJob(c)
		jobs = append(jobs, j)
		if j.parsing {
			jobs = append(jobs, j.inPieces())
		}
	}
	for _, c := range httpCases {
		if j := httpJob(c); isPlayable(c) && !j.tooLong() {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// isPlayable reports whether an EventSource can send the request of a case, and must react as the
// case says.
func isPlayable(c suite.HTTPCase) bool {
	r := c.Request
	// The Fetch standard allows to repeat a request after a 421.
	return c.Kind == "must" && r.Method == "GET" && r.Headers == nil && r.Body == nil &&
		!slices.ContainsFunc(c.Exchanges, isMisdirected)
}

func isMisdirected(x suite.Exchange) bool {
	return x.Response.Status == http.StatusMisdirectedRequest
}

// parserJob returns the job of a case of parser.json.
func parserJob(c suite.Case) *job {
	j := &job{name: c.Name, topic: c.Topic, requests: true, parsing: len(c.Connections) == 1}
	for _, conn := range c.Connections {
		want := request{path: "/"}
		if id := headerID(j.lastID); id != "" {
			want.lastID = &id
		}
		j.exchanges = append(j.exchanges, exchange{
			want: want,
			Response: suite.Response{
				Status: 200,
				Headers: [][2]suite.Bytes{
					{suite.Bytes("Content-Type"), suite.Bytes("text/event-stream")},
				},
			},
			chunks:    conn.Chunks,
			delivered: conn.Delivered,
			pause:     5 * time.Millisecond,
		})
		j.events = append(j.events, conn.Events...)
		j.lastID, j.retry = string(conn.LastEventID), string(conn.Retry)
		j.requests = j.requests && isSendable(j.lastID)
		if j.wait() > longestWait {
			break // an implementation does not wait for the next connection
		}
	}
	return j
}

// inPieces returns a job that sends the stream of j byte by byte, or in 250 pieces if it is longer.
// Only its events are compared.
func (j *job) inPieces() *job {
	pieces := *j
	pieces.cut = "(in pieces)"
	pieces.requests = false
	x := j.exchanges[0]
	stream := slices.Concat(x.chunks...)
	x.chunks = slices.Collect(slices.Chunk(stream, max(1, len(stream)/250)))
	x.delivered = nil
	x.pause = time.Millisecond
	pieces.exchanges = []exchange{x}
	return &pieces
}

// httpJob returns the job of a case of http.json.
func httpJob(c suite.HTTPCase) *job {
	j := &job{name: c.Name, topic: c.Topic, requests: true, events: c.Events, ends: true}
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
				exchange{want: want, Response: x.Response, chunks: []suite.Bytes{x.Response.Body}})
		}
	}
	return j
}
