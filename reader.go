package sse

import (
	"bufio"
	"io"
	"iter"
	"time"
)

// maxEmptyReads is how many reads in a row may bring neither a byte nor an error.
const maxEmptyReads = 100

// A Reader reads the events of one connection from an io.Reader; see [NewReader]. It is not safe for
// concurrent use, and must not be copied. It has no goroutine of its own. It reads ahead, at most
// 32 KiB at a time.
type Reader struct {
	// MaxEventSize and OnComment are those of [Parser]: the largest event in bytes, 0 for
	// DefaultMaxEventSize, less than 0 for no limit; and what is called with each comment. They
	// may be set before the first call of Next.
	MaxEventSize int
	OnComment    func(text string)

	src   io.Reader
	err   error // what src ended with
	begun bool
	done  bool // Next has returned false
	p     Parser
}

// NewReader returns a Reader that reads from r. Whether the body of a response is an event stream its header
// says: see [DefaultCheckResponse].
func NewReader(r io.Reader) *Reader { return &Reader{src: r} }

// Next advances to the next event, and reports whether there is one. It reads only when the bytes
// it has hold no further event, so an event is never withheld while more bytes are awaited. When
// Next has returned false, Err tells why.
func (r *Reader) Next() bool { return r.p.next(r) }

// fill reads once, or until there is something to look at. It returns false when there is no more.
func (r *Reader) fill() bool {
	if r.err != nil || r.p.err != nil {
		r.done = true
		return false
	}
	if !r.begun {
		r.begun = true
		r.p.MaxEventSize, r.p.OnComment = r.MaxEventSize, r.OnComment
	}
	b := r.p.free()
	ample := r.p.limit()-r.p.size() > len(r.p.win) // nothing in this window is too large
	for empty := 0; ; {
		n, err := r.src.Read(b)
		if n < 0 || n > len(b) {
			n, err = 0, bufio.ErrBadReadCount
		}
		r.p.full = n == len(b)
		if n == 0 && err == nil {
			if empty++; empty < maxEmptyReads {
				continue
			}
			err = io.ErrNoProgress
		}
		if err == nil && n < len(b) && ample && r.p.commitText(n) {
			b, empty = b[n:], 0
			continue
		}
		r.p.commit(n)
		r.err = err
		return true
	}
}

// Err returns why Next returned false, and nil before that: nil at a clean end of the stream;
// io.ErrUnexpectedEOF where it ended within an event (see [Parser.Partial]), which is never
// delivered, as the standard has it; an error that wraps [ErrEventTooLarge]; io.ErrNoProgress after
// 100 empty reads; otherwise what the io.Reader returned.
func (r *Reader) Err() error {
	switch {
	case !r.done:
		return nil
	case r.p.err != nil:
		return r.p.err
	case r.err != io.EOF:
		return r.err
	case r.p.Partial():
		return io.ErrUnexpectedEOF
	}
	return nil
}

// All returns the events that are left, for use in a range loop. An error comes last, with no
// event. A loop that was broken off can be resumed by another. All closes nothing.
func (r *Reader) All() iter.Seq2[Event, error] { return all(r) }

func all(r interface {
	Next() bool
	Event() Event
	Err() error
}) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for r.Next() {
			if !yield(r.Event(), nil) {
				return
			}
		}
		if err := r.Err(); err != nil {
			yield(Event{}, err)
		}
	}
}

// Event returns the event. It is safe to keep.
func (r *Reader) Event() Event { return r.p.Event() }

// Data returns the event's data. It is borrowed: its bytes are valid until the next call of Next,
// and may be changed until then. After that they may be bytes of another stream.
func (r *Reader) Data() []byte { return r.p.Data() }

// ID returns the event's ID, borrowed as with Data. It must not be changed.
func (r *Reader) ID() []byte { return r.p.ID() }

// Type returns the event's type, "message" where the stream named none. It is safe to keep.
func (r *Reader) Type() string { return r.p.Type() }

// LastEventID returns the last event ID of the stream. It is safe to keep. It takes effect
// at the end of a block, also of one that is no event.
func (r *Reader) LastEventID() string { return r.p.LastEventID() }

// Retry returns the reconnection time that the stream asked for last, and whether it asked for
// any. See Parser.Retry.
func (r *Reader) Retry() (d time.Duration, ok bool) { return r.p.Retry() }
