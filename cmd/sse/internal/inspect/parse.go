package inspect

import (
	"errors"
	"io"
	"net/http"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/shell"
)

// parse sends the form that a pasted command fills.
func (s *server) parse(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		writeReadError(w, err)
		return
	}
	form, notes, err := s.parseCommand(string(text))
	if err != nil {
		writeFormError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"request": form, "notes": notes})
}

// parseCommand returns the form that a command fills. The notes say what the form cannot hold.
func (s *server) parseCommand(text string) (form Form, notes []string, err error) {
	words, variables, err := shell.Split(text)
	if err != nil {
		return Form{}, nil, err
	}
	if len(words) > 0 && words[0] == "$" { // the prompt of the shell
		words = words[1:]
	}
	if len(words) == 0 {
		return Form{}, nil, errors.New("want a command that begins with curl or sse")
	}
	form, notes, err = s.o.Parse(words)
	for _, v := range variables {
		notes = append(notes, escape.Line(v)+" is not replaced: fill in its value")
	}
	return form, notes, err
}
