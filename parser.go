package sse

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"sync"
	"time"
)

// DefaultMaxEventSize is the limit, in bytes, that a MaxEventSize of zero stands for.
const DefaultMaxEventSize = 64 << 20

// ErrEventTooLarge is wrapped by the error that says an event was larger than MaxEventSize.
var ErrEventTooLarge = errors.New("sse: event too large")

const (
	smallWindow = 1 << 10  // what an idle stream holds
	largeWindow = 32 << 10 // fits in the first cache: what a read brought is scanned while hot
	padding     = 16       // bytes behind the window, so that eight-byte loads need no check
	maxComment  = 4 << 10  // bytes of a comment that OnComment gets
	maxJoined   = 4 << 10  // bytes of data that a kept ID may hold in memory
	maxType     = 64       // bytes of a type that is worth remembering
)

// A Parser turns the bytes of an event stream into events. It does no I/O: bytes go in by
// Write, events come out by Next. The zero value is ready to use. A Parser is not safe for
// concurrent use.
//
// It implements the sections "Parsing an event stream" and "Interpreting an event stream" of
// the WHATWG HTML standard. The one departure is that of every browser: the last event ID
// buffer of a new connection starts as the last event ID, not empty.
type Parser struct {
	// MaxEventSize is the largest event accepted, in decoded bytes of data, type and id.
	// Zero means DefaultMaxEventSize, less than zero no limit. Comments and unknown fields
	// do not count, and are never held, however long.
	MaxEventSize int

	// OnComment, if not nil, is called by Next with each comment: the text after the colon,
	// decoded, and of that the first 4 KiB.
	OnComment func(text string)

	win  []byte  // the window: win[pos:end] is not yet parsed
	pos  int     // the start of a line
	end  int     // the end of what was written; at least padding bytes follow
	seen int     // there is no line end in win[pos:seen]
	cr   int     // the first CR at or after pos, end for none; less than pos: not known
	lf   int     // the first LF, likewise
	high int     // the first byte that is not ASCII, likewise
	box  *[]byte // what win came in from the pool; nil: win is own
	own  []byte  // the small window
	full bool    // the last read filled the window

	state   state
	err     error
	begun   bool // Partial, but for an unfinished line
	has     bool // an event was dispatched
	hasData bool
	hasID   bool // nextID counts
	newID   bool // id has changed; for Stream
	apart   bool // the data is text[:de]; otherwise it is win[ds:de]
	ds, de  int
	text    []byte     // data that could not stay in the window: it had to be decoded
	typ     string     // "" for message
	types   [16]string // types seen before

	id     []byte // the last event ID: idBuf, or a part of the window
	nextID []byte // what it becomes at the blank line: nextBuf, or a part of the window
	idIn   bool   // id is a part of the window
	nextIn bool   // nextID is
	idMade bool   // idText is the string of id
	idText string
	idBuf  []byte
	nexBuf []byte

	retry    time.Duration
	hasRetry bool
	number   int64  // of the retry line that is being read
	comment  []byte // the comment that is being read

	onID func(id []byte) // called where a block that is no event changes id; for Stream
}

// state says what Next meets before the start of a line.
type state uint8

const (
	atStart   state = iota // a byte order mark may come
	atLine                 // nothing
	afterCR                // an LF would belong to the CR before it
	inComment              // the rest of a line whose beginning has streamed by
	inRetry
	inOther
	failed
)

// Write adds the next bytes of the stream, cut anywhere. It copies chunk, and ends the life of
// what Data and ID returned. Call Next until it returns false before the next Write: what is
// not yet parsed is held. Write fails only when Err is not nil.
func (p *Parser) Write(chunk []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.drop()
	if len(p.win)-padding-p.end < len(chunk) {
		p.makeRoom(len(chunk))
	}
	p.full = false
	p.commit(copy(p.win[p.end:], chunk))
	return len(chunk), nil
}

