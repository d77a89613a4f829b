package output

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

// A field prints one part of the JSON data of each event, without anything in between.
type field struct {
	path  []string
	found bool // an event had this part, if only null
}

// append appends the part of ev to b. Control characters are escaped even if the output is not a
// terminal, because the text may be shown on one later.
func (f *field) append(b []byte, ev sse.Event) []byte {
	v, ok := Find(ev.Data, f.path)
	if !ok {
		return b
	}
	f.found = true
	return escape.AppendControl(b, text(v))
}

// ParsePath splits a path such as choices.0.delta.content at its dots. A dot in a name is written
// as "\.". An index may also be written in brackets, as in choices[0].delta, and the path may begin
// with a dot.
func ParsePath(s string) []string {
	if s = strings.TrimPrefix(s, "."); s == "" {
		return nil // the whole value
	}
	s = index.ReplaceAllString(s, ".$1")
	path := strings.Split(strings.ReplaceAll(strings.TrimPrefix(s, "."), `\.`, "\x00"), ".")
	for i := range path {
		path[i] = strings.ReplaceAll(path[i], "\x00", ".")
	}
	return path
}

// index matches an index in brackets at the end of a name.
var index = regexp.MustCompile(`\[(\d+)\]`)

// Find returns the JSON value at path in the JSON text data. It reports false if there is none.
func Find(data string, path []string) (json.RawMessage, bool) {
	v := json.RawMessage(data)
	for _, name := range path {
		switch firstByte(v) {
		case '{':
			var m map[string]json.RawMessage
			if json.Unmarshal(v, &m) != nil {
				return nil, false
			}
			v = m[name]
		case '[':
			var a []json.RawMessage
			i, err := strconv.Atoi(name)
			if err != nil || json.Unmarshal(v, &a) != nil || i < 0 || i >= len(a) {
				return nil, false
			}
			v = a[i]
		default:
			return nil, false
		}
	}
	return v, len(v) > 0 && (len(path) > 0 || json.Valid(v))
}

// text returns the text of the JSON string v, or the JSON of any other value. For null it is empty.
func text(v json.RawMessage) string {
	switch firstByte(v) {
	case 'n':
		return ""
	case '"':
		var s string
		json.Unmarshal(v, &s)
		return s
	}
	var b bytes.Buffer
	json.Compact(&b, v)
	return b.String()
}

// firstByte returns the first byte of the JSON text v, without white space, or 0.
func firstByte(v []byte) byte {
	v = bytes.TrimLeft(v, " \t\r\n")
	if len(v) == 0 {
		return 0
	}
	return v[0]
}
