// Package state keeps the last event ID of a URL in a file between runs.
//
// Delivery is at least once: the output is on the disk before the ID that covers it. After a kill
// or a power cut, the last events may be repeated.
package state

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

// A State is the content of the file: a line with the ID and a line with the URL. A file of an
// older version has no URL.
type State struct {
	ID  string
	URL string // as returned by URL
}

// URL returns the form of u that a State contains: without secrets and without the values of the
// query, so that u is the same URL if it has a new token.
func URL(u *url.URL) string {
	v := *u
	v.Host = strings.ToLower(v.Host)
	if v.Path == "" {
		v.Path = "/"
	}
	return redact.URL(&v)
}

// maxSize is the maximum size of the file. A request cannot carry a longer ID or URL.
const maxSize = 64 << 10

var errNotState = errors.New("not a file written by --state; " +
	"want one line with an event ID and one with the URL")

// Read returns the ID in the file at path, or "" if the file does not exist. If the file does not
// look like one that this package wrote, or was written for another URL than url, Read returns an
// error, so that it is not overwritten.
func Read(path, url string) (string, error) {
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
	if len(b) > maxSize {
		return "", errNotState
	}
	st, err := parse(string(b))
	if err != nil {
		return "", err
	}
	if st.URL != "" && st.URL != url {
		return "", fmt.Errorf("it was written for %s, not for %s; use a file for each URL",
			st.URL, url)
	}
	return st.ID, nil
}

// parse parses the content of the file.
func parse(text string) (State, error) {
	if text == "" {
		return State{}, nil
	}
	text, ok := strings.CutSuffix(text, "\n")
	id, url, hasURL := strings.Cut(text, "\n")
	isURL := strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://")
	if !ok || hasURL && !isURL || !request.IsHeaderValue(id) || !request.IsHeaderValue(url) {
		return State{}, errNotState
	}
	return State{ID: id, URL: url}, nil
}

// write stores st in the file at path. At every moment, even if the machine stops, the file
// contains either the old or the new State.
func write(path string, st State) error {
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
	_, err = io.WriteString(f, st.ID+"\n"+st.URL+"\n")
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
	syncDir(path)
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