// Next advances to the next event, and reports whether there is one. It is complete as soon as
// its last byte is there. Next returns false when it needs more bytes, and for good when Err is
// not nil.
func (p *Parser) Next() bool {
	p.drop()
	if p.state != atLine && !p.enter() {
		p.rest()
		return false
	}
	limit := p.limit()
	b := p.win
	for p.pos < p.end {
		pos, end := p.pos, p.end

		// Lines of up to 16 bytes are ended without a call: the first byte below 0x10 is
		// nearly always a line end.
		x := binary.LittleEndian.Uint64(b[pos:])
		short, eol := true, 0
		if low := below0x10(x); p.seen > pos {
			short, eol = false, p.lineEnd(p.seen)
		} else if low != 0 {
			eol = pos + bits.TrailingZeros64(low)/8
		} else if low = below0x10(binary.LittleEndian.Uint64(b[pos+8:])); low != 0 {
			eol = pos + 8 + bits.TrailingZeros64(low)/8
		} else {
			short, eol = false, p.lineEnd(pos+16)
		}
		if short && b[eol] != '\n' && b[eol] != '\r' {
			short, eol = false, p.lineEnd(eol)
		}
		if eol >= end {
			p.unfinished(limit)
			break
		}
		p.endLine(eol)

		switch {
		case x&0xff_ffff_ffff == fieldData:
			p.addData(pos+5, eol)
		case eol == pos:
			if p.dispatch() {
				return true
			}
			continue
		case x&0xff_ffff == fieldID:
			p.setID(pos+3, eol, short, limit)
		case x&0xffff_ffff_ffff == fieldEvent:
			p.setType(pos+6, eol)
		default:
			p.other(b[pos:eol], eol)
		}
		if p.size() > limit {
			p.fail(limit)
		}
	}
	p.rest()
	return false
}

const (
	fieldData  = 'd' | 'a'<<8 | 't'<<16 | 'a'<<24 | ':'<<32
	fieldID    = 'i' | 'd'<<8 | ':'<<16
	fieldEvent = 'e' | 'v'<<8 | 'e'<<16 | 'n'<<24 | 't'<<32 | ':'<<40
)

// below0x10 marks the lowest byte of x that is less than 0x10 with its high bit, and perhaps
// some above it.
func below0x10(x uint64) uint64 {
	const ones = 0x0101010101010101
	return (x - 0x10*ones) &^ x & (0x80 * ones)
}

// lineEnd returns the position of the first CR or LF at or after from, and end if there is none.
func (p *Parser) lineEnd(from int) int {
	if from >= p.end {
		return p.end
	}
	if p.lf < from {
		p.lf = p.find('\n', from)
	}
	if p.cr < from {
		p.cr = p.find('\r', from)
	}
	return min(p.lf, p.cr)
}

func (p *Parser) find(c byte, from int) int {
	if i := bytes.IndexByte(p.win[from:p.end], c); i >= 0 {
		return from + i
	}
	return p.end
}

// endLine moves behind the line end at eol. Nobody waits for the LF that may follow a CR.
func (p *Parser) endLine(eol int) {
	p.pos = eol + 1
	if p.win[eol] == '\r' {
		if p.pos == p.end {
			p.state = afterCR
		} else if p.win[p.pos] == '\n' {
			p.pos++
		}
	}
}

// addData takes win[a:e] as the value of a data field, after a space.
func (p *Parser) addData(a, e int) {
	if p.win[a] == ' ' {
		a++
	}
	p.begun = true
	if p.apart || p.high < e && !p.valid(a, e) {
		p.addText(a, e)
	} else if !p.hasData {
		p.ds, p.de = a, e
	} else {
		// The lines of an event are joined in place.
		p.win[p.de] = '\n'
		p.de += 1 + copy(p.win[p.de+1:], p.win[a:e])
	}
	p.hasData = true
}

// addText is addData for an event that has a line to be decoded: that can make it longer.
func (p *Parser) addText(a, e int) {
	if !p.apart {
		p.text = append(p.text[:0], p.win[p.ds:p.de]...)
		p.apart, p.ds = true, 0
	}
	if p.hasData {
		p.text = append(p.text, '\n')
	}
	p.text = appendUTF8(p.text, p.win[a:e])
	p.de = len(p.text)
}

func (p *Parser) setID(a, e int, short bool, limit int) {
	if p.win[a] == ' ' {
		a++
	}
	v := p.win[a:e]
	if !short { // otherwise there is no NUL: it would have ended the line
		if i := bytes.IndexByte(v, 0); i >= 0 {
			// Ignored, but it was held up to the NUL.
			if p.size()-len(p.nextID)+i > limit {
				p.fail(limit)
			}
			return
		}
	}
	p.begun, p.hasID, p.nextIn = true, true, true
	p.nextID = v
	// Data lines that follow are joined in place, over an id that stands between them.
	if p.hasData || p.high < e && !p.valid(a, e) {
		p.nexBuf = appendUTF8(p.nexBuf[:0], v)
		p.nextID, p.nextIn = p.nexBuf, false
	}
}

func (p *Parser) setType(a, e int) {
	if p.win[a] == ' ' {
		a++
	}
	p.begun = true
	v := p.win[a:e]
	if p.high < e && !p.valid(a, e) {
		v = appendUTF8(nil, v)
	}
	p.typ = p.intern(v)
}

