package main

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-0d85b69d/sse/internal/suite"
)

// suiteFiles returns the names of the files of the suite in the repository at root.
func suiteFiles(root string) []string {
	return []string{
		filepath.Join(root, "testdata", "parser.json"),
		filepath.Join(root, "testdata", "http.json"),
	}
}

// load returns the jobs of files in the format of parser.json or http.json. If policy is not set,
// it leaves out cases that the standard does not require.
func load(names []string, policy bool) ([]*job, error) {
	var jobs []*job
	for _, name := range names {
		if cases, err := suite.ReadCases(name); err == nil {
			jobs = append(jobs, parserJobs(cases)...)
		} else if httpCases, errHTTP := suite.ReadHTTPCases(name); errHTTP == nil {
			jobs = append(jobs, httpJobs(httpCases, policy)...)
		} else {
			return nil, errors.Join(err, errHTTP)
		}
	}
	return jobs, nil
}

// parserJobs returns the jobs of cases of parser.json.
func parserJobs(cases []suite.Case) (jobs []*job) {
	for _, c := range cases {
		j := parserJob(c)
		jobs = append(jobs, j)
		if j.parsing {
			jobs = append(jobs, j.inPieces())
		}
	}
	return jobs
}

// httpJobs returns the jobs of cases of http.json that can be played.
func httpJobs(cases []suite.HTTPCase, policy bool) (jobs []*job) {
	for _, c := range cases {
		if j := httpJob(c); isPlayable(c) && !j.tooLong() && (policy || !j.policy) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// isPlayable reports whether an EventSource can send the request of a case.
func isPlayable(c suite.HTTPCase) bool {
	return c.Request.Method == "GET" && c.Request.Headers == nil && c.Request.Body == nil
}

// isMisdirected reports whether the status of the response is 421. The Fetch standard allows to
// repeat the request once.
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
	j := &job{
		name: c.Name, topic: c.Topic, requests: true, events: c.Events, ends: true,
		policy: c.Kind != "must" || slices.ContainsFunc(c.Exchanges, isMisdirected),
	}
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
