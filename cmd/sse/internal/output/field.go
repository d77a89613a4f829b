package output

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// maxNotes is how many errors of the stream are reported.
const maxNotes = 3

// A field prints one part of the JSON data of each event, without anything in between.
type field struct {
	path  []string
	found bool         // an event had this part
	last  byte         // the last byte printed
	note  func(string) // reports an event that is an error
	notes int          // how many were reported
}

// append appends the part of ev to b.
func (f *field) append(b []byte, ev sse.Event) []byte {
	v, ok := lookup(ev.Data, f.path)
	if !ok {
		if isError(ev) && f.notes < maxNotes {
			f.notes++
			f.note("the stream sent an error: " + escape.Line(escape.Truncate(ev.Data, 500)))
		}
		return b
	}
	f.found = true
	if v != "" {
		f.last = v[len(v)-1]
	}
	return append(b, v...)
}

// isError reports whether ev is an error of the service: its type is "error", or its data has a
// member "error".
func isError(ev sse.Event) bool {
	v, _ := lookup(ev.Data, []string{"error"})
	return v != "" && v != "false" && v != "0" || ev.Type == "error"
}

// ParsePath splits a path such as choices.0.delta.content at its dots. A dot in a name is written
// as "\.".
func ParsePath(s string) []string {
	path := strings.Split(strings.ReplaceAll(s, `\.`, "\x00"), ".")
	for i := range path {
		path[i] = strings.ReplaceAll(path[i], "\x00", ".")
	}
	return path
}

// lookup returns the value at path in the JSON text data: the text of a string, or the JSON of any
// other value. It reports false if there is no value or the value is null.
func lookup(data string, path []string) (string, bool) {
	v := json.RawMessage(data)
	for _, name := range path {
		switch firstByte(v) {
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
	switch firstByte(v) {
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

// firstByte returns the first byte of the JSON text v, without white space, or 0.
func firstByte(v []byte) byte {
	v = bytes.TrimLeft(v, " \t\r\n")
	if len(v) == 0 {
		return 0
	}
	return v[0]
}
