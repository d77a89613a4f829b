package sse

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"
)

// DefaultMaxEventSize is the maximum size of an event, in bytes, if MaxEventSize is zero.
const DefaultMaxEventSize = 64 << 20

// ErrEventTooLarge is wrapped by the error that reports an event larger than MaxEventSize.
var ErrEventTooLarge = errors.New("sse: event too large")

// maxJoined is the length of the longest data that shares its memory with the event's ID. An ID
// that the caller keeps would otherwise keep large data alive.
const maxJoined = 4 << 10

// A Parser parses the bytes of an event stream into events. It does no I/O: the caller passes the
// bytes to Write and gets the events from Next. The zero value is ready to use. A Parser is not
// safe for concurrent use, and must not be copied after its first use.
//
// It implements sections 9.2.5 "Parsing an event stream" and 9.2.6 "Interpreting an event stream"
// of the WHATWG HTML standard, with two differences. As in every browser, the last event ID buffer
// of a new connection is initialized to the last event ID string instead of the empty string. And
// the size of an event is limited by MaxEventSize.
type Parser struct {
	// MaxEventSize specifies the maximum size of an event in bytes: its data, its type and its ID,
	// after decoding. An ID that it has from an earlier event does not count. If zero, MaxEventSize
	// is DefaultMaxEventSize. If negative, there is no limit. Comments and unknown fields do not
	// count. They are not buffered, however long they are.
	MaxEventSize int

	// OnComment, if non-nil, is called by Next for each comment, with the text after the colon,
	// decoded and cut to at most 4 KiB. It must not call methods of the Parser.
	OnComment func(text string)

	// OnIgnored, if non-nil, is called by Next for each line that the standard ignores and that is
	// not a comment: an unknown field, an invalid retry field, an id field that contains a NUL. The
	// line is decoded and cut to at most 4 KiB. It must not call methods of the Parser.
	OnIgnored func(line string)

	_          noCopy
	state      lineState // what comes next in the stream
	inBlock    bool      // a data, event or valid id field has followed the last blank line
	dispatched bool      // the buffers contain an event: the last call to Next returned true
	hasRetry   bool      // a valid retry field has set retry
	slow       bool      // turns off the fast path, for tests
	buf        buffer    // the bytes held

	// The terms of section 9.2.6. All buffers are empty if inBlock and dispatched are false.
	data      fieldBuffer   // the data buffer, without the LF at its end
	idBuffer  fieldBuffer   // the last event ID buffer, if set; otherwise that is equal to lastID
	lastID    lastEventID   // the last event ID string
	eventType typeBuffer    // the event type buffer
	retry     time.Duration // the reconnection time

	partial   partial // the line that is being consumed, if any
	err       error
	onID      func(id []byte)   // of Stream: called when a block without data sets lastID
	onIgnored func(line []byte) // of Stream: like OnIgnored, with bytes that are not decoded
}

// Write appends the next chunk of the stream, which may be split at any byte. It copies chunk, and
// invalidates the slices returned by Data and ID. It returns an error only if Err does.
//
// Call Next until it returns false before calling Write again. Until then the Parser buffers
// everything written, without regard to MaxEventSize. To parse an io.Reader use a Reader, not
// io.Copy.
func (p *Parser) Write(chunk []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.resetEvent()
	b := &p.buf
	if b.data == nil || b.spare() < len(chunk) {
		b.grow(len(chunk), p.limit(), &p.data.value, &p.lastID.value, &p.idBuffer.value)
	}
	b.full = false
	b.commit(copy(b.data[b.end:], chunk))
	return len(chunk), nil
}

// Next advances to the next event and reports whether there is one. An event is available as soon
// as the last byte of its blank line has been written. If Next returns false, the Parser needs more
// bytes, or Err returns an error and there are no more events.
func (p *Parser) Next() bool { return p.next(nil) }

// line parses the line at pos as section 9.2.6 of the standard says. It returns false if the line
// dispatched an event, is incomplete, or made the event too large.
func (p *Parser) line() bool {
	b, limit := &p.buf, p.limit()
	start, end := b.pos, b.lineEnd(b.pos)
	if end == b.end {
		p.partialLine(limit)
		return false
	}
	b.pos = end + 1
	if b.data[end] == '\r' {
		b.pos = p.skipLF(b.pos)
	}
	line := b.data[start:end]

	// "If the line is empty (a blank line): Dispatch the event, as defined below."
	if len(line) == 0 {
		return !p.dispatch()
	}

	// "If the line starts with a U+003A COLON character (:): Ignore the line."
	if line[0] == ':' {
		p.handleComment(line[1:])
		return true
	}

	// "If the line contains a U+003A COLON character (:): Collect the characters on the line
	// before the first U+003A COLON character (:), and let field be that string. Collect the
	// characters on the line after the first U+003A COLON character (:), and let value be that
	// string. If value starts with a U+0020 SPACE character, remove it from value."
	//
	// "Otherwise, [use] the whole line as the field name, and the empty string as the field value."
	field, value := line, end // the value is data[value:end]
	if i := bytes.IndexByte(line, ':'); i >= 0 {
		field, value = line[:i], start+i+1
		if b.data[value] == ' ' {
			value++
		}
	}

	if ignored := !p.processField(string(field), start, value, end, limit); ignored && p.err == nil {
		p.handleIgnored(line)
	}
	return p.err == nil
}

