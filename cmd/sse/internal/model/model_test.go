package model

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
)

// A decoded is what a stream contains, in a form that a test can compare.
type decoded struct {
	parts    string // a line for each kind in turn; a paragraph begins with ¶
	model    string
	usage    *Usage
	earlyEnd string
	complete bool
	done     bool
}

// decode decodes the stream.
func decode(t *testing.T, stream string) decoded {
	t.Helper()
	names := map[Kind]string{Text: "text", Reasoning: "reasoning", ToolCall: "call",
		Failure: "failure"}
	var (
		d    Decoder
		b    strings.Builder
		last Kind
	)
	r := sse.NewReader(strings.NewReader(stream))
	for r.Next() {
		for _, p := range d.Decode(r.Event()) {
			if p.Kind != last || p.Kind == ToolCall || p.Kind == Failure {
				if last != 0 {
					b.WriteByte('\n')
				}
				b.WriteString(names[p.Kind] + " ")
			}
			if p.Paragraph {
				b.WriteString("¶")
			}
			b.WriteString(p.Text)
			last = p.Kind
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return decoded{b.String(), d.Model(), d.Usage(), d.EarlyEnd(), d.Complete(), d.Done()}
}

func TestDecoderDecodesRecordedStreams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file string
		want decoded
	}{
		{"chat", decoded{"text Grüße,\n\"World\"", "gpt-4o-2024-08-06", &Usage{11, 9, 4}, "",
			true, true}},
		{"chat_tools", decoded{"call get_weather({\"city\":\"Paris\"})\ncall now({})", "gpt-4o",
			nil, "", true, true}},
		{"deepseek", decoded{"reasoning Two and two.\ntext 4", "deepseek-reasoner",
			&Usage{8, 6, 5}, "length", true, true}},
		{"ollama", decoded{"reasoning Hm\ntext Hi\ncall add({\"a\":1})", "qwen3", nil, "", true,
			true}},
		{"openrouter_error", decoded{"text So\nfailure the finish reason is error", "x/y", nil,
			"error", true, false}},
		{"mistral", decoded{"reasoning Hmm.\ntext Oui.", "magistral-medium", &Usage{3, 7, 0}, "",
			true, true}},
		{"completions", decoded{"text  once more", "llama", nil, "", true, false}},
		{"responses", decoded{"reasoning ¶**Greeting**¶Be kind.\ntext ¶Hello there\n" +
			"call wave({\"n\":2})\ncall web_search({\"type\":\"search\",\"query\":\"q\"})", "gpt-5",
			&Usage{20, 30, 12}, "", true, true}},
		{"responses_failed", decoded{
			`failure {"code":"server_error","message":"failed"}`, "gpt-5", nil, "", true, true}},
		{"responses_incomplete", decoded{"text Cut", "gpt-5", &Usage{1, 2, 0},
			"max_output_tokens", true, true}},
		{"messages", decoded{"reasoning Let me see.\ntext I look it up.\n" +
			"call get_weather({\"city\":\"Paris\"})", "claude-sonnet-4-5", &Usage{15, 89, 0}, "",
			true, true}},
		{"messages_error", decoded{"text Hel\n" +
			`failure {"type":"overloaded_error","message":"Overloaded"}`, "claude-haiku-4-5",
			&Usage{5, 1, 0}, "", false, false}},
		{"gemini", decoded{"reasoning Consider it.\ntext Good day\ncall wave({\"n\":2})",
			"gemini-2.5-flash", &Usage{4, 12, 5}, "", true, false}},
		{"gemini_blocked", decoded{"failure the prompt was blocked: PROHIBITED_CONTENT",
			"gemini-2.5-flash", &Usage{6, 0, 0}, "", true, false}},
		{"jobs", decoded{}},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(filepath.Join("testdata", test.file+".sse"))
			if err != nil {
				t.Fatal(err)
			}
			got := decode(t, string(b))
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(decoded{})); diff != "" {
				t.Errorf("stream (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecoderDecodesUnusualEvents(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, stream, want string }{
		{"nothing of a call but its name",
			`data: {"choices":[{"delta":{"function_call":{"name":"f"}}}]}` + "\n\ndata: [DONE]\n\n",
			"call f()"},
		{"arguments that are not a string",
			`data: {"choices":[{"delta":{"tool_calls":[{"function":` +
				`{"name":"f","arguments":{"a": [1, 2]}}}]},"finish_reason":"stop"}]}` + "\n\n",
			`call f({"a":[1,2]})`},
		{"calls without an index",
			`data: {"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f"}},` +
				`{"id":"b","function":{"name":"g"}}]},"finish_reason":"stop"}]}` + "\n\n",
			"call f()\ncall g()"},
		{"members of other types",
			`data: {"choices":[{"delta":{"content":7,"reasoning":["x"],"tool_calls":null}},` +
				`{"delta":{"content":"x"}}],"usage":"none","model":null}` + "\n\n", "text x"},
		{"spaces around [DONE]", "data: {\"choices\":[]}\n\ndata:  [DONE] \n\n", ""},
		{"the type of the event alone",
			"event: content_block_delta\ndata: {\"delta\":{\"text\":\"x\"}}\n\n", "text x"},
		{"input that does not follow in pieces",
			`data: {"type":"content_block_start","content_block":` +
				`{"type":"tool_use","name":"f","input":{"a": 1}}}` + "\n\n" +
				`data: {"type":"content_block_stop"}` + "\n\n", `call f({"a":1})`},
		{"an error within responses",
			`data: {"type":"response.created"}` + "\n\n" +
				`data: {"type":"error","message":"m","code":null}` + "\n\n",
			`failure {"type":"error","message":"m","code":null}`},
		{"a custom tool",
			`data: {"type":"response.output_item.done","item":{"type":"custom_tool_call",` +
				`"name":"sh","input":"ls\n-l"}}` + "\n\n", "call sh(ls\n-l)"},
		{"code",
			`data: {"candidates":[{"content":{"parts":[{"executableCode":{"code":"1+1"}}]}},` +
				`{"index":1,"content":{"parts":[{"text":"another"}]}}]}` + "\n\n",
			"call code(1+1)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := decode(t, test.stream).parts; got != test.want {
				t.Errorf("parts:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestDecoderBoundsToolCalls(t *testing.T) {
	t.Parallel()
	var d Decoder
	chunk := func(index int, arguments string) []Part {
		return d.Decode(sse.Event{Data: fmt.Sprintf(`{"choices":[{"delta":{"tool_calls":`+
			`[{"index":%d,"function":{"name":"f","arguments":%q}}]}}]}`, index, arguments)})
	}
	for range 100 {
		chunk(0, strings.Repeat("é", 1000))
	}
	ended := 0
	for i := range 10 * maxCalls {
		ended += len(chunk(i, ""))
		if len(d.calls) > maxCalls {
			t.Fatalf("%d calls are kept", len(d.calls))
		}
	}
	parts := d.Decode(sse.Event{Data: "[DONE]"})
	if ended += len(parts); ended != 10*maxCalls {
		t.Errorf("%d calls ended, want %d", ended, 10*maxCalls)
	}
	d = Decoder{}
	chunk(0, strings.Repeat("é", 100000))
	parts = d.Decode(sse.Event{Data: "[DONE]"})
	if len(parts) != 1 || len(parts[0].Text) > maxArguments+10 {
		t.Errorf("a long call is not cut: %d parts", len(parts))
	}
}

func TestDecoderBoundsNamesOfCalls(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxArguments)
	for _, format := range []string{
		`{"choices":[{"delta":{"function_call":{"name":"x%s"}}}]}`,
		`{"choices":[{"delta":{"tool_calls":[{"id":"%[1]s","function":{"name":"x%[1]s"}}]}}]}`,
		`{"type":"content_block_start","content_block":{"type":"tool_use","name":"x%s"}}`,
	} {
		var d Decoder
		for range 3 {
			d.Decode(sse.Event{Data: fmt.Sprintf(format, long)})
		}
		if len(d.calls) != 1 {
			t.Fatalf("%s: %d calls", format, len(d.calls))
		}
		if c := d.calls[0]; len(c.name) > maxArguments || len(c.id) > maxArguments {
			t.Errorf("%s: a name of %d bytes and an ID of %d", format, len(c.name), len(c.id))
		}
		d.calls.flush(&d)
		want := "x" + long[:maxArguments-2] + "()"
		if last := d.parts[len(d.parts)-1]; last.Text != want {
			t.Errorf("%s: %d bytes of text", format, len(last.Text))
		}
	}
}

// The test is not parallel, because it measures what the process allocates.
func TestDecoderJoinsManyPartsInLinearMemory(t *testing.T) {
	const n = 10_000
	pieces := strings.Repeat(`{"text":"a"},{"thinking":[{"text":"b"}]},`, n)
	data := `{"choices":[{"delta":{"content":[` + strings.TrimSuffix(pieces, ",") + `]}}]}`
	var d Decoder
	var parts []Part
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			parts = d.Decode(sse.Event{Data: data})
		}
	})
	if bytes := result.AllocedBytesPerOp(); bytes > 20*int64(len(data)) {
		t.Errorf("%d bytes are allocated for an event of %d", bytes, len(data))
	}
	want := []Part{
		{Kind: Reasoning, Text: strings.Repeat("b", n)}, {Kind: Text, Text: strings.Repeat("a", n)},
	}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// Whatever a server sends, the parts of an event are not larger than the event, except for the
// arguments of calls, and contain valid UTF-8 only.
func FuzzDecoder(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.sse"))
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, stream string) {
		var d Decoder
		r := sse.NewReader(strings.NewReader(stream))
		for r.Next() {
			ev := r.Event()
			for _, p := range d.Decode(ev) {
				if p.Text == "" || strings.ToValidUTF8(p.Text, "") != p.Text {
					t.Errorf("part %d has the text %q", p.Kind, p.Text)
				}
				isPiece := p.Kind == Text || p.Kind == Reasoning
				if isPiece && len(p.Text) > 3*len(ev.Data) {
					t.Errorf("%d bytes of an event of %d", len(p.Text), len(ev.Data))
				}
			}
			if d.Done() && !d.Complete() {
				t.Error("done, but not complete")
			}
		}
	})
}
