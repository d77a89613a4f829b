// Package streamerror finds the errors that a service sends as events.
package streamerror

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
)

// maxText is how many bytes of an error Find returns.
const maxText = 500

// errorPaths are where JSON data contains an error.
var errorPaths = [][]string{{"error"}, {"response", "error"}}

// Find reports whether ev is an error of the service, and returns its text on one line. The data of
// such an event has a member "error" with a value, or its type is "error" or ends in ".failed".
func Find(ev sse.Event) (text string, ok bool) {
	// Most events have no such member, and their JSON is not decoded. Only a \u escape could hide
	// the name.
	if strings.Contains(ev.Data, `"error"`) || strings.Contains(ev.Data, `\u`) {
		for _, path := range errorPaths {
			if v, ok := output.Find(ev.Data, path); ok && !isNoError(v) {
				return errorText(string(v)), true
			}
		}
	}
	if ev.Type == "error" || strings.HasSuffix(ev.Type, ".failed") {
		if ev.Data == "" {
			return "(without data)", true
		}
		return errorText(ev.Data), true
	}
	return "", false
}

// isNoError reports whether the member "error" with the JSON value v says that there is no error.
func isNoError(v json.RawMessage) bool {
	v = bytes.TrimSpace(v)
	switch string(v) {
	case "null", "false", `""`:
		return true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return err == nil && f == 0
}

// errorText returns the text of an error on one line: the text of a JSON string, or any other JSON
// value without white space.
func errorText(s string) string {
	var text string
	var b bytes.Buffer
	if json.Unmarshal([]byte(s), &text) == nil {
		s = text
	} else if json.Compact(&b, []byte(s)) == nil {
		s = b.String()
	}
	if short := escape.Truncate(s, maxText); short != s {
		s = short + "…"
	}
	return escape.Line(s)
}
