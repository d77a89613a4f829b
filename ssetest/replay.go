package ssetest

import (
	"net/http"
	"strings"

	"github.com/seed-0d85b69d/sse"
)

// Replay sends those of the events that come after the one which the request's
// Last-Event-ID header names, all of them where there is no such header: what a
// well-behaved server does that keeps its events.
//
//   - An ID that no event has replays all: nothing is lost, some may come twice.
//   - Of several events with the ID it continues after the first, for the same
//     reason: that ID does not say which of them came last.
//   - Spaces and tabs around an ID do not count, because no header carries them.
//   - Where nothing is left to send, and nothing was sent on the connection
//     before, the answer is 204 No Content and the connection is done: so a
//     server tells its clients to stop.
func Replay(events ...sse.Event) Step {
	return Step{
		do: func(p *play) error {
			rest := events[resumeAt(events, p.r):]
			if len(rest) == 0 && !p.begun {
				p.begin(http.StatusNoContent, nil)
				return errEnd
			}
			return p.send(rest)
		},
		name: func() string { return "Replay(" + describe(events) + ")" },
	}
}

// resumeAt returns the index of the event to go on with.
func resumeAt(events []sse.Event, r *http.Request) int {
	last := strings.Trim(r.Header.Get("Last-Event-ID"), blank)
	if last == "" {
		return 0
	}
	for i := range events {
		// A history may be long, and most IDs have nothing to trim.
		id := events[i].ID
		if len(id) > len(last) && (strings.IndexByte(blank, id[0]) >= 0 || strings.IndexByte(blank, id[len(id)-1]) >= 0) {
			id = strings.Trim(id, blank)
		}
		if id == last {
			return i + 1
		}
	}
	return 0
}

const blank = " \t"
