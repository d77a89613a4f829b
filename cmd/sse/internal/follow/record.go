package follow

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/internal/recording"
)

// openRecording opens the file of --record, if there is one, and makes the transport write to it.
func (s *session) openRecording() error {
	name := s.o.Record
	s.recording = io.NopCloser(nil)
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("--record %q: %w", name, errtext.Reason(err))
	}
	s.recording = f
	s.rec.Base = recording.NewTransport(s.rec.Base, &recordWriter{w: recording.Limit(f), s: s})
	return nil
}

// A recordWriter writes to the file of --record. If the recording is full, the run continues
// without it. Any other error ends the run: otherwise the client would take it for one of the
// connection and connect again.
type recordWriter struct {
	w io.Writer
	s *session

	full bool
}

// Write implements io.Writer.
func (r *recordWriter) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	if errors.Is(err, recording.ErrTooLarge) {
		if !r.full {
			r.full = true
			r.s.observer.Note(fmt.Sprintf("--record %q: %v; the run continues without it",
				r.s.o.Record, err))
		}
		return n, recording.ErrFull
	}
	if err != nil {
		err = fmt.Errorf("--record %q: %w", r.s.o.Record, errtext.Reason(err))
		r.s.cancel(&errtext.WriteError{Err: err})
	}
	return n, err
}
