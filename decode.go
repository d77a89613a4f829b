package sse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

//lint:file-ignore ST1012 Skip and Done are named like fs.SkipDir and fs.SkipAll.

// A Source is a sequence of events that [Decode] and [DecodeUntilDone] can read. *Stream and
// *Reader are Sources. *Parser is not, because the end of the bytes that were written to it is not
// the end of the stream.
type Source interface {
	Next() bool
	Type() string
	Data() []byte
	ID() []byte
	Err() error

	// endLoop is called when a loop over the events ends, even if it did not reach the last event.
	endLoop()
}

var (
	// Skip is returned by a decode function to skip an event. It must not be wrapped.
	Skip = errors.New("sse: skip this event")

	// Done is returned by a decode function to end the loop of [DecodeUntilDone] at the final
	// event of a stream, such as "[DONE]". It must not be wrapped.
	Done = errors.New("sse: decode returned Done, which only ends the loop of DecodeUntilDone")
)

// Limits of the text of errors about events, in bytes.
const (
	maxErrorName = 64  // of an event type or ID
	maxErrorData = 512 // of the data of an error event
)

// Decode returns an iterator over the values that decode returns for the events of src. The
// function decode receives the type and the data of each event. [JSON] is such a function:
//
//	for message, err := range sse.Decode(stream, sse.JSON[Message]) {
//		if err != nil {
//			return err
//		}
//		handle(message)
//	}
//
// The data is valid, and may be modified, until the body of the loop ends for its value. A value
// that refers to the data must not be used after that. Decode itself does not allocate memory for
// an event.
//
// If decode returns [Skip], the event has no value. If it returns another error, the last pair of
// the iterator is a zero value and an error that wraps it, with the type and the ID of the event in
// its text. Done is such an error, because Decode has no final event.
//
// The iterator ends without an error if src does. Otherwise the last pair is a zero value and the
// error of src. A Stream is closed when the loop ends, also if it ends by break, return or panic. A
// Reader is left where it is: the next loop continues with the next event.
func Decode[T any](
	src Source, decode func(typ string, data []byte) (T, error),
) iter.Seq2[T, error] {
	return decodeEvents(src, decode, false)
}

// DecodeUntilDone is [Decode] for a stream with a final event. If decode returns [Done], the loop
// ends without an error. If src ends before that without an error, the last pair is a zero value
// and io.ErrUnexpectedEOF, because the stream is incomplete.
//
// The value that decode returns with Done is ignored. If the final event has a value, return it
// without an error and leave the loop after it.
func DecodeUntilDone[T any](
	src Source, decode func(typ string, data []byte) (T, error),
) iter.Seq2[T, error] {
	return decodeEvents(src, decode, true)
}

func decodeEvents[T any](
	src Source, decode func(typ string, data []byte) (T, error), untilDone bool,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		defer src.endLoop()
		var zero T
		for src.Next() {
			v, err := decode(src.Type(), src.Data())
			switch {
			case err == nil:
				if !yield(v, nil) {
					return
				}
			case err == Skip:
			case err == Done && untilDone:
				return
			default:
				yield(zero, newDecodeError(src, err))
				return
			}
		}
		err := src.Err()
		if err == nil && untilDone {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			yield(zero, err)
		}
	}
}

func (s *Stream) endLoop() {
	if s.control.state() != closed {
		s.finish(nil, 0)
	}
}

func (r *Reader) endLoop() {}

// JSON decodes data with json.Unmarshal. If typ is "error", it returns an error that contains the
// beginning of the data. Such an event would otherwise be decoded to a T without content.
//
// Use it as the decode function of [Decode] or [DecodeUntilDone], or call it from one for the
// events that contain JSON.
func JSON[T any](typ string, data []byte) (T, error) {
	var v T
	if typ == "error" {
		return v, newErrorEvent(data)
	}
	err := json.Unmarshal(data, &v)
	return v, err
}

func newErrorEvent(data []byte) error {
	text := "sse: error event"
	if s := sanitize(data, maxErrorData); s != "" {
		text += ": " + s
	}
	return errors.New(text)
}

// newDecodeError returns the error of the current event of src, for which decode returned err. The
// text of err may quote the data, so it is treated like text of the server.
func newDecodeError(src Source, err error) error {
	text := fmt.Sprintf("sse: event of type %q", sanitize([]byte(src.Type()), maxErrorName))
	if id := src.ID(); len(id) > 0 {
		text += fmt.Sprintf(" with ID %q", sanitize(id, maxErrorName))
	}
	cause := strings.TrimPrefix(err.Error(), "sse: ")
	return &textError{text + ": " + sanitize([]byte(cause), maxErrorCause), err}
}
