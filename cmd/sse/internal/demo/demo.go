// Package demo follows a stream whose server loses connections, and counts what was lost.
package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/follow"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamwriter"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// demoEvents is how many events the server sends.
const demoEvents = 24

// Run follows a stream whose server cuts the connection within an event, responds with 503, ends
// the response within a line, and finally responds with 204. It prints how many events were lost,
// and returns the exit code. The server sends one event each pace.
func Run(ctx context.Context, o *follow.Options, pace time.Duration) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		errtext.Print(o.Stderr, "demo", err)
		return errtext.ExitError
	}
	server := &http.Server{Handler: &demoServer{pace: pace}, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	defer server.Close()

	noProxy := ""
	o.Proxy = &noProxy
	o.Format = output.FormatView
	o.SetURL(&url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"})
	var tally tally
	code := follow.Run(ctx, o, follow.Hooks{
		OnEvent: tally.count,
		OnEnd:   func(n int) { tally.reconnects = n },
	})
	if code == errtext.ExitInterrupted || code == errtext.ExitTerminated {
		return code
	}
	tally.lost += demoEvents - tally.last
	fmt.Fprintf(o.Stdout, "%d received, %d lost, %d repeated, %s\n", tally.received, tally.lost,
		tally.repeated, units.Plural(tally.reconnects, "reconnect"))
	if tally.lost != 0 || tally.repeated != 0 || tally.wrong != 0 {
		return errtext.ExitError
	}
	return code
}

// A tally compares the events that arrived with those that the server sent.
type tally struct {
	received, lost, repeated, wrong int

	last       int // the number of the last event
	reconnects int
}

// count adds ev to the tally.
func (t *tally) count(ev sse.Event) {
	t.received++
	n, _ := strconv.Atoi(ev.ID)
	if n <= t.last {
		t.repeated++
	} else {
		t.lost += n - t.last - 1
		t.last = n
	}
	if ev != demoEvent(n) {
		t.wrong++
	}
}

// demoEvent returns event n. It depends only on n.
func demoEvent(n int) sse.Event {
	ev := sse.Event{
		ID:   strconv.Itoa(n),
		Type: "tick",
		Data: fmt.Sprintf(`{"n":%d,"left":%d}`, n, demoEvents-n),
	}
	switch n % 6 {
	case 3:
		ev.Type, ev.Data = "message", "a line of text\nand another: Zażółć gęślą jaźń, 世界, 🦫"
	case 5:
		ev.Type = "order"
		ev.Data = fmt.Sprintf(`{"order":%d,"items":[{"name":"tea","price":4.20},`+
			`{"name":"biscuits","price":2.75}],"paid":true,"note":null}`, 1000+n)
	}
	return ev
}

// A demoServer handles each connection differently.
type demoServer struct {
	pace        time.Duration
	connections atomic.Int64
}

// ServeHTTP implements http.Handler.
func (d *demoServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lastID, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	out := streamwriter.New(w, r)
	switch connection := d.connections.Add(1); {
	case connection == 1:
		out.Start()
		out.Retry(300 * time.Millisecond)
		out.Comment("this server sends " + strconv.Itoa(demoEvents) + " events and interrupts them")
		d.send(out, lastID, 8)
		out.Comment("now it cuts the connection in the middle of event 9")
		out.Partial(demoEvent(9))
		panic(http.ErrAbortHandler)
	case connection == 2:
		http.Error(w, "the server is down for a moment", http.StatusServiceUnavailable)
	case connection == 3:
		out.Start()
		out.Comment("it continues after the last event that arrived completely")
		d.send(out, lastID, 16)
		out.Comment("now the response ends in the middle of a line")
		out.Partial(demoEvent(17))
	case lastID < demoEvents:
		out.Start()
		d.send(out, lastID, demoEvents)
		out.Comment("that was the last event; the next request gets a 204")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// send sends the events after lastID up to number last.
func (d *demoServer) send(out *streamwriter.Writer, lastID, last int) {
	for n := lastID + 1; n <= last && out.Pause(d.pace); n++ {
		out.Event(demoEvent(n))
	}
}
