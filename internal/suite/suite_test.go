package suite

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-0d85b69d/sse"
)

func TestTextUnmarshal(t *testing.T) {
	for in, want := range map[string]Text{
		`""`:                      "",
		`"é€"`:                    "é€",
		`[3, "ab"]`:               "ababab",
		`[0, "ab"]`:               "",
		`["a", "b"]`:              "ab",
		`["a", [2, ["b", "c"]]]`:  "abcbc",
		`[]`:                      "",
		`[2, [2, "x"]]`:           "xxxx",
		`["a", "b", [1, "c"]]`:    "abc",
		`[1000000, "0123456789"]`: Text(strings.Repeat("0123456789", 1e6)),
	} {
		got := Text("what was there before")
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("Unmarshal(%s) = %.40q, %v, want %.40q", in, got, err, want)
		}
	}
}

func TestBytesUnmarshal(t *testing.T) {
	var got Bytes
	err := json.Unmarshal([]byte(`["\u0000a\u00ff", [2, "\u0080"]]`), &got)
	if want := "\x00a\xff\x80\x80"; err != nil || string(got) != want {
		t.Errorf("Unmarshal = %q, %v, want %q", got, err, want)
	}
}

func TestEventsUnmarshal(t *testing.T) {
	var got Events
	err := json.Unmarshal([]byte(`[
		{"type": "a", "data": [2, "b"], "id": ["c", "d"]},
		[2, {"type": "message", "data": "", "id": "\u00e9"}]
	]`), &got)
	want := Events{
		{Type: "a", Data: "bb", ID: "cd"},
		{Type: "message", ID: "é"},
		{Type: "message", ID: "é"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, events (-want +got):\n%s", err, diff)
	}
}

func writeFile(t *testing.T, text string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadCasesUnifiesTheForms(t *testing.T) {
	got, err := ReadCases(writeFile(t, `[
		{"name": "One stream.", "section": "HTML 9.2.5", "topic": "data", "stream": "data:\u00e9\n\n", "retry": "5",
			"events": [{"type": "message", "data": "x", "id": ""}], "partial": true},
		{"name": "Chunks.", "section": "HTML 9.2.6", "chunks": ["a", "b"], "delivered": [0, 1],
			"events": [], "lastEventID": "1"},
		{"name": "Connections.", "section": "HTML 9.2.3", "connections": [
			{"stream": "a", "events": []}, {"chunks": ["b", "c"], "events": []}]}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Case{
		{"One stream.", "HTML 9.2.5", "data", []Connection{{
			Stream: Bytes("data:\xe9\n\n"), Chunks: []Bytes{Bytes("data:\xe9\n\n")},
			Events: Events{{Type: "message", Data: "x"}}, Retry: "5", Partial: true,
		}}},
		{"Chunks.", "HTML 9.2.6", "", []Connection{{
			Stream: Bytes("ab"), Chunks: []Bytes{Bytes("a"), Bytes("b")}, Delivered: []int{0, 1},
			LastEventID: "1",
		}}},
		{"Connections.", "HTML 9.2.3", "", []Connection{
			{Stream: Bytes("a"), Chunks: []Bytes{Bytes("a")}},
			{Stream: Bytes("bc"), Chunks: []Bytes{Bytes("b"), Bytes("c")}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}

func TestReadHTTPCasesSetsDefaults(t *testing.T) {
	got, err := ReadHTTPCases(writeFile(t, `[
		{"name": "Defaults.", "section": "HTML 9.2.3", "kind": "must", "exchanges": [{}],
			"events": []},
		{"name": "All fields.", "section": "HTML 9.2.4", "topic": "waits", "kind": "policy",
			"request": {"method": "POST", "headers": [["A", "\u00e9"]], "body": "b"},
			"exchanges": [{
				"request": {"method": "PUT", "path": "/p", "accept": "a", "cacheControl": "c",
					"lastEventID": "", "body": "x", "wait": 0},
				"response": {"fail": true, "informational": [103], "status": 200,
					"headers": [["B", "c"]], "body": "y", "cut": true},
				"times": 3
			}],
			"events": [{"type": "message", "data": "x", "id": "1"}],
			"lastEventID": "1", "end": "error"}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	standard := Request{
		Method: "GET", Path: "/", Accept: "text/event-stream", CacheControl: "no-cache",
	}
	want := []HTTPCase{
		{
			Name: "Defaults.", Section: "HTML 9.2.3", Kind: "must",
			Request: CallerRequest{Method: "GET"}, Exchanges: []Exchange{{standard, Response{}, 1}},
		},
		{
			Name: "All fields.", Section: "HTML 9.2.4", Topic: "waits", Kind: "policy",
			Request: CallerRequest{"POST", [][2]Bytes{{Bytes("A"), Bytes("\xe9")}}, Bytes("b")},
			Exchanges: []Exchange{{
				Request{"PUT", "/p", "a", "c", &Bytes{}, Bytes("x"), new(int)},
				Response{
					true, []int{103}, 200, [][2]Bytes{{Bytes("B"), Bytes("c")}}, Bytes("y"), true,
				},
				3,
			}},
			Events:      Events{sse.Event{ID: "1", Type: "message", Data: "x"}},
			LastEventID: Bytes("1"), End: "error",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}

func TestReadRejectsMistakes(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown field":          {`[{"sections": ""}]`, `unknown field "sections"`},
		"unknown field of event": {`[{"events": [{"time": ""}]}]`, `unknown field "time"`},
		"incomplete event":       {`[{"events": [{"id": ""}]}]`, "does not have type, data and id"},
		"character":              {`[{"stream": "€"}]`, "'€' does not stand for a byte"},
		"negative count":         {`[{"stream": [-1, "x"]}]`, "cannot unmarshal number"},
		"no array":               {`{}`, "cannot unmarshal object"},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, test.text)
			_, err := ReadCases(file)
			for _, part := range []string{file, test.want} {
				if !strings.Contains(fmt.Sprint(err), part) {
					t.Errorf("error %q does not contain %q", err, part)
				}
			}
		})
	}
}

var (
	parserTopics = []string{
		"line ends", "blank lines", "prompt delivery", "values", "field names", "data",
		"event type", "event ID", "NUL in an ID", "retry", "comments", "byte order mark",
		"well-formed UTF-8", "ill-formed UTF-8", "NUL", "end of the stream", "next connection",
		"size", "examples",
	}
	httpTopics = []string{
		"request headers", "Last-Event-ID", "media type", "content encoding", "status",
		"end of a connection", "waits", "redirects", "methods",
	}
)

func TestTopicsAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("../../testdata/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range slices.Concat(parserTopics, httpTopics) {
		if !strings.Contains(string(readme), "`"+topic+"`") {
			t.Errorf("testdata/README.md does not contain the topic %q", topic)
		}
	}
}

func TestCasesAreValid(t *testing.T) {
	cases, err := ReadCases("../../testdata/parser.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 250 {
		t.Errorf("%d cases, want 250 or more", len(cases))
	}
	names, streams := map[string]bool{}, map[string]string{}
	for _, c := range cases {
		if names[c.Name] {
			t.Errorf("two cases have the name %q", c.Name)
		}
		names[c.Name] = true
		if !strings.HasSuffix(c.Name, ".") {
			t.Errorf("the name %q is not a sentence", c.Name)
		}
		if !strings.HasPrefix(c.Section, "HTML 9.2.") && !strings.HasPrefix(c.Section, "Encoding ") {
			t.Errorf("%q has the section %q", c.Name, c.Section)
		}
		if !slices.Contains(parserTopics, c.Topic) {
			t.Errorf("%q has the topic %q", c.Name, c.Topic)
		}
		key := ""
		for _, conn := range c.Connections {
			key += fmt.Sprintf("%q", conn.Chunks)
			if conn.Delivered != nil && len(conn.Delivered) != len(conn.Chunks) {
				t.Errorf("%q: %d counts for %d chunks", c.Name, len(conn.Delivered), len(conn.Chunks))
			}
		}
		if streams[key] != "" {
			t.Errorf("%q is a copy of %q", c.Name, streams[key])
		}
		streams[key] = c.Name
	}
}

func TestHTTPCasesAreValid(t *testing.T) {
	// Without the defaults, because a case may state one of them.
	var cases []HTTPCase
	if err := read("../../testdata/http.json", &cases); err != nil {
		t.Fatal(err)
	}
	names, scripts := map[string]bool{}, map[string]string{}
	for _, c := range cases {
		if names[c.Name] {
			t.Errorf("two cases have the name %q", c.Name)
		}
		names[c.Name] = true
		if !strings.HasSuffix(c.Name, ".") {
			t.Errorf("the name %q is not a sentence", c.Name)
		}
		if c.Section == "" {
			t.Errorf("%q has no section", c.Name)
		}
		if !slices.Contains(httpTopics, c.Topic) {
			t.Errorf("%q has the topic %q", c.Name, c.Topic)
		}
		if c.Kind != "must" && c.Kind != "policy" {
			t.Errorf("%q has the kind %q", c.Name, c.Kind)
		}
		script, err := json.Marshal([]any{c.Request, c.Exchanges})
		if err != nil {
			t.Fatal(err)
		}
		if scripts[string(script)] != "" {
			t.Errorf("%q is a copy of %q", c.Name, scripts[string(script)])
		}
		scripts[string(script)] = c.Name
	}
}
