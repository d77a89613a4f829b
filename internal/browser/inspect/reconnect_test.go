package inspect

import (
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestCutStreamResumes(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.Retry(100 * time.Millisecond),
			ssetest.Send(numbered(1, 2)...),
			ssetest.Cut(),
		},
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "2"),
			ssetest.Send(numbered(3, 4)...),
			stall,
		},
	)
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(4)
	p.waitForState("open")
	p.checkRows(1, 4, numberedData)
	p.waitFor(`%s === 1`, counter("reconnects"))

	p.click("#tab-headers")
	p.waitFor(`document.querySelectorAll("#headers-panel .attempt").length === 2`)
	p.waitFor(`/last-event-id\s*2/i.test(document.querySelector("#headers-panel").textContent)`)
}

func TestWaitIsExplained(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Retry(50 * time.Minute), // longer than the test
		ssetest.Send(numbered(1, 2)...),
		ssetest.Cut(),
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForState("waiting")
	p.waitForText("#state", "nexpected end of the stream")
	before := p.text("#state")
	if !regexp.MustCompile(`in \d+\pZmin\pZ\d+\pZs`).MatchString(before) {
		t.Errorf("the state %q contains no countdown", before)
	}
	p.waitFor(`document.querySelector("#state").innerText !== %s`, js(before))
	p.waitForState("waiting")
	p.click("#stop")
	p.waitForState("closed")
}

// TestFlakyStreamResumes follows a stream of sse serve with every kind of interruption.
func TestFlakyStreamResumes(t *testing.T) {
	t.Parallel()
	p := inspect(t)
	p.send(serve(t) + "/flaky")
	p.waitFor(`%s >= 4`, counter("reconnects"))
	p.click("#stop")
	p.waitForState("closed")
	rows := p.rows()
	if len(rows) < 8 {
		t.Errorf("%d events, want 8 or more", len(rows))
	}
	id := regexp.MustCompile(`"n":(\d+)|event (\d+) has`)
	previous := 0
	for _, r := range rows {
		m := id.FindStringSubmatch(r.Text)
		if m == nil {
			t.Fatalf("row %q does not contain the number of the event", r.Text)
		}
		n, _ := strconv.Atoi(m[1] + m[2])
		if previous != 0 && n != previous+1 {
			t.Errorf("event %d follows event %d", n, previous)
		}
		previous = n
	}
}

func TestStopEndsStream(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Send(numbered(1, 2)...),
		ssetest.Do(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			close(gone)
		}),
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(2)
	p.click("#stop")
	p.waitForState("closed")
	p.waitForText("#state", "topped")
	select {
	case <-gone:
	case <-time.After(p.patience):
		t.Error("the request was not ended")
	}
	p.checkRows(1, 2, numberedData)
}

func TestWithoutReconnectStreamEnds(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Send(numbered(1, 2)...), ssetest.Cut()},
	)
	p := inspect(t)
	p.choose("#reconnect", false)
	p.send(srv.URL)
	p.waitForState("closed")
	p.waitForEvents(2)
	p.waitForText("#state", "nexpected end of the stream")
}

func TestRefusedRequestIsShown(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Status(http.StatusForbidden, "Content-Type", "application/json"),
		ssetest.Raw(`{"error":"the key is not valid"}`),
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForState("closed")
	p.waitForText("#state", "403")
	p.waitForText("#headers-panel", "the key is not valid")
}

func TestIdleStreamReconnects(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Retry(10 * time.Millisecond), ssetest.Send(numbered(1, 1)...), stall},
		// After this connection, the page waits until the test ends.
		ssetest.Conn{ssetest.Retry(time.Hour), ssetest.Send(numbered(2, 2)...), stall},
	)
	p := inspect(t)
	p.fill("#idle-timeout", "1s")
	p.send(srv.URL)
	p.waitForEvents(2)
	p.click("#stop")
	p.waitForState("closed")
}

func TestNewRequestReplacesTheOld(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Send(numbered(1, 3)...), stall},
		ssetest.Conn{ssetest.Send(numbered(7, 7)...), stall},
	)
	p := inspect(t)
	p.send(srv.URL + "/first")
	p.waitForEvents(3)
	p.send(srv.URL + "/second")
	p.waitForEvents(1)
	p.waitFor(`document.querySelectorAll("#events [data-n]").length === 1`)
	p.checkRows(1, 1, func(int) string { return numberedData(7) })
}
