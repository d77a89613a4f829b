package recording

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge is wrapped by the errors of the writer that Limit returns.
var ErrTooLarge = errors.New("recording is full, because a larger one could not be read")

// Limit returns a writer for the lines of a recording, which writes to w what Read accepts. The
// first line that would exceed a limit of Read, and all lines after it, are not written. Write then
// returns an error that wraps ErrTooLarge. Each line must be written by one call of Write.
func Limit(w io.Writer) io.Writer { return &limitWriter{w: w, max: readLimits} }

type limitWriter struct {
	w           io.Writer
	max         limits
	size, lines int
	err         error
}

// Write implements io.Writer.
func (l *limitWriter) Write(p []byte) (int, error) {
	l.size += len(p)
	l.lines++
	switch {
	case l.err != nil:
	case l.size > l.max.size:
		l.err = fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, l.max.size)
	case l.lines > l.max.lines:
		l.err = fmt.Errorf("%w: the limit is %d lines", ErrTooLarge, l.max.lines)
	case len(p) > l.max.line:
		l.err = fmt.Errorf("%w: the limit of a line is %d bytes", ErrTooLarge, l.max.line)
	}
	if l.err != nil {
		return 0, l.err
	}
	return l.w.Write(p)
}