// processField performs the steps of section 9.2.6 to process the field of the line
// data[start:end], whose value is data[value:end]. It reports whether the standard knows the field
// and its value.
func (p *Parser) processField(field string, start, value, end, limit int) (known bool) {
	// "Field names must be compared literally, with no case folding performed."
	known = true
	switch field {
	case "event":
		// "Set the event type buffer to the field value."
		p.setType(start, value, end)
	case "data":
		// "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF)
		// character to the data buffer."
		p.addData(value, end)
	case "id":
		// "If the field value does not contain U+0000 NULL, then set the last event ID buffer to
		// the field value. Otherwise, ignore the field."
		known = p.setID(value, end, limit)
	case "retry":
		// "If the field value consists of only ASCII digits, then interpret the field value as an
		// integer in base ten, and set the event stream's reconnection time to that integer.
		// Otherwise, ignore the field."
		known = p.setRetry(p.buf.data[value:end])
	default:
		known = false // "The field is ignored."
	}
	if p.size() > limit {
		p.fail(limit)
	}
	return known
}

// addData appends data[start:end] to the data buffer.
//
// The data of one line stays where it is. The data of further lines moves to its end, with an LF
// before it, and overwrites bytes that have been parsed. Only if a line is invalid UTF-8, which
// takes more bytes when decoded, is the data copied to memory of its own.
func (p *Parser) addData(start, end int) {
	b, d := &p.buf, &p.data
	if !b.valid(start, end) {
		d.detach(b)
	}
	switch {
	case d.owned:
		if d.set {
			d.own = append(d.own, '\n')
		}
		d.own = appendUTF8(d.own, b.data[start:end])
		d.end = len(d.own)
	case d.set:
		d.end = joinLine(b.data, d.end, start, end)
	default:
		d.value.assign(start, end)
	}
	d.set, p.inBlock = true, true
}

// setID sets the last event ID buffer to data[start:end], unless that contains a NUL. It reports
// whether it did.
func (p *Parser) setID(start, end, limit int) bool {
	b, id := &p.buf, &p.idBuffer
	if i := bytes.IndexByte(b.data[start:end], 0); i >= 0 {
		// An incomplete line is held up to the NUL, and its size counts. The result must not
		// depend on how the stream is split.
		if p.size()-id.len()+i > limit {
			p.fail(limit)
		}
		return false
	}
	id.value.assign(start, end)
	id.set, p.inBlock = true, true
	valid := b.valid(start, end)
	if p.data.set || !valid {
		id.detach(b) // joinLine may overwrite an ID between two data lines
	}
	if !valid {
		id.own = appendUTF8(nil, id.own)
		id.end = len(id.own)
	}
	return true
}

// dispatch performs the steps of section 9.2.6 for dispatching the event, and reports whether there
// is one.
func (p *Parser) dispatch() bool {
	p.inBlock = false
	// "Set the last event ID string of the event source to the value of the last event ID buffer."
	changed := p.idBuffer.set
	if changed {
		p.commitID()
	}
	// "If the data buffer is an empty string, set the data buffer and the event type buffer to the
	// empty string and return."
	if !p.data.set {
		p.eventType.set = false
		if changed && p.onID != nil {
			p.onID(p.lastID.bytes(&p.buf))
		}
		return false
	}
	// The buffers contain the event until resetEvent sets them to the empty string.
	p.dispatched = true
	return true
}

// commitID sets the last event ID string to the last event ID buffer. It then unsets the buffer,
// because they are equal.
func (p *Parser) commitID() {
	if p.idBuffer.owned {
		// Swapping them lets both reuse their memory.
		p.lastID.value, p.idBuffer.value = p.idBuffer.value, p.lastID.value
	} else {
		p.lastID.value.assign(p.idBuffer.start, p.idBuffer.end)
	}
	p.idBuffer.value.assign(0, 0)
	p.idBuffer.set, p.lastID.changed, p.lastID.idCached = false, true, false
}

// resetEvent discards the event that was dispatched, if any.
func (p *Parser) resetEvent() {
	if p.dispatched {
		p.dispatched = false
		p.resetBlock()
	}
}

