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

// maxState is more than an id that a request can carry.
const maxState = 8 << 10

// Read reads the id that an earlier run stored. A file that is not
// there holds none; a file that is something else is left alone.
func Read(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return "", errors.New("there is no such folder")
		}
		return "", nil
	}
	if err != nil {
		return "", errtext.Reason(err)
	}
	if !info.Mode().IsRegular() { // a device would be replaced, and a pipe would block
		return "", errNoState
	}
	f, err := os.Open(path)
	if err != nil {
		return "", errtext.Reason(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return "", errtext.Reason(err)
	}
	id, ok := strings.CutSuffix(string(b), "\n")
	if len(b) > maxState || len(b) > 0 && !ok || !request.IsHeaderValue(id) {
		return "", errNoState
	}
	return id, nil
}

var errNoState = errors.New("this is no file of --state: want one line, an id")

// write stores an id so that at every moment, also when the machine
// stops, the file holds the old one or the new one whole.
func write(path, id string) error {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	} else if p, err := os.Readlink(path); err == nil { // to a file that is not there yet
		if path = filepath.Join(filepath.Dir(path), p); filepath.IsAbs(p) {
			path = p
		}
	}
	// One name, so that a run that is killed leaves no more than one file behind.
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	os.Remove(temp) // rather than write to what a link of this name leads to
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	if info, err := os.Stat(path); err == nil {
		f.Chmod(info.Mode().Perm()) // it stays readable for whom it was
	}
	_, err = io.WriteString(f, id+"\n")
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		dir.Sync() // not every file system can; the rename is atomic anyway
		dir.Close()
	}
	return nil
}

// A Saver stores ids as fast as the disk takes them, without making the
// stream wait: of several that come meanwhile the last one counts.
type Saver struct {
	path string
	last string
	ids  chan string
	done chan error
}

func NewSaver(path, id string, fail func(error)) *Saver {
	s := &Saver{path: path, last: id, ids: make(chan string, 1), done: make(chan error, 1)}
	go func() {
		var err error
		for id := range s.ids {
			if err = write(path, id); err != nil {
				err = &errtext.WriteError{Err: fmt.Errorf("--state %q: %w", path, errtext.Reason(err))}
				fail(err)
				break
			}
		}
		s.done <- err
	}()
	return s
}

// Save is called after the event of this id has been printed.
func (s *Saver) Save(id string) {
	if id == s.last {
		return
	}
	s.last = id
	select {
	case <-s.ids: // not begun yet, and out of date
	default:
	}
	s.ids <- id
}

// Close returns when the last id is stored.
func (s *Saver) Close() error {
	close(s.ids)
	return <-s.done
}
