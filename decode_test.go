package sse_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

// A decodeSource creates a Source that reads body. The function closed reports whether the Source
// has closed body.
type decodeSource func(t testing.TB, body io.Reader) (src sse.Source, closed func() bool)

var decodeSources = map[string]decodeSource{
	"Reader": func(_ testing.TB, body io.Reader) (sse.Source, func() bool) {
		tracked := &trackedBody{Reader: body}
		return sse.NewReader(tracked), func() bool { return tracked.closed }
	},
	"Stream": func(t testing.TB, body io.Reader) (sse.Source, func() bool) {
		tracked := &trackedBody{Reader: body}
		client := &sse.Client{HTTPClient: &http.Client{
			Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}},
					Body: tracked, Request: r,
				}, nil
			}),
		}}
		s := open(t, client, "POST", "http://example.com/", strings.NewReader("prompt"))
		return s, func() bool { return tracked.closed && s.State() == sse.StateClosed }
	},
}

type trackedBody struct {
	io.Reader
	closed bool
}

func (b *trackedBody) Close() error { b.closed = true; return nil }

var errDecode = errors.New("no such flag")

// decodeText returns the data as a string. Some data has another meaning.
func decodeText(typ string, data []byte) (string, error) {
	switch string(data) {
	case "skip":
		return "skipped", sse.Skip
	case "done":
		return "done", sse.Done
	case "fail":
		return "failed", errDecode
	}
	if typ != "message" {
		return typ + "=" + string(data), nil
	}
	return string(data), nil
}

// decoded returns the pairs of a loop: the values and the error of the last pair.
func decoded(t testing.TB, seq iter.Seq2[string, error]) (values []string, err error) {
	t.Helper()
	for v, e := range seq {
		switch {
		case err != nil:
			t.Errorf("the loop continued after %v", err)
		case e != nil && v != "":
			t.Errorf("the error has the value %q", v)
		case e != nil:
			err = e
		default:
			values = append(values, v)
		}
	}
	return values, err
}

func TestDecode(t *testing.T) {
	reset := errors.New("connection reset by peer")
	const decodeFailed = `sse: event of type "message": no such flag`
	for _, test := range []struct {
		name      string
		stream    string
		end       error // of the body
		want      []string
		rest      []string // what a second loop over a Reader returns
		err       string   // of Decode
		is        error    // what err wraps
		untilDone string   // the error of DecodeUntilDone, if it is another one
	}{
		{
			name: "empty", end: io.EOF,
			untilDone: "unexpected EOF",
		},
		{
			name:   "values",
			stream: "data:a\n\nevent:put\ndata:b\n\n: comment\n\ndata\n\n", end: io.EOF,
			want:      []string{"a", "put=b", ""},
			untilDone: "unexpected EOF",
		},
		{
			name:   "skipped events",
			stream: "data:skip\n\ndata:a\n\ndata:skip\n\ndata:b\n\ndata:skip\n\n", end: io.EOF,
			want:      []string{"a", "b"},
			untilDone: "unexpected EOF",
		},
		{
			name:   "an error of decode",
			stream: "data:a\n\ndata:fail\n\ndata:b\n\n", end: io.EOF,
			want: []string{"a"}, rest: []string{"b"}, err: decodeFailed, is: errDecode,
		},
		{
			name:   "an error of decode for an event with type and ID",
			stream: "event:patch\nid:7\ndata:fail\n\ndata:b\n\n", end: io.EOF,
			rest: []string{"b"}, is: errDecode,
			err: `sse: event of type "patch" with ID "7": no such flag`,
		},
		{
			name:   "an error of the source",
			stream: "data:a\n\ndata:b", end: reset,
			want: []string{"a"}, err: reset.Error(), is: reset,
		},
		{
			name:   "an event that was cut",
			stream: "data:a\n\ndata:b", end: io.EOF,
			want: []string{"a"}, err: "unexpected EOF", is: io.ErrUnexpectedEOF,
		},
	} {
		for kind, newSource := range decodeSources {
			check := func(t *testing.T, decode decodeFunc, wantErr string, is error) {
				body := io.MultiReader(strings.NewReader(test.stream), errorReader{test.end})
				src, closed := newSource(t, body)
				values, err := decoded(t, decode(src, decodeText))
				equal(t, "values", values, test.want)
				equal(t, "error", fmt.Sprint(err), cmp.Or(wantErr, "<nil>"))
				if is != nil && !errors.Is(err, is) {
					t.Errorf("%v does not wrap %v", err, is)
				}
				equal(t, "closed", closed(), kind == "Stream")
				if rest, _ := decoded(t, sse.Decode(src, decodeText)); kind == "Reader" {
					equal(t, "the rest", rest, test.rest)
				} else if len(rest) > 0 {
					t.Errorf("the closed stream delivered %q", rest)
				}
			}
			t.Run("Decode/"+kind+"/"+test.name, func(t *testing.T) {
				check(t, sse.Decode[string], test.err, test.is)
			})
			t.Run("DecodeUntilDone/"+kind+"/"+test.name, func(t *testing.T) {
				wantErr, is := test.err, test.is
				if test.untilDone != "" {
					wantErr, is = test.untilDone, io.ErrUnexpectedEOF
				}
				check(t, sse.DecodeUntilDone[string], wantErr, is)
			})
		}
	}
}