// resetBlock sets the data buffer and the event type buffer to the empty string.
func (p *Parser) resetBlock() {
	p.data.set, p.eventType.set = false, false
	p.data.start, p.data.end = 0, 0
	if p.data.owned {
		p.data.clear()
	}
}

// resetConnection discards the block, and all bytes held.
func (p *Parser) resetConnection() {
	p.inBlock, p.dispatched = false, false
	p.resetBlock()
	p.idBuffer.set = false
	p.idBuffer.clear()
	p.buf.pos, p.buf.full = p.buf.end, false
	p.release()
}

// Reset prepares the Parser for the bytes of the next connection. It discards everything that
// belongs to the current one: unread events, an incomplete event, Err, and a CR that may be
// followed by its LF. The new connection may start with a byte order mark. The last event ID and
// the reconnection time are kept.
func (p *Parser) Reset() {
	p.resetConnection()
	p.state, p.err = atStart, nil
}

// limit returns the value of MaxEventSize that applies.
func (p *Parser) limit() int {
	switch {
	case p.MaxEventSize == 0:
		return DefaultMaxEventSize
	case p.MaxEventSize < 0:
		return math.MaxInt
	}
	return p.MaxEventSize
}

// size returns the size of the event so far, which must not exceed limit.
func (p *Parser) size() int { return p.data.len() + p.eventType.len() + p.idBuffer.len() }

// fail ends parsing with ErrEventTooLarge.
func (p *Parser) fail(limit int) {
	p.resetConnection()
	p.inBlock = true // for Partial: the event is lost
	p.state = failed
	p.err = fmt.Errorf("%w: more than %d bytes", ErrEventTooLarge, limit)
}

// Event returns the current event as strings, which takes at most two allocations, and usually one.
// It returns the zero Event if the last call to Next returned false.
func (p *Parser) Event() Event {
	if !p.dispatched {
		return Event{}
	}
	data := p.Data()
	if !p.lastID.idCached && len(data) <= maxJoined {
		// One allocation holds both strings.
		id := p.ID()
		both := concat(id, data)
		p.lastID.idString, p.lastID.idCached = both[:len(id)], true
		return Event{p.lastID.idString, p.Type(), both[len(id):]}
	}
	return Event{p.LastEventID(), p.Type(), string(data)}
}

// Data returns the data of the current event, or nil if the last call to Next returned false. The
// slice is valid, and may be modified by the caller, until the next call to Write, Next or Reset.
// After that its contents may be overwritten, also with the bytes of another stream.
func (p *Parser) Data() []byte {
	if !p.dispatched {
		return nil
	}
	return p.data.bytes(&p.buf)
}

// ID returns the ID of the current event, or nil if the last call to Next returned false. The slice
// is valid until the next call to Write, Next or Reset, and must not be modified. An event without
// an id field has the ID of the event before it.
func (p *Parser) ID() []byte {
	if !p.dispatched {
		return nil
	}
	return p.lastID.bytes(&p.buf)
}

// Type returns the type of the current event, or "" if the last call to Next returned false. An
// event without an event field has the type "message".
func (p *Parser) Type() string {
	switch {
	case !p.dispatched:
		return ""
	case p.eventType.set:
		return p.eventType.last.name
	}
	return "message"
}

// LastEventID returns the last event ID string of the stream: the ID of the last block that a blank
// line has ended, even if that block had no data.
func (p *Parser) LastEventID() string {
	if !p.lastID.idCached {
		p.lastID.idString, p.lastID.idCached = string(p.lastID.bytes(&p.buf)), true
	}
	return p.lastID.idString
}

// setLastEventID sets the last event ID string. It copies id.
func (p *Parser) setLastEventID(id []byte) {
	p.lastID.value = value{end: len(id), owned: true, own: bytes.Clone(id)}
	p.lastID.idCached = false
}

// Retry returns the reconnection time of the last valid retry field, and whether there was one. A
// retry field takes effect at the end of its line. Values too large for a time.Duration are
// reported as the largest Duration.
func (p *Parser) Retry() (d time.Duration, ok bool) { return p.retry, p.hasRetry }

// Err returns the error that ended parsing, if any. It wraps ErrEventTooLarge, and its text
// contains the limit.
func (p *Parser) Err() error { return p.err }

// Partial reports whether the Parser holds part of an event: a data, event or valid id field
// without the blank line that ends the event, or an incomplete line other than a comment. If the
// stream ends here, that event is lost. Call Partial after Next has returned false.
func (p *Parser) Partial() bool {
	return p.inBlock || p.buf.pos < p.buf.end ||
		p.state == inRetry || p.state == inIgnored
}
