package sse

import (
	"bufio"
	"io"
	"iter"
	"time"
)

// maxEmptyReads is the number of reads in a row without a byte or an error that end the stream.
const maxEmptyReads = 100

// A Reader reads the events of one connection from an io.Reader. It reads ahead, at most 32 KiB at
// a time, and starts no goroutine. A Reader is not safe for concurrent use, and must not be copied
// after its first use. Use [NewReader] to create one.
type Reader struct {
	// MaxEventSize specifies the maximum size of an event in bytes, as in [Parser]. If zero, it
	// is DefaultMaxEventSize. If negative, there is no limit. It must be set before the first call
	// to Next.
	MaxEventSize int

	// OnComment, if non-nil, is called by Next for each comment, as in [Parser]. It must be set
	// before the first call to Next.
	OnComment func(text string)

	// OnIgnored, if non-nil, is called by Next for each line that is ignored, as in [Parser]. It
	// must be set before the first call to Next.
	OnIgnored func(line string)

	src     io.Reader
	err     error // that src returned
	started bool  // Next has been called
	done    bool  // Next has returned false
	p       Parser
}

// NewReader returns a Reader that reads from r. It does not check that r is an event stream. If r
// is the body of an HTTP response, call [DefaultCheckResponse] first.
func NewReader(r io.Reader) *Reader { return &Reader{src: r} }

// Next advances to the next event and reports whether there is one. It reads only if the bytes it
// has contain no further event, so an event is delivered without waiting for the bytes after it.
// After Next has returned false, Err returns the reason.
func (r *Reader) Next() bool { return r.p.next(r) }

// fill reads at least once into the buffer of the parser, and until there is something to parse. It
// returns false if there is nothing left to read.
func (r *Reader) fill() bool {
	if r.err != nil || r.p.err != nil {
		r.done = true
		return false
	}
	if !r.started {
		r.started = true
		r.p.MaxEventSize, r.p.OnComment, r.p.OnIgnored = r.MaxEventSize, r.OnComment, r.OnIgnored
	}
	p := &r.p
	b := p.buf.readBuffer(p.limit(), &p.data.value, &p.lastID.value, &p.idBuffer.value)
	// While no event in the buffer can be too large, reads that only continue a line are appended
	// without parsing.
	mayAppend := !p.slow && p.limit()-p.size() > len(p.buf.data)
	for empty := 0; ; {
		n, err := r.src.Read(b)
		if n < 0 || n > len(b) {
			n, err = 0, bufio.ErrBadReadCount
		}
		p.buf.full = n == len(b)
		if n == 0 && err == nil {
			if empty++; empty < maxEmptyReads {
				continue
			}
			err = io.ErrNoProgress
		}
		if err == nil && n < len(b) && mayAppend && p.buf.commitPlain(n) {
			b, empty = b[n:], 0
			continue
		}
		p.buf.commit(n)
		r.err = err
		return true
	}
}

// release drops the io.Reader and all memory that is held for its bytes. The last event ID and the
// reconnection time are kept.
func (r *Reader) release() {
	r.src, r.err, r.done = nil, nil, false
	r.p.Reset()
	r.p.buf = buffer{}
	r.p.partial.text, r.p.data.own, r.p.idBuffer.own = nil, nil, nil
}

// Err returns the error that ended the stream. It returns nil before Next has returned false. After
// that it returns
//
//   - nil, if the stream ended and its last event was complete;
//   - io.ErrUnexpectedEOF, if the stream ended within an event (see [Parser.Partial]), which is not
//     delivered;
//   - an error that wraps [ErrEventTooLarge], if an event was larger than MaxEventSize;
//   - io.ErrNoProgress, if 100 reads in a row returned neither a byte nor an error;
//   - otherwise, the error of the io.Reader.
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

// All returns an iterator over the remaining events. If the stream ends with an error, the last
// pair is a zero Event and the error. If the loop ends early, the next loop continues after its
// last event. All does not close the io.Reader.
func (r *Reader) All() iter.Seq2[Event, error] { return all(r) }

// all implements All for Reader and Stream.
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

// Event returns the current event as strings, which takes at most two allocations, and usually one.
// It returns the zero Event if the last call to Next returned false.
func (r *Reader) Event() Event { return r.p.Event() }

// Data returns the data of the current event, or nil if the last call to Next returned false. The
// slice is valid, and may be modified by the caller, until the next call to Next. After that its
// contents may be overwritten, also with the bytes of another stream.
func (r *Reader) Data() []byte { return r.p.Data() }

// ID returns the ID of the current event, or nil if the last call to Next returned false. The slice
// is valid until the next call to Next, and must not be modified. An event without an id field has
// the ID of the event before it.
func (r *Reader) ID() []byte { return r.p.ID() }

// Type returns the type of the current event, or "" if the last call to Next returned false. An
// event without an event field has the type "message".
func (r *Reader) Type() string { return r.p.Type() }

// LastEventID returns the last event ID string of the stream: the ID of the last block that a blank
// line has ended, even if that block had no data.
func (r *Reader) LastEventID() string { return r.p.LastEventID() }

// Retry returns the reconnection time of the last valid retry field, and whether there was one. See
// [Parser.Retry].
func (r *Reader) Retry() (d time.Duration, ok bool) { return r.p.Retry() }
