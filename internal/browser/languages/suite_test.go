package main

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

func loadSuite(t *testing.T) []*job {
	t.Helper()
	jobs, err := load(suiteFiles("../../.."), false)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// checkUnexpected runs jobs and checks that the result has no unexpected differences.
func checkUnexpected(t *testing.T, impl implementation, jobs []*job) *result {
	t.Helper()
	r, err := runSuite(t.Context(), impl, jobs)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.unexpected(); n > 0 {
		t.Errorf("%d jobs fail unexpectedly", n)
		r.printDifferences(t.Output(), false)
	}
	return r
}

func TestRunSuiteWithLibrary(t *testing.T) {
	t.Parallel()
	r := checkUnexpected(t, implementations(t.TempDir())[0], loadSuite(t))
	const head = "| topic | cases | this library |\n|---|---:|---:|\n"
	if got := topicTable([]*result{r}); got != head {
		t.Errorf("topics:\n%s\nwant only the head", got)
	}
}

func TestRunSuiteWithChromium(t *testing.T) {
	t.Parallel()
	chromium.Require(t)
	jobs := loadSuite(t)
	for _, j := range jobs {
		if j.cut == "" {
			j.requests = true // also if the standard does not require to send the ID
		}
	}
	checkUnexpected(t, implementations(t.TempDir())[1], jobs)
}

// The implementation reads the first line of each block that ends with LF LF. It does not
// reconnect.
func TestRunSuiteWithNaiveImplementation(t *testing.T) {
	start := func(ctx context.Context, s *server, url string) (string, error) {
		for _, e := range s.entries() {
			resp, err := http.Get(url + e.URL)
			if err != nil {
				return "", err
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				return "", err
			}
			r := &report{ID: e.ID}
			for block := range strings.SplitSeq(string(body), "\n\n") {
				line, _, _ := strings.Cut(block, "\n")
				if data, ok := strings.CutPrefix(line, "data:"); ok {
					r.Events = append(r.Events, sse.Event{Type: "message", Data: data})
				}
			}
			s.setReport(r)
		}
		return "1.0", nil
	}
	event := sse.Event{Type: "message", Data: "x"}
	withID := event
	withID.ID = "1"
	var jobs []*job
	for _, test := range []struct {
		topic, stream string
		event         sse.Event
	}{
		{"data", "data:x\n\n", event},
		{"line ends", "data:x\r\r", event},
		{"event ID", "data:x\nid:1\n\n", withID},
	} {
		stream := suite.Bytes(test.stream)
		conn := suite.Connection{
			Stream: stream, Chunks: []suite.Bytes{stream}, Events: suite.Events{test.event},
			LastEventID: suite.Text(test.event.ID),
		}
		j := parserJob(suite.Case{
			Name: test.stream, Topic: test.topic, Connections: []suite.Connection{conn},
		})
		jobs = append(jobs, j, j.inPieces())
	}

	impl := implementation{name: "naive", language: "none", onlyParses: true, start: start}
	parse, err := runSuite(t.Context(), impl, jobs)
	if err != nil {
		t.Fatal(err)
	}
	impl.onlyParses = false // its first and only response is then the prelude
	connect, err := runSuite(t.Context(), impl, jobs)
	if err != nil {
		t.Fatal(err)
	}
	results := []*result{parse, connect}
	got := scoreTable(results) + topicTable(results)
	want := `| implementation | language | parsing, of 3 | IDs ignored | requests, of 3 |
|---|---|---:|---:|---:|
| naive 1.0 | none | 1 | 2 | only parses |
| naive 1.0 | none | 0 | 0 | 0 |
| topic | cases | naive | naive |
|---|---:|---:|---:|
| data | 1 |  | 1 |
| line ends | 1 | 1 | 1 |
| event ID | 1 | 1 | 1 |
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRunSuiteWithoutReports(t *testing.T) {
	impl := implementation{start: func(context.Context, *server, string) (string, error) {
		return "", nil
	}}
	_, err := runSuite(t.Context(), impl, loadSuite(t)[:3])
	if want := "3 of 3 jobs have no report"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestLoadWithPolicy(t *testing.T) {
	for _, want := range []bool{false, true} {
		jobs, err := load(suiteFiles("../../.."), want)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(jobs, func(j *job) bool { return j.policy }); got != want {
			t.Errorf("load with policy %t: there are such jobs: %t", want, got)
		}
	}
}

func TestBest(t *testing.T) {
	events := differences{events: []string{"events"}}
	ids := differences{ids: []string{"ids"}, requests: []string{"requests"}}
	for _, d := range []differences{best(events, ids), best(ids, events)} {
		if got := strings.Join(d.all(), " "); got != "ids requests" {
			t.Errorf("best has the differences %q, want ids and requests", got)
		}
	}
	if all := best(ids, differences{}).all(); len(all) > 0 {
		t.Errorf("best has the differences %q, want none", all)
	}
}

func TestCompareUsesShortestWaits(t *testing.T) {
	wait := func(d time.Duration) exchange {
		return exchange{want: request{path: "/", wait: d * time.Millisecond}}
	}
	j := &job{requests: true, ends: true, exchanges: []exchange{wait(0), wait(100), wait(100)}}
	run := func(earlier *trial, waits ...time.Duration) *trial {
		t := &trial{job: j, earlier: earlier, got: &report{Closed: true}}
		for _, d := range waits {
			t.requests = append(t.requests, request{path: "/", wait: d * time.Millisecond})
		}
		return t
	}
	first := run(nil, 0, 1, 400, 100)
	for _, test := range []struct {
		trial *trial
		want  string
	}{
		{first, "request 2: after 400ms, want 100ms"},
		{run(first, 0, 1, 100, 400), ""},
		{run(first, 0, 1, 50, 100), "request 2: after 50ms, want 100ms"},
		{run(run(nil, 0, 1, 100, 400), 0, 1, 100), "request 3: after 400ms, want 100ms"},
	} {
		if got := strings.Join(test.trial.compare().waits, "; "); got != test.want {
			t.Errorf("differences %q, want %q", got, test.want)
		}
	}
}
