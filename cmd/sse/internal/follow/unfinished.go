package follow

import (
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// An unfinished finds the event at the end of a stream that lacks its blank line. Such an event is
// not dispatched. If it is the event that --until or --until-type waits for, the error says so.
type unfinished struct{ parser sse.Parser }

// Write reads bytes of the stream. It never fails.
func (u *unfinished) Write(p []byte) (int, error) {
	u.parser.Write(p)
	for u.parser.Next() {
	}
	return len(p), nil
}

// reset begins the stream of a new connection.
func (u *unfinished) reset() { u.parser.Reset() }

// event returns the event that a blank line would dispatch, if there is one. After that, reset must
// be called.
func (u *unfinished) event() (ev sse.Event, ok bool) {
	u.parser.Write([]byte("\n\n"))
	if !u.parser.Next() {
		return sse.Event{}, false
	}
	return u.parser.Event(), true
}

// unfinishedError returns the error for a stream whose last event is the one that --until or
// --until-type waits for, but lacks its blank line. Otherwise it returns nil.
func (s *session) unfinishedError() error {
	if s.unfinished == nil {
		return nil
	}
	ev, ok := s.unfinished.event()
	s.unfinished.reset()
	switch {
	case ok && s.o.stopBefore(ev) != nil:
		return errtext.ErrUnfinishedUntil
	case ok && s.o.UntilTypes[ev.Type]:
		return errtext.ErrUnfinishedUntilType
	}
	return nil
}
