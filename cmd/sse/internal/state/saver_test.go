package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

func readState(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// The output is synced before the ID that covers it is stored: otherwise a power cut between the
// two loses events.
func TestSaverSyncsOutputFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var atSync []string // the file whenever the output is synced
	synced := make(chan bool)
	sync := func() error {
		atSync = append(atSync, readState(t, path))
		synced <- true
		return nil
	}
	s := NewSaver(path, State{URL: "http://a/"}, sync, func(err error) { t.Error(err) })
	s.Save("1")
	<-synced
	s.Save("2")
	s.Save("3") // replaces 2, unless that is being stored already
	go func() {
		for range synced {
		}
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	close(synced)
	if got := readState(t, path); got != "3\nhttp://a/\n" {
		t.Errorf("the file contains %q", got)
	}
	if diff := cmp.Diff([]string{"", "1\nhttp://a/\n"}, atSync[:2]); diff != "" {
		t.Errorf("the file when the output was synced (-want +got):\n%s", diff)
	}
}

func TestSaverKeepsOldIDIfSyncFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	st := State{ID: "1", URL: "http://a/"}
	if err := write(path, st); err != nil {
		t.Fatal(err)
	}
	var failed error
	s := NewSaver(path, st, func() error { return errors.New("disk error") },
		func(err error) { failed = err })
	s.Save("2")
	err := s.Close()
	if !errors.As(err, new(*errtext.WriteError)) || err != failed ||
		!strings.Contains(err.Error(), "cannot write the output: disk error") {
		t.Errorf("Close returned %v, fail was called with %v", err, failed)
	}
	if got := readState(t, path); got != "1\nhttp://a/\n" {
		t.Errorf("the file contains %q", got)
	}
}

func TestReadChecksURL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	const url = "http://a/x?token=****"
	for _, test := range []struct {
		content string
		id      string
		err     string // a part of the error
	}{
		{"", "", ""},
		{"7\n", "7", ""}, // an older version stored no URL
		{"\n", "", ""},
		{"7\n" + url + "\n", "7", ""},
		{"\n" + url + "\n", "", ""},
		{"7\nhttp://a/y\n", "", "written for http://a/y, not for " + url},
		{"7", "", "not a file written by --state"},
		{"7\nhttp://a/x", "", "not a file written by --state"},
		{"7\nnotes\n", "", "not a file written by --state"},
		{"7\n" + url + "\nmore\n", "", "not a file written by --state"},
		{"7\x00\n" + url + "\n", "", "not a file written by --state"},
		{strings.Repeat("7", maxSize) + "\n", "", "not a file written by --state"},
	} {
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := Read(path, url)
		if id != test.id || (err == nil) != (test.err == "") ||
			err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%.50q: got %q, %v, want %q, %q", test.content, id, err, test.id, test.err)
		}
	}
}
