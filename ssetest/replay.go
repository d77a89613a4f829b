package ssetest

import (
	"net/http"
	"strings"

	"github.com/seed-0d85b69d/sse"
)

// Replay behaves like a server that keeps its events. It sends the events that
// follow the one named by the request's Last-Event-ID header, or all of them if
// the request has no such header.
//
//   - If no event has the ID, all events are sent. None is lost, but the client
//     may receive some of them twice.
//   - If several events have the ID, the events after the first of them are
//     sent, because the ID does not tell which of them the client received last.
//   - Spaces and tabs around an ID are ignored, because a header cannot carry
//     them.
//   - If no event is left and nothing has been sent on the connection, the
//     response is 204 No Content, which tells the client not to reconnect. No
//     further step is run.
func Replay(events ...sse.Event) Step {
	return Step{
		do: func(x *exchange) error {
			rest := events[resumeIndex(events, x.r):]
			if len(rest) == 0 && !x.headerSent {
				x.sendHeader(http.StatusNoContent, nil)
				return errEnd
			}
			return x.send(rest)
		},
		name: func() string { return "Replay(" + describe(events) + ")" },
	}
}

const spaceTab = " \t"

// resumeIndex returns the index of the first event to send in response to r.
func resumeIndex(events []sse.Event, r *http.Request) int {
	last := strings.Trim(r.Header.Get("Last-Event-ID"), spaceTab)
	if last == "" {
		return 0
	}
	for i := range events {
		id := events[i].ID
		// There may be many events, and nearly all IDs need not be trimmed.
		if len(id) > len(last) && (strings.IndexByte(spaceTab, id[0]) >= 0 ||
			strings.IndexByte(spaceTab, id[len(id)-1]) >= 0) {
			id = strings.Trim(id, spaceTab)
		}
		if id == last {
			return i + 1
		}
	}
	return 0
}
