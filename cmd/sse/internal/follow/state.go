package follow

import (
	"fmt"
	"os"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/state"
)

// openState reads the file of --state, if there is one. The events are written to out. If
// --last-event-id is set too, the note says which of the two is used.
func (s *session) openState(out *os.File) (note string, err error) {
	o := s.o
	if o.State == "" {
		return "", nil
	}
	url := state.URL(o.URL)
	id, err := state.Read(o.State, url)
	if err != nil {
		return "", fmt.Errorf("--state %q: %w", o.State, err)
	}
	if o.LastEventID != "" {
		note = fmt.Sprintf("--state %q has no id yet; resuming after --last-event-id %s", o.State,
			escape.Line(o.LastEventID))
		if id != "" {
			note = fmt.Sprintf("resuming after id %s of --state %q; --last-event-id is not used",
				escape.Line(id), o.State)
		}
	}
	if id != "" {
		o.Header.Set("Last-Event-ID", id)
	}
	s.saver = state.NewSaver(o.State, state.State{ID: id, URL: url}, state.Sync(out), s.cancel)
	return note, nil
}

// eventsWithoutID is after how many events without an ID a note says that there is none.
const eventsWithoutID = 10

// save stores the last event ID in the file of --state, if there is one.
func (s *session) save(id string) {
	if s.saver == nil {
		return
	}
	s.saver.Save(id)
	if id == "" && s.seen.Load() >= eventsWithoutID {
		s.noteMissingID()
	}
}

// closeState stores id in the file of --state, unless failed is set, and ends the saver.
func (s *session) closeState(id string, failed bool) error {
	if s.saver == nil {
		return nil
	}
	if s.seen.Load() > 0 {
		if !failed {
			s.saver.Save(id) // the last block may have had only an ID
		}
		if id == "" {
			s.noteMissingID()
		}
	}
	return s.saver.Close()
}

// noteMissingID reports, once, that --state has nothing to store.
func (s *session) noteMissingID() {
	if !s.notedMissingID {
		s.notedMissingID = true
		s.observer.Note("--state has nothing to store, because the events have no ids: " +
			"the next run cannot resume")
	}
}