// intern returns string(v), of a type seen lately without a new one.
func (p *Parser) intern(v []byte) string {
	if len(v) == 0 || len(v) > maxType {
		return string(v)
	}
	s := &p.types[(uint(len(v))*5+uint(v[0])+uint(v[len(v)-1])*3)%uint(len(p.types))]
	if *s != string(v) {
		*s = string(v)
	}
	return *s
}

// other takes a line that is no data, event or id field with a colon.
func (p *Parser) other(line []byte, eol int) {
	switch {
	case line[0] == ':':
		if p.OnComment != nil {
			p.comment = p.comment[:0]
			p.addComment(line[1:])
			p.endComment()
		}
	case string(line) == "data":
		p.addData(eol, eol)
	case string(line) == "event":
		p.setType(eol, eol)
	case string(line) == "id":
		p.setID(eol, eol, true, 0)
	case bytes.HasPrefix(line, []byte("retry:")):
		p.number = -1
		p.addRetry(value(line, 6))
		p.endRetry()
	}
}

// dispatch ends a block, and reports whether it is an event.
func (p *Parser) dispatch() bool {
	p.begun = false
	if p.hasID {
		if !p.nextIn {
			p.idBuf, p.nexBuf = p.nexBuf, p.idBuf
		}
		p.id, p.idIn, p.idMade = p.nextID, p.nextIn, false
		p.nextID, p.hasID, p.newID = nil, false, true
		if !p.hasData && p.onID != nil {
			p.onID(p.id)
		}
	}
	if !p.hasData {
		p.typ = ""
	}
	p.has = p.hasData
	return p.has
}

// drop forgets the event that was dispatched.
func (p *Parser) drop() {
	if p.has {
		p.has, p.hasData, p.typ, p.ds, p.de = false, false, "", 0, 0
		if p.apart {
			p.apart = false
			if cap(p.text) > largeWindow {
				p.text = nil
			}
		}
	}
}

// enter takes what comes before a line: the byte order mark, an LF after a CR, the rest of a line
// that streams by. It reports whether the start of a line was reached.
func (p *Parser) enter() bool {
	switch p.state {
	case failed:
		return false
	case atStart:
		const mark = "\xef\xbb\xbf"
		b := p.win[p.pos:min(p.pos+len(mark), p.end)]
		if string(b) == mark {
			p.pos += len(mark)
		} else if string(b) == mark[:len(b)] {
			return false
		}
	case afterCR:
		if p.pos == p.end {
			return false
		}
		if p.win[p.pos] == '\n' {
			p.pos++
		}
	default:
		eol := p.lineEnd(p.pos)
		p.stream(p.win[p.pos:eol])
		p.pos = eol
		if eol == p.end {
			return false
		}
		was := p.state
		p.state = atLine
		p.endLine(eol)
		switch was {
		case inComment:
			p.endComment()
		case inRetry:
			p.endRetry()
		}
		return p.state == atLine
	}
	p.state = atLine
	return true
}

// stream takes a part of a line that is not held.
func (p *Parser) stream(part []byte) {
	switch p.state {
	case inComment:
		p.addComment(part)
	case inRetry:
		p.addRetry(part)
	}
}

// unfinished decides what to do with a line whose end has not come: hold it, or let it stream by.
func (p *Parser) unfinished(limit int) {
	line := p.win[p.pos:p.end]
	size := p.size() // of the event, were this the end of the line
	switch {
	case line[0] == ':':
		p.state, p.comment = inComment, p.comment[:0]
		line = line[1:]
	case bytes.HasPrefix(line, []byte("data:")):
		size += len(value(line, 5))
		if p.hasData {
			size++
		}
	case bytes.HasPrefix(line, []byte("event:")):
		size += len(value(line, 6)) - len(p.typ)
	case bytes.HasPrefix(line, []byte("id:")):
		held := max(p.pos+3, p.seen)
		nul := bytes.IndexByte(p.win[held:p.end], 0)
		if nul >= 0 {
			p.state = inOther
			line = p.win[p.pos : held+nul]
		}
		size += len(value(line, 3)) - len(p.nextID)
	case len(line) > 6 && bytes.HasPrefix(line, []byte("retry:")):
		p.state, p.number = inRetry, -1
		line = value(line, 6)
	case !bytes.HasPrefix([]byte("data:"), line) && !bytes.HasPrefix([]byte("event:"), line) &&
		!bytes.HasPrefix([]byte("id:"), line) && !bytes.HasPrefix([]byte("retry:"), line):
		p.state = inOther
	}
	p.seen = p.end
	if p.state != atLine {
		p.stream(line)
		p.pos = p.end
	}
	if size > limit {
		p.fail(limit)
	}
}

