package output

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// A fieldForm prints one part of JSON data as it streams by, nothing between.
type field struct {
	path  []string
	found bool
	last  byte
	note  func(string) // told of errors that the stream itself says
	notes int
}

// maxNotes is how many of them are told.
const maxNotes = 3

func (f *field) append(b []byte, ev sse.Event) []byte {
	v, ok := lookup(ev.Data, f.path)
	if !ok {
		what, _ := lookup(ev.Data, []string{"error"})
		failed := what != "" && what != "false" && what != "0" || ev.Type == "error"
		if failed && f.notes < maxNotes {
			f.notes++
			f.note("the stream says: " + escape.Line(escape.Truncate(ev.Data, 500)))
		}
		return b
	}
	f.found = true
	b = append(b, v...)
	if v != "" {
		f.last = v[len(v)-1]
	}
	return b
}

// ParsePath cuts choices.0.delta.content at its dots; a dot that belongs to
// a name is written \.
func ParsePath(s string) []string {
	path := strings.Split(strings.ReplaceAll(s, `\.`, "\x00"), ".")
	for i := range path {
		path[i] = strings.ReplaceAll(path[i], "\x00", ".")
	}
	return path
}

// lookup finds the value at path in data: a string as its text, anything
// else as its JSON. Null is nothing.
func lookup(data string, path []string) (string, bool) {
	v := json.RawMessage(data)
	for _, name := range path {
		switch first(v) {
		case '{':
			var m map[string]json.RawMessage
			if json.Unmarshal(v, &m) != nil {
				return "", false
			}
			v = m[name]
		case '[':
			var a []json.RawMessage
			i, err := strconv.Atoi(name)
			if err != nil || json.Unmarshal(v, &a) != nil || i < 0 || i >= len(a) {
				return "", false
			}
			v = a[i]
		default:
			return "", false
		}
	}
	switch first(v) {
	case 0, 'n':
		return "", false
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err == nil
	}
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return "", false
	}
	return b.String(), true
}

func first(v []byte) byte {
	v = bytes.TrimLeft(v, " \t\r\n")
	if len(v) == 0 {
		return 0
	}
	return v[0]
}
