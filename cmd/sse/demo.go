package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// demoEvents is how many events the demonstration sends, one every demoPace.
const demoEvents = 24

var demoPace = 250 * time.Millisecond

// demo runs the client against a server that does its worst: it cuts the
// connection in the middle of an event, answers 503, ends within a line,
// and, when all is sent, with 204. Whether anything was lost is counted.
func demo(ctx context.Context, args []string, std stdio) int {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return usage(std, "demo: it has a server of its own, and takes no URL")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintf(std.err, "sse: demo: %v\n", err)
		return exitError
	}
	server := &http.Server{Handler: new(demoServer), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	defer server.Close()

	o, err := parseArgs(append(args, "http://"+l.Addr().String()+"/"), demoFlags, std.in)
	if err != nil {
		return usage(std, "demo: "+err.Error())
	}
	none := ""
	o.form, o.proxy = "view", &none

	var received, lost, repeated, wrong int
	next := 1
	reconnects := 0
	code := follow(ctx, o, std, &tour{
		event: func(ev sse.Event) {
			received++
			n, _ := strconv.Atoi(ev.ID)
			switch {
			case n < next:
				repeated++
			default:
				lost += n - next
				next = n + 1
			}
			if ev != demoEvent(n) {
				wrong++
			}
		},
		end: func(s *stats) { reconnects = s.retries },
	})
	if code == exitInterrupted || code == exitTerminated {
		return code
	}
	lost += demoEvents + 1 - next
	fmt.Fprintf(std.out, "%d received, %d lost, %d repeated, %s\n", received, lost, repeated, units.Plural(reconnects, "reconnect"))
	if lost != 0 || repeated != 0 || wrong != 0 {
		return exitError
	}
	return code
}

// demoFlags are the flags that make sense for the demonstration.
var demoFlags = only(append(requestFlags, streamFlags...), "color", "full", "v verbose", "summary")

// demoEvent is event n, the same whenever it is asked for.
func demoEvent(n int) sse.Event {
	ev := sse.Event{ID: strconv.Itoa(n), Type: "tick", Data: fmt.Sprintf(`{"n":%d,"left":%d}`, n, demoEvents-n)}
	switch n % 6 {
	case 3:
		ev.Type, ev.Data = "message", "a line of text\nand another: Zażółć gęślą jaźń, 世界, 🦫"
	case 5:
		ev.Type = "order"
		ev.Data = fmt.Sprintf(`{"order":%d,"items":[{"name":"tea","price":4.20},{"name":"biscuits","price":2.75}],"paid":true,"note":null}`, 1000+n)
	}
	return ev
}

// A demoServer counts its connections and treats each in its own way.
type demoServer struct{ connections atomic.Int64 }

func (d *demoServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	s := &stream{w: w, r: r}
	switch connection := d.connections.Add(1); {
	case connection == 1:
		s.start()
		s.retry(300 * time.Millisecond)
		s.comment("this server sends " + strconv.Itoa(demoEvents) + " events, and does its worst meanwhile")
		d.ticks(s, from, 8)
		s.comment("now it cuts the connection in the middle of event 9")
		s.part(demoEvent(9))
		panic(http.ErrAbortHandler)
	case connection == 2:
		http.Error(w, "and now it is down for a moment", http.StatusServiceUnavailable)
	case connection == 3:
		s.start()
		s.comment("it goes on after the last event that arrived whole")
		d.ticks(s, from, 16)
		s.comment("now it ends in the middle of a line")
		s.part(demoEvent(17))
	case from < demoEvents:
		s.start()
		d.ticks(s, from, demoEvents)
		s.comment("that was the last one; whoever comes back is told so with 204")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// ticks sends the events after from, up to to.
func (d *demoServer) ticks(s *stream, from, to int) {
	for n := from + 1; n <= to && s.pause(demoPace); n++ {
		s.event(demoEvent(n))
	}
}