// value returns what follows a colon: line[i:] but for a space.
func value(line []byte, i int) []byte {
	if i < len(line) && line[i] == ' ' {
		i++
	}
	return line[i:]
}

func (p *Parser) addComment(part []byte) {
	// A character cut at the limit needs up to three bytes more to be known as one.
	if n := maxComment + 3 - len(p.comment); p.OnComment != nil {
		p.comment = append(p.comment, part[:min(n, len(part))]...)
	}
}

func (p *Parser) endComment() {
	if p.OnComment != nil {
		text := appendUTF8(nil, p.comment)
		p.OnComment(string(text[:cutUTF8(text, maxComment)]))
	}
}

// The number on a retry line: -1 before its first digit, -2 where it is none.
func (p *Parser) addRetry(part []byte) {
	for _, c := range part {
		switch {
		case c < '0' || c > '9' || p.number == -2:
			p.number = -2
			return
		case p.number < math.MaxInt64/100:
			p.number = max(p.number, 0)*10 + int64(c-'0')
		}
	}
}

func (p *Parser) endRetry() {
	if p.number >= 0 {
		p.hasRetry = true
		p.retry = math.MaxInt64
		if p.number <= int64(p.retry/time.Millisecond) {
			p.retry = time.Duration(p.number) * time.Millisecond
		}
	}
}

// valid reports whether win[a:e] is well-formed UTF-8. The next byte that is not ASCII is
// searched once for many lines.
func (p *Parser) valid(a, e int) bool {
	if p.high < a {
		p.high = a + indexHigh(p.win[a:p.end])
	}
	return p.high >= e || validUTF8(p.win[p.high:e])
}

func (p *Parser) limit() int {
	switch {
	case p.MaxEventSize == 0:
		return DefaultMaxEventSize
	case p.MaxEventSize < 0:
		return math.MaxInt
	}
	return p.MaxEventSize
}

// size is what MaxEventSize limits.
func (p *Parser) size() int { return p.de - p.ds + len(p.typ) + len(p.nextID) }

func (p *Parser) fail(limit int) {
	p.clear()
	p.begun = true
	p.state = failed
	p.err = fmt.Errorf("%w: more than %d bytes", ErrEventTooLarge, limit)
}

// Reset prepares p for the next connection. Events not yet read, what was begun, Err and a CR
// that waits for its LF are dropped, and a byte order mark may come again. The last event ID and
// Retry stay.
func (p *Parser) Reset() {
	p.clear()
	p.begun = false
	p.state = atStart
	p.err = nil
}

func (p *Parser) clear() {
	p.has = true
	p.drop()
	p.nextID, p.hasID = nil, false
	p.pos, p.full = p.end, false
	p.rest()
}

// rest is called when there is nothing more to parse. An empty window starts anew, and a large one
// goes back to the pool unless the stream is busy.
func (p *Parser) rest() {
	if p.pos < p.end || p.hasData && !p.apart {
		return
	}
	p.keepIDs()
	p.pos, p.end, p.seen, p.cr, p.lf, p.high = 0, 0, 0, 0, 0, 0
	if p.box != nil && (!p.full || len(p.win) > largeWindow) {
		giveWindow(p.box)
		p.win, p.box = p.own, nil
	}
}

// keepIDs copies the ids out of the window.
func (p *Parser) keepIDs() {
	if p.idIn {
		p.idBuf = append(p.idBuf[:0], p.id...)
		p.id, p.idIn = p.idBuf, false
	}
	if p.hasID && p.nextIn {
		p.nexBuf = append(p.nexBuf[:0], p.nextID...)
		p.nextID, p.nextIn = p.nexBuf, false
	}
}

// free returns a part of the window to read into; commit takes what was read.
func (p *Parser) free() []byte {
	p.drop()
	switch room := len(p.win) - padding - p.end; {
	case p.full && len(p.win) < largeWindow:
		p.makeRoom(largeWindow / 2)
	case room < len(p.win)/2 || p.win == nil:
		p.makeRoom(1)
	}
	return p.win[p.end : p.end+min(len(p.win)-padding-p.end, largeWindow)]
}

