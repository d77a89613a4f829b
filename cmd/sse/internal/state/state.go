// Package state keeps the last event ID in a file between runs.
package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

// maxSize is the maximum size of the file. A request cannot carry a longer ID.
const maxSize = 8 << 10

var errNotState = errors.New("not a file written by --state; want one line with an event ID")

// Read returns the ID in the file at path, or "" if the file does not exist. If the file does not
// look like one that this package wrote, Read returns an error, so that it is not overwritten.
func Read(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return "", errors.New("the directory does not exist")
		}
		return "", nil
	}
	if err != nil {
		return "", errtext.Reason(err)
	}
	if !info.Mode().IsRegular() {
		return "", errNotState // reading a pipe would block, and a device would be replaced
	}
	f, err := os.Open(path)
	if err != nil {
		return "", errtext.Reason(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return "", errtext.Reason(err)
	}
	id, ok := strings.CutSuffix(string(b), "\n")
	if len(b) > maxSize || len(b) > 0 && !ok || !request.IsHeaderValue(id) {
		return "", errNotState
	}
	return id, nil
}

// write stores id in the file at path. At every moment, even if the machine stops, the file
// contains either the old or the new ID.
func write(path, id string) error {
	path = resolve(path)
	// The name is fixed, so that runs that are killed leave at most one file behind.
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	os.Remove(temp) // if it is a link, the file that it points to must not be written
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temp) // has no effect after the rename
	if info, err := os.Stat(path); err == nil {
		f.Chmod(info.Mode().Perm())
	}
	_, err = io.WriteString(f, id+"\n")
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		dir.Sync() // some file systems cannot do this; the rename is atomic in any case
		dir.Close()
	}
	return nil
}

// resolve returns the path of the file that path leads to if it is a symbolic link.
func resolve(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	p, err := os.Readlink(path) // the file does not exist yet
	switch {
	case err != nil:
		return path
	case filepath.IsAbs(p):
		return p
	}
	return filepath.Join(filepath.Dir(path), p)
}

// A Saver stores IDs in a file without blocking its caller. If several IDs arrive while one is
// being written, only the last of them is stored.
type Saver struct {
	path string
	last string
	ids  chan string // holds at most the ID to be written next
	done chan error
}

// NewSaver returns a Saver for the file at path, which contains id. If writing fails, the Saver
// calls fail with a *errtext.WriteError.
func NewSaver(path, id string, fail func(error)) *Saver {
	s := &Saver{path: path, last: id, ids: make(chan string, 1), done: make(chan error, 1)}
	go func() { s.done <- s.run(fail) }()
	return s
}

// run stores the IDs of s.ids until the channel is closed or writing fails.
func (s *Saver) run(fail func(error)) error {
	for id := range s.ids {
		if err := write(s.path, id); err != nil {
			err = fmt.Errorf("--state %q: %w", s.path, errtext.Reason(err))
			err = &errtext.WriteError{Err: err}
			fail(err)
			return err
		}
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
