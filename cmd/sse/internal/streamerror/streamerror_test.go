package streamerror

import (
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typ, data string
		want      string // "" if the event is not an error
	}{
		{"message", `{"error":{"code":502,"message":"gone"},"choices":[{"delta":{"content":""},` +
			`"finish_reason":"error"}]}`, `{"code":502,"message":"gone"}`},
		{"response.failed", `{"response":{"error":{"message":"failed"}}}`, `{"message":"failed"}`},
		{"error", `{"type":"error","error":{"type":"overloaded_error"}}`,
			`{"type":"overloaded_error"}`},
		{"message", `{"error":"out of memory"}`, "out of memory"},
		{"message", `{"error":true}`, "true"},
		{"message", `{"error":1}`, "1"},
		{"message", `{"error":"0"}`, "0"},
		{"message", `{"error":{}}`, "{}"},
		{"message", `{"err\u006fr":"x\u001b"}`, `x\x1b`},
		{"message", ` {"a":1, "error" : [1] } `, "[1]"},
		{"message", "{\"error\": {\n  \"code\": 1\n}}", `{"code":1}`},
		{"error", "", "(without data)"},
		{"error", "the job is gone", "the job is gone"},
		{"error", `{"error":null,"text":"x"}`, `{"error":null,"text":"x"}`},
		{"job.failed", "{}", "{}"},
		{"response.failed", `{"response":{"error":null}}`, `{"response":{"error":null}}`},
		{"error", strings.Repeat("é", 300), strings.Repeat("é", 250) + "…"},

		{"message", `{"error":null}`, ""},
		{"message", `{"error":false}`, ""},
		{"message", `{"error":0}`, ""},
		{"message", `{"error":-0.0}`, ""},
		{"message", `{"error":""}`, ""},
		{"message", `{"response":{"error":null}}`, ""},
		{"message", `{"Error":"x","errors":["x"],"data":{"error":"x"}}`, ""},
		{"message", `["error"]`, ""},
		{"message", `{"error":"x"`, ""},
		{"message", `"error"`, ""},
		{"failed", "{}", ""},
		{"errors", "{}", ""},
		{"message", "", ""},
	} {
		got, ok := Find(sse.Event{Type: test.typ, Data: test.data})
		if got != test.want || ok != (test.want != "") {
			t.Errorf("Find(%s, %s) = %q, %t, want %q", test.typ, test.data, got, ok,
				test.want)
		}
	}
}