// A decodeFunc is Decode or DecodeUntilDone.
type decodeFunc func(
	sse.Source, func(typ string, data []byte) (string, error),
) iter.Seq2[string, error]

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestDecodeUntilDoneEndsAtDone(t *testing.T) {
	for kind, newSource := range decodeSources {
		t.Run(kind, func(t *testing.T) {
			src, closed := newSource(t, strings.NewReader("data:a\n\ndata:done\n\ndata:b\n\n"))
			values, err := decoded(t, sse.DecodeUntilDone(src, decodeText))
			equal(t, "values", values, []string{"a"})
			equal(t, "error", err, nil)
			equal(t, "closed", closed(), kind == "Stream")
			if kind == "Reader" {
				rest, err := decoded(t, sse.Decode(src, decodeText))
				equal(t, "the rest", rest, []string{"b"})
				equal(t, "error of the rest", err, nil)
			}
		})
	}
}

func TestDecodeDoneIsAnError(t *testing.T) {
	for kind, newSource := range decodeSources {
		t.Run(kind, func(t *testing.T) {
			src, closed := newSource(t, strings.NewReader("data:a\n\ndata:done\n\ndata:b\n\n"))
			values, err := decoded(t, sse.Decode(src, decodeText))
			equal(t, "values", values, []string{"a"})
			equal(t, "error", fmt.Sprint(err), `sse: event of type "message": `+
				"decode returned Done, which only ends the loop of DecodeUntilDone")
			if !errors.Is(err, sse.Done) {
				t.Errorf("%v does not wrap Done", err)
			}
			equal(t, "closed", closed(), kind == "Stream")
		})
	}
}

// A Stream is closed however the loop ends. A Reader continues with the next event.
func TestDecodeLeavingTheLoop(t *testing.T) {
	for how, leave := range map[string]func(seq iter.Seq2[string, error]){
		"break": func(seq iter.Seq2[string, error]) {
			for range seq {
				break
			}
		},
		"return": func(seq iter.Seq2[string, error]) {
			for range seq {
				return
			}
		},
		"panic": func(seq iter.Seq2[string, error]) {
			defer func() {
				if recover() == nil {
					t.Error("the panic was lost")
				}
			}()
			for range seq {
				panic("in the loop")
			}
		},
		"panic of decode": func(seq iter.Seq2[string, error]) {
			first := true
			defer func() {
				if recover() == nil {
					t.Error("the panic was lost")
				}
			}()
			for range seq {
				if !first {
					t.Error("the loop continued")
				}
				first = false
			}
		},
	} {
		for kind, newSource := range decodeSources {
			t.Run(how+"/"+kind, func(t *testing.T) {
				src, closed := newSource(t, strings.NewReader("data:a\n\ndata:b\n\ndata:c\n\n"))
				n := 0
				leave(sse.Decode(src, func(typ string, data []byte) (string, error) {
					if n++; n == 2 {
						panic("in decode")
					}
					return string(data), nil
				}))
				equal(t, "closed", closed(), kind == "Stream")
				rest, err := decoded(t, sse.Decode(src, decodeText))
				want := []string{"b", "c"}
				if how == "panic of decode" {
					want = want[1:]
				}
				if kind == "Stream" {
					want = nil
				}
				equal(t, "the rest", rest, want)
				equal(t, "error", err, nil)
			})
		}
	}
}

// The text of the server is shown as one short line without control characters.
func TestDecodeErrorIsSanitized(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	cut := func(n int) string { return long[:n] + "…" }
	for name, test := range map[string]struct {
		stream string
		err    error
		want   string
	}{
		"control characters": {
			"event:\x1b[31m\x07pa\ttch\nid:\x1b7\ndata:\n\n", errors.New("line\nbreak \x1b[0m"),
			`sse: event of type "[31mpa tch" with ID "7": line break [0m`,
		},
		"quotes": {
			"event:a\"b\ndata:\n\n", errors.New(`"c"`), `sse: event of type "a\"b": "c"`,
		},
		"long texts": {
			"event:" + long + "\nid:" + long + "\ndata:\n\n", errors.New(long),
			`sse: event of type "` + cut(64) + `" with ID "` + cut(64) + `": ` + cut(1024),
		},
		"an error of package sse": {
			"data:\n\n", sse.ErrEventTooLarge, `sse: event of type "message": ` +
				strings.TrimPrefix(sse.ErrEventTooLarge.Error(), "sse: "),
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := sse.NewReader(strings.NewReader(test.stream))
			_, err := decoded(t, sse.Decode(r, func(string, []byte) (string, error) {
				return "", test.err
			}))
			equal(t, "error", fmt.Sprint(err), test.want)
			if !errors.Is(err, test.err) {
				t.Errorf("%v does not wrap the error of decode", err)
			}
		})
	}
}

