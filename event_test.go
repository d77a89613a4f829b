package sse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
)

func TestEventAppend(t *testing.T) {
	for _, c := range []struct {
		event sse.Event
		want  string
	}{
		{sse.Event{}, "data: \n\n"},
		{sse.Event{Type: "message", Data: "a"}, "data: a\n\n"},
		{sse.Event{ID: "1", Type: "add", Data: "a"}, "id: 1\nevent: add\ndata: a\n\n"},
		{sse.Event{Data: "a\n\nb\n"}, "data: a\ndata: \ndata: b\ndata: \n\n"},
		{sse.Event{ID: " 1", Type: " ", Data: " a"}, "id:  1\nevent:  \ndata:  a\n\n"},
		{sse.Event{Type: "a\x00", Data: "\x00\u2028\v"}, "event: a\x00\ndata: \x00\u2028\v\n\n"},
		{sse.Event{ID: "\ufeffé🌍", Data: "\ufffd"}, "id: \ufeffé🌍\ndata: \ufffd\n\n"},
	} {
		got, err := c.event.Append([]byte("x"))
		if string(got) != "x"+c.want || err != nil {
			t.Errorf("%q: Append = %q, %v, want %q", c.event, got, err, "x"+c.want)
		}
		var w countingWriter
		n, err := c.event.WriteTo(&w)
		if string(w.got) != c.want || n != int64(len(c.want)) || err != nil {
			t.Errorf("%q: WriteTo = %d, %v, wrote %q, want %q", c.event, n, err, w.got, c.want)
		}
		if w.calls != 1 {
			t.Errorf("%q: WriteTo called Write %d times, want once", c.event, w.calls)
		}
	}
}

func TestEventWriteToShortWrite(t *testing.T) {
	w := countingWriter{short: true}
	if n, err := (sse.Event{Data: "abc"}).WriteTo(&w); n != 8 || err != errRead {
		t.Errorf("WriteTo = %d, %v, want 8, %v", n, err, errRead)
	}
}

func TestEventAppendRejects(t *testing.T) {
	for _, c := range []struct {
		event sse.Event
		field string
		err   error
		text  string
	}{
		{sse.Event{ID: "a\nb"}, "id", sse.ErrLineEnd, "sse: id has a line end that would forge a line"},
		{sse.Event{ID: "a\r"}, "id", sse.ErrLineEnd, ""},
		{sse.Event{ID: "\x00"}, "id", sse.ErrNUL, "sse: id has a NUL, so that it would be ignored"},
		{sse.Event{ID: "\xff"}, "id", sse.ErrInvalidUTF8, "sse: id is not valid UTF-8"},
		{sse.Event{Type: "a\ndata: forged"}, "event", sse.ErrLineEnd, ""},
		{sse.Event{Type: "\r"}, "event", sse.ErrLineEnd, ""},
		{sse.Event{Type: "\xe2\x82"}, "event", sse.ErrInvalidUTF8, ""},
		{sse.Event{Data: "a\rb"}, "data", sse.ErrLineEnd,
			"sse: data has a line end that would forge a line"},
		{sse.Event{Data: "a\r\nb"}, "data", sse.ErrLineEnd, ""},
		{sse.Event{Data: "\xed\xa0\x80"}, "data", sse.ErrInvalidUTF8, ""},
		{sse.Event{ID: "1", Type: "e", Data: "a\n\xc0\x80"}, "data", sse.ErrInvalidUTF8, ""},
	} {
		got, err := c.event.Append([]byte("x"))
		var field *sse.FieldError
		if string(got) != "x" || !errors.As(err, &field) || field.Field != c.field ||
			!errors.Is(err, c.err) {
			t.Errorf("%q: Append = %q, %v, want %v of %s", c.event, got, err, c.err, c.field)
		}
		if c.text != "" && errorText(err) != c.text {
			t.Errorf("%q: error %q, want %q", c.event, errorText(err), c.text)
		}
		var w countingWriter
		if n, err := c.event.WriteTo(&w); n != 0 || w.calls != 0 || !errors.Is(err, c.err) {
			t.Errorf("%q: WriteTo = %d, %v, after %d calls of Write, want 0, %v, after none",
				c.event, n, err, w.calls, c.err)
		}
	}
}

func TestAppendComment(t *testing.T) {
	for text, want := range map[string]string{
		"":                 ":\n",
		"a":                ":a\n",
		" a":               ": a\n",
		"a\nb\rc\r\nd":     ":a\n:b\n:c\n:d\n",
		"\n":               ":\n:\n",
		"a\n\rdata: x\n\n": ":a\n:\n:data: x\n:\n:\n",
		"\xff\xe2\x82":     ":\ufffd\ufffd\n",
	} {
		if got := sse.AppendComment([]byte("x"), text); string(got) != "x"+want {
			t.Errorf("AppendComment(%q) = %q, want %q", text, got, "x"+want)
		}
	}
}

func TestAppendRetry(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                    "retry: 0\n",
		-time.Second:         "retry: 0\n",
		1:                    "retry: 1\n",
		time.Millisecond:     "retry: 1\n",
		time.Millisecond + 1: "retry: 2\n",
		time.Hour:            "retry: 3600000\n",
		math.MaxInt64:        "retry: 9223372036855\n",
		math.MinInt64:        "retry: 0\n",
	} {
		if got := sse.AppendRetry([]byte("x"), d); string(got) != "x"+want {
			t.Errorf("AppendRetry(%d) = %q, want %q", d, got, "x"+want)
		}
	}
}

func TestEventJSON(t *testing.T) {
	event := sse.Event{ID: "1", Type: "add", Data: "a\nb"}
	b, err := json.Marshal(event)
	if want := `{"id":"1","type":"add","data":"a\nb"}`; err != nil || !bytes.Equal(b, []byte(want)) {
		t.Errorf("json.Marshal = %s, %v, want %s", b, err, want)
	}
	var got sse.Event
	if err := json.Unmarshal(b, &got); err != nil || got != event {
		t.Errorf("json.Unmarshal = %q, %v, want %q", got, err, event)
	}
}