// commit takes n bytes written at the end.
func (p *Parser) commit(n int) {
	end := p.end
	p.end += n
	if p.lf == end {
		p.lf = p.find('\n', end)
	}
	if p.cr == end {
		p.cr = p.find('\r', end)
	}
	if p.high == end {
		p.high = end + indexHigh(p.win[end:p.end])
	}
}

// makeRoom makes room for n bytes at the end. What is still needed moves to the front of the
// window if that frees half of it or more, or else to a larger one: linear in the bytes read.
func (p *Parser) makeRoom(n int) {
	p.keepIDs()
	begun := 0
	if !p.apart {
		begun = p.de - p.ds
	}
	live := begun + p.end - p.pos
	w, box := p.win, p.box
	if need := live + n + padding; need > len(w) || live > len(w)/2 {
		if need = max(need, 2*live); need <= smallWindow {
			p.own = make([]byte, smallWindow)
			w, box = p.own, nil
		} else {
			box = takeWindow(need)
			w = *box
		}
	}
	if !p.apart {
		copy(w, p.win[p.ds:p.de])
		p.ds, p.de = 0, begun
	}
	copy(w[begun:], p.win[p.pos:p.end])
	moved := p.pos - begun
	p.pos, p.end, p.seen = begun, live, p.seen-moved
	p.cr, p.lf, p.high = p.cr-moved, p.lf-moved, p.high-moved
	if p.box != nil && p.box != box {
		giveWindow(p.box)
	}
	p.win, p.box = w, box
}

// windows has windows of 32 KiB, 64 KiB and so on that no parser uses now. The collector empties
// it: an idle stream that once carried a large event holds what any idle stream holds.
var windows [24]sync.Pool

func takeWindow(n int) *[]byte {
	i := bits.Len(uint(n-1) / largeWindow)
	if i < len(windows) {
		if box, _ := windows[i].Get().(*[]byte); box != nil {
			return box
		}
	}
	b := make([]byte, largeWindow<<i)
	return &b
}

func giveWindow(box *[]byte) {
	if i := bits.Len(uint(len(*box)-1) / largeWindow); i < len(windows) {
		windows[i].Put(box)
	}
}

// Event returns the event. It is safe to keep.
func (p *Parser) Event() Event {
	if !p.has {
		return Event{}
	}
	data := p.Data()
	if !p.idMade && len(data) <= maxJoined {
		// One allocation for both.
		var s strings.Builder
		s.Grow(len(p.id) + len(data))
		s.Write(p.id)
		s.Write(data)
		p.idText, p.idMade = s.String()[:len(p.id)], true
		return Event{p.idText, p.Type(), s.String()[len(p.id):]}
	}
	return Event{p.LastEventID(), p.Type(), string(data)}
}

// Data returns the event's data. It is borrowed: its bytes are valid until the next call of
// Write or Next, and may be changed until then.
func (p *Parser) Data() []byte {
	switch {
	case !p.has:
		return nil
	case p.apart:
		return p.text[:p.de:p.de]
	}
	return p.win[p.ds:p.de:p.de]
}

// ID returns the event's ID, borrowed as with Data. It must not be changed.
func (p *Parser) ID() []byte {
	if !p.has {
		return nil
	}
	return p.id[:len(p.id):len(p.id)]
}

// Type returns the event's type, "message" where the stream named none. It is safe to keep.
func (p *Parser) Type() string {
	switch {
	case !p.has:
		return ""
	case p.typ == "":
		return "message"
	}
	return p.typ
}

// LastEventID returns the last event ID of the stream: that of the last block that ended, an
// event or not. It is safe to keep.
func (p *Parser) LastEventID() string {
	if !p.idMade {
		p.idText, p.idMade = string(p.id), true
	}
	return p.idText
}

// setLastEventID says where an earlier run stopped.
func (p *Parser) setLastEventID(id []byte) {
	p.idBuf = append(p.idBuf[:0], id...)
	p.id, p.idIn, p.idMade = p.idBuf, false, false
}

// Retry returns the reconnection time that the stream asked for last, and whether it asked for
// any. It counts from the end of its line. One that a Duration can't hold is the largest Duration.
func (p *Parser) Retry() (d time.Duration, ok bool) { return p.retry, p.hasRetry }

// Err returns nil, or an error that wraps ErrEventTooLarge and says the limit.
func (p *Parser) Err() error { return p.err }

// Partial reports whether the stream, were this its end, would have been cut: whether there was,
// since the last blank line, a data, an event or an accepted id line, or whether there is an unfinished
// line that is no comment. It is meant for when Next has returned false.
func (p *Parser) Partial() bool {
	return p.begun || p.pos < p.end || p.state == inRetry || p.state == inOther
}