func TestSourceIsSealed(t *testing.T) {
	var _ = []sse.Source{(*sse.Stream)(nil), (*sse.Reader)(nil)}
	if _, ok := any(new(sse.Parser)).(sse.Source); ok {
		t.Error("Parser is a Source")
	}
}

func TestJSON(t *testing.T) {
	type value struct{ A int }
	const errorEvent = "sse: error event"
	long := strings.Repeat("x", 10_000)
	for name, test := range map[string]struct {
		typ, data string
		want      value
		err       string
	}{
		"a value":      {"message", `{"a":1}`, value{1}, "<nil>"},
		"another type": {"put", ` {"a":2} `, value{2}, "<nil>"},
		"no JSON": {
			"message", "[DONE]", value{}, "invalid character 'D' looking for beginning of value",
		},
		"no data":              {"message", "", value{}, "unexpected end of JSON input"},
		"a similar type":       {"errors", `{"a":3}`, value{3}, "<nil>"},
		"error":                {"error", `{"a":4}`, value{}, errorEvent + `: {"a":4}`},
		"error without data":   {"error", " ", value{}, errorEvent},
		"error without JSON":   {"error", "a\n\x1b[1mb", value{}, errorEvent + ": a [1mb"},
		"error with much data": {"error", long, value{}, errorEvent + ": " + long[:512] + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := sse.JSON[value](test.typ, []byte(test.data))
			equal(t, "value", got, test.want)
			equal(t, "error", fmt.Sprint(err), test.err)
		})
	}
	// A number that does not fit is quoted by package json, whatever its length.
	r := sse.NewReader(strings.NewReader("data:{\"a\":" + strings.Repeat("1", 10_000) + "}\n\n"))
	for _, err := range sse.Decode(r, sse.JSON[value]) {
		var typeErr *json.UnmarshalTypeError
		if !errors.As(err, &typeErr) || len(err.Error()) > 2<<10 {
			t.Errorf("error of %d bytes: %.200v", len(fmt.Sprint(err)), err)
		}
	}
}

// decode may modify the data, and the value may refer to it until the body of the loop ends.
func TestDecodeBorrowsData(t *testing.T) {
	for kind, newSource := range decodeSources {
		t.Run(kind, func(t *testing.T) {
			src, _ := newSource(t, strings.NewReader("data:a\n\ndata:b\n\n"))
			var got []string
			for data, err := range sse.Decode(src, func(_ string, data []byte) ([]byte, error) {
				return append(data[:0], bytes.ToUpper(data)...), nil
			}) {
				got = append(got, fmt.Sprintf("%s %v", data, err))
				clear(data)
			}
			equal(t, "values", got, []string{"A <nil>", "B <nil>"})
		})
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	for kind, newSource := range decodeSources {
		t.Run(kind, func(t *testing.T) {
			const event = "id:1\nevent:put\ndata:{\"a\":1}\n\nevent:ping\ndata\n\n"
			src, _ := newSource(t, &repeatReader{text: event})
			next, stop := iter.Pull2(sse.Decode(src, decodeLength))
			defer stop()
			next() // connects and allocates the buffer
			if n := testing.AllocsPerRun(10_000, func() {
				if n, err, _ := next(); n != 7 || err != nil {
					t.Fatalf("got %d, %v", n, err)
				}
			}); n != 0 {
				t.Errorf("%v allocations per event", n)
			}
		})
	}
}

// decodeLength returns the length of the data, and skips pings.
func decodeLength(typ string, data []byte) (int, error) {
	if typ == "ping" {
		return 0, sse.Skip
	}
	return len(data), nil
}

// A repeatReader returns its text again and again.
type repeatReader struct {
	text string
	at   int
}

func (r *repeatReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], r.text[r.at:])
		n += m
		r.at = (r.at + m) % len(r.text)
	}
	return n, nil
}

func BenchmarkDecode(b *testing.B) {
	text := "event:delta\ndata:" + completion(randomWords(60)) + "\n\n"
	type chunk struct {
		Choices []struct{ Delta struct{ Content string } }
	}
	length := func(_ string, data []byte) (int, error) { return len(data), nil }
	b.Run("length", func(b *testing.B) { benchmarkDecode(b, text, length) })
	b.Run("JSON", func(b *testing.B) { benchmarkDecode(b, text, sse.JSON[chunk]) })
	b.Run("no Decode", func(b *testing.B) {
		r := sse.NewReader(&repeatReader{text: text})
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if !r.Next() || len(r.Data()) == 0 {
				b.Fatal(r.Err())
			}
		}
	})
}

// benchmarkDecode measures one event of text.
func benchmarkDecode[T any](
	b *testing.B, text string, decode func(string, []byte) (T, error),
) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for _, err := range sse.Decode(sse.NewReader(&repeatReader{text: text}), decode) {
		if err != nil {
			b.Fatal(err)
		}
		if !b.Loop() {
			break
		}
	}
}
