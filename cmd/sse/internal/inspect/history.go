package inspect

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-0d85b69d/sse"
)

// A history holds the messages of the current run. If they take more than limit bytes, it drops the
// oldest, except the newest message of each key.
type history struct {
	limit int

	mu       sync.Mutex
	run      int           // the number of the current run; 0 before the first
	messages []message     // the messages from number first on
	first    int           // numbers begin with 1 in each run
	size     int           // of messages
	kept     []message     // what was dropped from messages, but is the newest of its key
	changed  chan struct{} // closed when there is a new message or a new run
}

// A message is a message for the page.
type message struct {
	number int
	key    string // if not empty, a message with the same key replaces this one
	kind   string
	data   string // a JSON object
}

const messageOverhead = 128 // bytes of memory in addition to the data

func newHistory(limit int) *history { return &history{limit: limit, changed: make(chan struct{})} }

// begin drops all messages, because the run with this number begins.
func (h *history) begin(run int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run, h.messages, h.first, h.size, h.kept = run, nil, 1, 0, nil
	h.notify()
}

// notify wakes those who wait for a change.
func (h *history) notify() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// add adds a message of a run whose data is v. If the run is not the current one, add does nothing.
func (h *history) add(run int, kind, key string, v any) {
	m := message{kind: kind, key: key, data: encode(v)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if run != h.run {
		return
	}
	m.number = h.first + len(h.messages)
	h.messages = append(h.messages, m)
	h.size += len(m.data) + messageOverhead
	for h.size > h.limit && len(h.messages) > 1 {
		h.drop()
	}
	h.notify()
}

// drop drops the oldest message.
func (h *history) drop() {
	m := h.messages[0]
	h.messages[0] = message{} // the slice still refers to it
	h.messages = h.messages[1:]
	h.first++
	h.size -= len(m.data) + messageOverhead
	if m.key != "" {
		h.kept = slices.DeleteFunc(h.kept, func(k message) bool { return k.key == m.key })
		h.kept = append(h.kept, m)
	}
}

// encode returns v as a JSON object on one line.
func encode(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // the types of messages.go have nothing that JSON cannot hold
	return strings.TrimSuffix(b.String(), "\n")
}

// A cursor is the position of a reader of a history. The zero cursor is before the current run.
type cursor struct {
	run, number int         // of the last message
	queue       []sse.Event // what is sent before the next message
}

// parseCursor returns the position after the message with this ID.
func parseCursor(id string) cursor {
	run, number, ok := strings.Cut(id, ".")
	var c cursor
	var err1, err2 error
	c.run, err1 = strconv.Atoi(run)
	c.number, err2 = strconv.Atoi(number)
	if !ok || err1 != nil || err2 != nil || c.run < 1 || c.number < 0 {
		return cursor{}
	}
	return c
}

// next returns the event after c, and advances c. If there is none, the channel is closed when that
// has changed.
func (h *history) next(c *cursor) (ev sse.Event, ok bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.run != h.run || c.number >= h.first+len(h.messages) {
		*c = cursor{run: h.run} // also if the ID is not one of this server
	}
	if h.run > 0 && len(c.queue) == 0 && c.number < h.first-1 {
		c.queue = h.replacements(c.number)
		c.number = h.first - 1
	}
	if len(c.queue) > 0 {
		ev, c.queue = c.queue[0], c.queue[1:]
		return ev, true, nil
	}
	i := c.number + 1 - h.first
	if h.run == 0 || i >= len(h.messages) {
		return sse.Event{}, false, h.changed
	}
	c.number++
	return h.messages[i].event(c.run), true, nil
}

// replacements returns the events that are sent in place of the dropped messages after number: the
// message that begins the run, those that were kept, and one that says which messages are lost. The
// messages that were kept have no ID of their own. If the connection is cut before the last of
// these events, all of them are sent again.
func (h *history) replacements(number int) []sse.Event {
	var events, kept []sse.Event
	for _, m := range h.kept {
		switch {
		case m.number <= number:
		case m.kind == kindRun:
			events = append(events, m.event(h.run))
			number = m.number
		default:
			kept = append(kept, sse.Event{Type: m.kind, Data: m.data})
		}
	}
	events = append(events, kept...)
	if number < h.first-1 {
		lost := message{
			number: h.first - 1,
			kind:   kindLost,
			data:   encode(lost{From: number + 1, To: h.first - 1}),
		}
		events = append(events, lost.event(h.run))
	}
	return events
}

// event returns m as an event.
func (m message) event(run int) sse.Event {
	return sse.Event{
		ID:   strconv.Itoa(run) + "." + strconv.Itoa(m.number),
		Type: m.kind,
		Data: m.data,
	}
}
