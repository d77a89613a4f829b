package state

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// A Saver stores IDs in a file without blocking its caller. If several IDs arrive while one is
// being written, only the last of them is stored.
type Saver struct {
	path string
	url  string
	last string
	sync func() error
	ids  chan string // holds at most the ID to be written next
	done chan error
}

// NewSaver returns a Saver for the file at path, which contains st. Before it stores an ID, it
// calls sync, which writes the events up to that ID to the disk. If sync or writing fails, the
// Saver calls fail with a *errtext.WriteError.
func NewSaver(path string, st State, sync func() error, fail func(error)) *Saver {
	s := &Saver{
		path: path,
		url:  st.URL,
		last: st.ID,
		sync: sync,
		ids:  make(chan string, 1),
		done: make(chan error, 1),
	}
	go func() { s.done <- s.run(fail) }()
	return s
}

// run stores the IDs of s.ids until the channel is closed or writing fails.
func (s *Saver) run(fail func(error)) error {
	for id := range s.ids {
		if err := s.store(id); err != nil {
			fail(err)
			return err
		}
	}
	return nil
}

// store stores id after the events that it covers.
func (s *Saver) store(id string) error {
	if err := s.sync(); err != nil {
		return errtext.Output(errtext.Reason(err))
	}
	if err := write(s.path, State{ID: id, URL: s.url}); err != nil {
		err = fmt.Errorf("--state %q: %w", s.path, errtext.Reason(err))
		return &errtext.WriteError{Err: err}
	}
	return nil
}

// Save stores id. It is called after the event with this ID was printed.
func (s *Saver) Save(id string) {
	if id == s.last {
		return
	}
	s.last = id
	select {
	case <-s.ids: // an older ID that is no longer needed
	default:
	}
	s.ids <- id
}

// Close waits until the last ID is stored. It returns the error of writing, if any.
func (s *Saver) Close() error {
	close(s.ids)
	return <-s.done
}

// Sync returns a function that writes what was written to f, and the name of f, to the disk. It
// does nothing if f is not a regular file, such as a pipe.
func Sync(f *os.File) func() error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return func() error { return nil }
	}
	named := false
	return func() error {
		if !named {
			named = true
			syncDir(f.Name()) // the file may be new
		}
		return f.Sync()
	}
}

// syncDir writes the directory of the file at path to the disk. Some file systems cannot do this.
func syncDir(path string) {
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		dir.Sync()
		dir.Close()
	}
}
