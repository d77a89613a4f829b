package serve

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamwriter"
)

const maxReplay = 1000 // events that a client that reconnects gets at once

// series calls send with the number of each event of a series that has had one event each pace
// since the server began. No event is stored, because it is computed from its number. If the client
// sends a Last-Event-ID, the events after it are sent at once, and the others each at its time. The
// function returns when send returns false or the client has disconnected.
func (s *exampleServer) series(
	out *streamwriter.Writer, pace time.Duration, send func(n int) bool,
) {
	current := func() int { return int(time.Since(s.start) / pace) }
	n := max(current(), 1)
	lastID, err := strconv.Atoi(out.Request.Header.Get("Last-Event-ID"))
	if err == nil && lastID >= 0 && lastID <= current() {
		n = lastID + 1
		if oldest := current() - maxReplay; n < oldest {
			n = oldest
			out.Comment("events before " + strconv.Itoa(n) + " are gone")
		}
	}
	for ; out.Pause(time.Until(s.start.Add(time.Duration(n) * pace))); n++ {
		if !send(n) {
			return
		}
	}
}

// tick returns event n of a series.
func (s *exampleServer) tick(n int, pace time.Duration) sse.Event {
	at := s.start.Add(time.Duration(n) * pace).UTC().Format(time.RFC3339Nano)
	ev := sse.Event{
		ID:   strconv.Itoa(n),
		Type: "tick",
		Data: fmt.Sprintf(`{"n":%d,"at":%q}`, n, at),
	}
	if n%5 == 0 {
		ev.Type, ev.Data = "message", "event "+ev.ID+" has no type,\nand two lines"
	}
	return ev
}

// events sends one event each second.
func (s *exampleServer) events(out *streamwriter.Writer) {
	out.Start()
	out.Retry(2 * time.Second)
	s.series(out, time.Second, func(n int) bool {
		out.Event(s.tick(n, time.Second))
		return true
	})
}

// unreliable sends two events each second and interrupts the stream after a few of them, each time
// in a different way.
func (s *exampleServer) unreliable(out *streamwriter.Writer) {
	const pace = time.Second / 2
	request := s.flaky.Add(1)
	if request%4 == 3 {
		out.Response.Header().Set("Retry-After", "1")
		http.Error(out.Response, "the server is down for a moment", http.StatusServiceUnavailable)
		return
	}
	out.Start()
	out.Retry(500 * time.Millisecond)
	left := 3 + request%4
	s.series(out, pace, func(n int) bool {
		ev := s.tick(n, pace)
		if left--; left >= 0 {
			out.Event(ev)
			return true
		}
		if request%4 != 0 { // otherwise the response ends between two events
			out.Partial(ev)
		}
		if request%4 == 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	})
}

// slow sends events a byte at a time.
func (s *exampleServer) slow(out *streamwriter.Writer) {
	out.Start()
	for n := 1; ; n++ {
		ev := sse.Event{ID: strconv.Itoa(n), Data: "this event came a byte at a time"}
		b, _ := ev.Append(nil)
		for _, c := range b {
			if !out.Pause(s.paces.Byte) {
				return
			}
			out.Raw(string(rune(c)))
		}
	}
}

// big sends events of increasing size, 10 MiB in total. After them it responds with 204.
func (s *exampleServer) big(out *streamwriter.Writer) {
	if out.Request.Header.Get("Last-Event-ID") == "5" {
		out.Response.WriteHeader(http.StatusNoContent)
		return
	}
	out.Start()
	for i, size := range []int{1 << 10, 64 << 10, 1 << 20, 8 << 20} {
		data := strings.Repeat("0123456789abcdef", size/16)
		out.Event(sse.Event{ID: strconv.Itoa(i + 1), Type: "line", Data: data})
	}
	const line = "a line of sixty-four bytes, one of many that make up this event\n"
	out.Event(sse.Event{ID: "5", Type: "lines", Data: strings.Repeat(line, 1<<14)})
}
