package ssetest

import (
	"hash/maphash"
	"strconv"
	"strings"
	"time"
)

func (c *checker) event(value string) {
	switch bare := strings.Trim(value, " \t"); {
	case bare != value && bare != "":
		c.add(Warning, "event-space", "9.2.6", "The event type %q begins or ends with a space or tab, which is part of it: who listens for %q does not get it.", clip(value), clip(bare))
	case value == "error" || value == "open":
		c.add(Info, "event-own", "9.2.2", "The event type %q is that of an event of EventSource's own: in a browser a listener gets both.", value)
	}
}

func (c *checker) id(value string) {
	outer := strings.HasPrefix(value, "  ") || strings.HasPrefix(value, " \t") || strings.HasPrefix(value, "\t")
	value = strings.TrimPrefix(value, " ")
	switch {
	case value == "":
		c.add(Info, "id-reset", "9.2.6", "An empty id field takes the last event ID away: a client that connects again after it begins anew.")
		return
	case c.nul:
		c.add(Error, "id-nul", "9.2.6", "The id has a NUL, so that clients ignore it: leave it out.")
		return
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		c.add(Warning, "id-control", "9.2.4", "The id %q has a control character, which no header can carry: clients can't send it back in Last-Event-ID.", clip(value))
	case outer || strings.TrimRight(value, " \t") != value:
		c.add(Warning, "id-space", "9.2.4", "The id %q begins or ends with a space or tab, which gets lost in the Last-Event-ID header.", clip(value))
	case len(value) > 4<<10:
		c.add(Warning, "id-long", "9.2.4", "The id has %d bytes: many servers and proxies refuse so long a Last-Event-ID header. Stay below 4 KiB.", c.length-int64(len(c.text)-len(value)))
	}
	c.idLines++
	if c.length > int64(len(c.text)) {
		return // what was kept of it may be the same
	}
	hash := maphash.String(c.seed, value)
	if _, ok := c.ids[hash]; ok {
		c.add(Warning, "id-again", "9.2.4", "The id %q came before: with it a client can't say which of these events it had last. Give each event an id of its own.", clip(value))
	} else if len(c.ids) < checkedIDs {
		c.ids[hash] = struct{}{}
	}
}

func (c *checker) retry(value string) {
	if value == "" || strings.Trim(value, "0123456789") != "" {
		c.add(Error, "retry-digits", "9.2.6", "The retry value %q is ignored: it has to be a number of milliseconds, in ASCII digits only.", clip(value))
		return
	}
	switch ms, err := strconv.ParseInt(value, 10, 64); {
	case err != nil || ms > (24*time.Hour).Milliseconds():
		c.add(Warning, "retry-long", "9.2.6", "The retry value %s is more than a day: a client that loses its connection stays away that long. The unit is milliseconds.", clip(value))
	case ms < 100:
		c.add(Warning, "retry-short", "9.2.6", "The retry value %s is less than 100 ms: all clients come back at once when the server restarts. The unit is milliseconds.", value)
	}
}

const lineEndInData = "Is there a line end within the data? Each line of it needs its own \"data: \"."

func (c *checker) unknown(name string, colon bool) {
	switch almost := strings.ToLower(strings.Trim(name, " \t\ufeff\x00")); {
	case almost == "data" || almost == "event" || almost == "id" || almost == "retry":
		c.add(Error, "almost-a-field", "9.2.6", "The line is ignored: %q is not %q. Field names are lower case, at the start of the line and directly before the colon.", clip(name), almost)
	case colon && isName(name):
		hint := "Put what clients shall see into data."
		if c.block.data {
			hint = lineEndInData
		}
		c.add(Warning, "unknown-field", "9.2.6", "The field %q is ignored: the fields are data, event, id and retry. %s", clip(name), hint)
	default:
		c.add(Error, "not-a-field", "9.2.6", "The line %q is ignored: it has no field name. %s", clip(string(c.text)), lineEndInData)
	}
}

// isName says whether s looks like the name of a field that somebody meant.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

func (c *checker) endBlock() {
	b := c.block
	c.block = block{}
	if !b.data {
		if b.event {
			c.addAt(b.line, b.offset, Warning, "no-data", "9.2.6", "The event has no data field, so that clients do not dispatch it: add one, be it empty (\"data:\").")
		}
		return
	}
	c.report.Events++
	if !b.id && c.idLines > 0 {
		c.addAt(b.line, b.offset, Info, "event-without-id", "9.2.4", "The event has no id, others have: a client that lost its connection after it gets it again.")
	}
	if b.size > 64<<10 {
		c.addAt(b.line, b.offset, Info, "large-event", "9.2.6", "The event has %d bytes of data: some clients refuse lines or events of more than 64 KiB.", b.size)
	}
}
