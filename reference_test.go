package sse_test

import (
	"bytes"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A reference is the event source of the standard (HTML 9.2.6, Interpreting an event stream). It
// interprets a whole connection at once, in the words and in the order of the standard. The parser
// must agree with it.
type reference struct {
	lastEventID      string   // the last event ID string
	reconnectionTime *big.Int // in milliseconds; nil until the server sets it
	comments         []string // the comments, which the standard ignores
}

// connection interprets the stream of one connection. It returns the events that were dispatched,
// and whether the end of the stream cut something: a data, event or id field without a blank line
// after it, or a line that is not a comment.
func (r *reference) connection(stream []byte) (events []sse.Event, partial bool) {
	// Streams must be decoded using the UTF-8 decode algorithm.
	text := utf8Decode(stream)

	// A data buffer, an event type buffer, and a last event ID buffer must be associated with the
	// stream. They must be initialized to the empty string.
	data, eventType, id := "", "", ""

	// THE ONE DEPARTURE, which every browser makes: the last event ID buffer of a new connection
	// starts as the last event ID string. If it started empty, the first blank line of the
	// connection would reset the last event ID string.
	id = r.lastEventID

	for {
		line, rest, ended := cutLine(text)
		if !ended {
			break
		}
		text = rest

		// If the line is empty (a blank line): dispatch the event.
		if line == "" {
			// 1. Set the last event ID string to the value of the last event ID buffer. The
			// buffer does not get reset.
			r.lastEventID = id
			partial = false

			// 2. If the data buffer is an empty string, set the data buffer and the event type
			// buffer to the empty string and return.
			if data == "" {
				eventType = ""
				continue
			}

			// 3. If the data buffer's last character is a LF, remove it.
			data = strings.TrimSuffix(data, "\n")

			// 4 and 5. The type of a new event is "message", its data is data, and its last
			// event ID is the last event ID string.
			event := sse.Event{Type: "message", Data: data, ID: r.lastEventID}

			// 6. If the event type buffer has a value other than the empty string, it is the
			// type.
			if eventType != "" {
				event.Type = eventType
			}

			// 7. Set the data buffer and the event type buffer to the empty string.
			data, eventType = "", ""

			// 8. Dispatch the event.
			events = append(events, event)
			continue
		}

		// If the line starts with a colon: ignore the line.
		if strings.HasPrefix(line, ":") {
			r.comments = append(r.comments, line[1:])
			continue
		}

		// If the line contains a colon: the field is the text before the first colon, and the
		// value is the text after it, without one leading space. Otherwise the field is the whole
		// line, and the value is the empty string.
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")

		// Field names must be compared literally, with no case folding.
		switch field {
		case "event":
			// Set the event type buffer to the field value.
			eventType = value
			partial = true
		case "data":
			// Append the field value to the data buffer, then append a LF.
			data += value + "\n"
			partial = true
		case "id":
			// If the field value does not contain U+0000 NULL, set the last event ID buffer to
			// the field value. Otherwise, ignore the field.
			if !strings.Contains(value, "\x00") {
				id = value
				partial = true
			}
		case "retry":
			// If the field value consists of only ASCII digits, interpret it as an integer in
			// base ten. Otherwise, ignore the field. (An empty value is not an integer.)
			if value != "" && strings.Trim(value, "0123456789") == "" {
				r.reconnectionTime, _ = new(big.Int).SetString(value, 10)
			}
		default:
			// The field is ignored.
		}
	}

	// Once the end of the file is reached, any pending data must be discarded.
	if text != "" && !strings.HasPrefix(text, ":") {
		partial = true
	}
	return events, partial
}

// retry returns the reconnection time as a Duration, which can represent 292 years.
func (r *reference) retry() (d time.Duration, ok bool) {
	if r.reconnectionTime == nil {
		return 0, false
	}
	ns := new(big.Int).Mul(r.reconnectionTime, big.NewInt(int64(time.Millisecond)))
	if !ns.IsInt64() {
		return math.MaxInt64, true
	}
	return time.Duration(ns.Int64()), true
}

// cutLine splits off the first line of text. A line ends at a CRLF pair, at a single LF not
// preceded by a CR, and at a single CR not followed by an LF.
func cutLine(text string) (line, rest string, ended bool) {
	i := strings.IndexAny(text, "\r\n")
	if i < 0 {
		return "", text, false
	}
	line, rest = text[:i], text[i:]
	if strings.HasPrefix(rest, "\r\n") {
		return line, rest[2:], true
	}
	return line, rest[1:], true
}

// utf8Decode implements the UTF-8 decode algorithm of the Encoding standard (6 and 8.1.1). It drops
// a byte order mark and replaces each error by U+FFFD.
func utf8Decode(ioQueue []byte) string {
	ioQueue = bytes.TrimPrefix(ioQueue, []byte{0xEF, 0xBB, 0xBF})

	var (
		output       []rune
		codePoint    rune
		seen, needed int
		lower, upper byte = 0x80, 0xBF
		replacement       = '\uFFFD'
	)
	for i := 0; i < len(ioQueue); i++ {
		b := ioQueue[i]

		if needed == 0 {
			switch {
			case b <= 0x7F:
				output = append(output, rune(b))
			case 0xC2 <= b && b <= 0xDF:
				needed = 1
				codePoint = rune(b & 0x1F)
			case 0xE0 <= b && b <= 0xEF:
				if b == 0xE0 {
					lower = 0xA0
				}
				if b == 0xED {
					upper = 0x9F
				}
				needed = 2
				codePoint = rune(b & 0xF)
			case 0xF0 <= b && b <= 0xF4:
				if b == 0xF0 {
					lower = 0x90
				}
				if b == 0xF4 {
					upper = 0x8F
				}
				needed = 3
				codePoint = rune(b & 0x7)
			default:
				output = append(output, replacement)
			}
			continue
		}

		if b < lower || b > upper {
			codePoint, needed, seen = 0, 0, 0
			lower, upper = 0x80, 0xBF
			i-- // restore the byte to the queue
			output = append(output, replacement)
			continue
		}

		lower, upper = 0x80, 0xBF
		codePoint = codePoint<<6 | rune(b&0x3F)
		seen++
		if seen != needed {
			continue
		}
		output = append(output, codePoint)
		codePoint, needed, seen = 0, 0, 0
	}
	if needed != 0 { // end-of-queue in a character
		output = append(output, replacement)
	}
	return string(output)
}

// run interprets a connection and returns the outcome.
func (r *reference) run(stream []byte) outcome {
	events, partial := r.connection(stream)
	retry, ok := r.retry()
	return outcome{events, r.lastEventID, retry, ok, partial, nil}
}
