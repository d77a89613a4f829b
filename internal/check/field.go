package check

import (
	"encoding/json"
	"hash/maphash"
	"strconv"
	"strings"
	"time"
)

// checkField checks a line that is neither blank nor a comment.
func (c *checker) checkField(text string) {
	name, value, colon := strings.Cut(text, ":")
	switch name {
	case "data":
		c.checkData(value)
	case "event":
		if c.block.event {
			c.add("duplicate-event-field", "An event has two event fields, of which only the last "+
				"counts. Is a blank line missing between two events?")
		}
		c.block.event = true
		c.checkEventType(strings.TrimPrefix(value, " "))
	case "id":
		if c.block.id {
			c.add("duplicate-id-field", "An event has two id fields, of which only the last "+
				"counts. Is a blank line missing between two events?")
		}
		c.block.id = true
		c.block.validID = strings.IndexByte(value, 0) < 0 || c.block.validID
		c.checkID(value)
	case "retry":
		c.checkRetry(strings.TrimPrefix(value, " "))
	default:
		c.checkUnknown(name, colon)
	}
}

func (c *checker) checkData(value string) {
	c.block.data = true
	c.block.dataSize += c.length - int64(len("data:"))
	switch {
	case strings.HasPrefix(value, " "):
		c.colonSpace.with = true
	case value != "":
		c.colonSpace.without = true
	}
	switch value = strings.TrimSpace(value); {
	case value == "" || value == "[DONE]":
		// An empty line is no value, and [DONE] ends the streams of many language models.
	case c.length == int64(len(c.text)) && isJSON(value):
		c.block.jsonLines++
	default:
		c.block.textLines++
	}
}

// isJSON reports whether s is a JSON object or array.
func isJSON(s string) bool {
	return (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s))
}

func (c *checker) checkEventType(value string) {
	switch trimmed := strings.Trim(value, " \t"); {
	case trimmed != value && trimmed != "":
		c.add("event-type-whitespace", "The event type %q starts or ends with a space or tab. "+
			"A listener for %q does not receive the event.", clip(value, maxQuote), clip(trimmed, maxQuote))
	case value == "error" || value == "open":
		c.add("reserved-event-type", "EventSource itself dispatches events of type %q, so a "+
			"listener in a browser receives both. Choose another type.", value)
	}
}

func (c *checker) checkID(value string) {
	leading := strings.HasPrefix(value, "  ") || strings.HasPrefix(value, " \t") ||
		strings.HasPrefix(value, "\t")
	value = strings.TrimPrefix(value, " ")
	switch {
	case value == "":
		c.add("id-reset", "An empty id field resets the last event ID. A client that reconnects "+
			"after this line starts from the beginning.")
		return
	case c.hasNUL:
		c.add("id-nul", "The id field contains a NUL, so clients ignore it. Leave the NUL out.")
		return
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		c.add("id-control-character", "The ID %q contains a control character. A header cannot "+
			"carry it, so clients cannot send the ID back in Last-Event-ID.", clip(value, maxQuote))
	case leading || strings.TrimRight(value, " \t") != value:
		c.add("id-whitespace", "The ID %q starts or ends with a space or tab, which is lost in the "+
			"Last-Event-ID header.", clip(value, maxQuote))
	case len(value) > 4<<10:
		c.add("long-id", "The ID has %d bytes. Many servers and proxies refuse a Last-Event-ID "+
			"header of this length. Use less than 4 KiB.", c.length-int64(len(c.text)-len(value)))
	}
	c.idLines++
	if c.length > int64(len(c.text)) {
		return // the rest of the ID is unknown, so it cannot be compared
	}
	hash := maphash.String(c.seed, value)
	if _, ok := c.ids[hash]; ok {
		c.add("duplicate-id", "The ID %q has occurred before, so a client cannot say which of these "+
			"events it received last. Give each event an ID of its own.", clip(value, maxQuote))
	} else if len(c.ids) < maxIDs {
		c.ids[hash] = struct{}{}
	}
}

func (c *checker) checkRetry(value string) {
	if value == "" || strings.Trim(value, "0123456789") != "" {
		c.add("invalid-retry", "The retry value %q is ignored. It must be a number of milliseconds "+
			"in ASCII digits.", clip(value, maxQuote))
		return
	}
	switch ms, err := strconv.ParseInt(value, 10, 64); {
	case err != nil || ms > (24*time.Hour).Milliseconds():
		c.add("long-retry", "The retry value %s is more than a day, so a client that loses its "+
			"connection does not reconnect for that long. The unit is milliseconds.", clip(value, maxQuote))
	case ms < 100:
		c.add("short-retry", "The retry value %s is less than 100 ms, so all clients reconnect at "+
			"once when the server restarts. The unit is milliseconds.", value)
	}
}

const lineBreakInData = "Does the data contain a line break? " +
	"Each of its lines needs its own \"data: \"."

func (c *checker) checkUnknown(name string, colon bool) {
	switch near := strings.ToLower(strings.Trim(name, " \t\ufeff\x00")); {
	case near == "data" || near == "event" || near == "id" || near == "retry":
		c.add("misspelled-field", "The line is ignored, because %q is not %q. Field names are in "+
			"lower case, at the start of the line and directly before the colon.",
			clip(name, maxQuote), near)
	case colon && isFieldName(name):
		hint := "Put what clients need into data."
		if c.block.data {
			hint = lineBreakInData
		}
		c.add("unknown-field", "The field %q is ignored. The fields are data, event, id and "+
			"retry. %s", clip(name, maxQuote), hint)
	default:
		c.add("malformed-line", "The line %q is ignored, because it does not start with a field "+
			"name. %s", clip(string(c.text), maxQuote), lineBreakInData)
	}
}

// isFieldName reports whether s looks like an intended field name.
func isFieldName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return s != "" && strings.Trim(s, letters+"0123456789-_.") == ""
}

// endBlock checks the block that a blank line has ended, and starts a new one.
func (c *checker) endBlock() {
	b := c.block
	c.block = block{}
	if !b.data {
		if b.event {
			c.addAt(b.line, b.offset, "event-without-data", "The event has no data field, so "+
				"clients do not dispatch it. Add one, which may be empty (\"data:\").")
		}
		return
	}
	c.report.Events++
	if !b.id && c.idLines > 0 {
		c.addAt(b.line, b.offset, "event-without-id", "The event has no ID, but others have. "+
			"A client that reconnects after this event receives it again.")
	}
	if b.jsonLines > 1 && b.textLines == 0 {
		c.addAt(b.line, b.offset, "multiple-json-values", "The event contains %d JSON values, one on "+
			"each data line. Is a blank line missing after each of them?", b.jsonLines)
	}
	if b.dataSize > 64<<10 {
		c.addAt(b.line, b.offset, "large-event", "The event has %d bytes of data. Some clients "+
			"refuse lines or events of more than 64 KiB.", b.dataSize)
	}
}
