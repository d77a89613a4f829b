package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// values returns the flags of s as JSON.
func values(s *flagSet) map[string]string {
	all := make(map[string]string)
	for key, raw := range s.values {
		all[key] = string(raw)
	}
	return all
}

func TestFlagSetApply(t *testing.T) {
	const put = `{"path":"/","data":{"a":1,"b":{"c":true}}}`
	type event struct {
		typ, data string
		err       string // if not empty, the text of the error contains it
	}
	for _, test := range []struct {
		name   string
		events []event
		want   map[string]string
	}{
		{
			name:   "put",
			events: []event{{typ: "put", data: put}},
			want:   map[string]string{"a": "1", "b": `{"c":true}`},
		},
		{
			name: "put replaces all flags",
			events: []event{
				{typ: "put", data: put}, {typ: "put", data: `{"path":"/","data":{"d":"x"}}`},
			},
			want: map[string]string{"d": `"x"`},
		},
		{
			name: "patch and delete",
			events: []event{
				{typ: "put", data: put},
				{typ: "patch", data: `{"path":"/a","data":2}`},
				{typ: "patch", data: `{"path":"/new/key","data":[]}`},
				{typ: "delete", data: `{"path":"/b"}`},
				{typ: "delete", data: `{"path":"/unknown"}`},
			},
			want: map[string]string{"a": "2", "new/key": "[]"},
		},
		{
			name: "invalid events change nothing",
			events: []event{
				{"patch", `{"path":"/a","data":1}`, "not a put"},
				{"delete", `{"path":"/a"}`, "not a put"},
				{"put", put, ""},
				{"put", `{"path":"/"`, "JSON"},
				{"put", `{"path":"/"}`, "JSON"},
				{"put", `{"path":"/","data":null}`, "0 flags"},
				{"put", `{"path":"/","data":[1]}`, "array"},
				{"put", `{"path":"/a","data":{}}`, "unknown type"},
				{"patch", `{"path":"/a"}`, "unknown type"},
				{"message", `{"path":"/a","data":2}`, "unknown type"},
			},
			want: map[string]string{"a": "1", "b": `{"c":true}`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s flagSet
			for _, ev := range test.events {
				err := s.apply(ev.typ, []byte(ev.data))
				if (err == nil) != (ev.err == "") || !strings.Contains(fmt.Sprint(err), ev.err) {
					t.Errorf("%s %s: got the error %v, want %q", ev.typ, ev.data, err, ev.err)
				}
			}
			if got := values(&s); !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestFlagSetLimitsFlags(t *testing.T) {
	var s flagSet
	if err := s.apply("put", []byte(`{"path":"/","data":{}}`)); err != nil {
		t.Fatal(err)
	}
	for i := range maxFlags {
		if err := s.apply("patch", fmt.Appendf(nil, `{"path":"/%d","data":%[1]d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.apply("patch", []byte(`{"path":"/more","data":1}`)); err == nil {
		t.Error("a flag above the limit was accepted")
	}
	if err := s.apply("patch", []byte(`{"path":"/0","data":"new"}`)); err != nil {
		t.Errorf("an existing flag could not be changed: %v", err)
	}
	if n := len(s.values); n != maxFlags {
		t.Errorf("got %d flags, want %d", n, maxFlags)
	}
	var put strings.Builder
	for i := range maxFlags + 1 {
		fmt.Fprintf(&put, `,"%d":0`, i)
	}
	data := `{"path":"/","data":{` + put.String()[1:] + `}}`
	if err := s.apply("put", []byte(data)); err == nil || value(&s, "0", "") != "new" {
		t.Errorf("a put above the limit was accepted: %v", err)
	}
}

func TestValueFallsBack(t *testing.T) {
	var s flagSet
	if got := value(&s, "a", 7); got != 7 {
		t.Errorf("got %d before the first put, want the fallback", got)
	}
	data := `{"path":"/","data":{"int":1,"text":"x","null":null,"list":["x",2]}}`
	if err := s.apply("put", []byte(data)); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"int": 1, "text": 7, "null": 7, "list": 7, "none": 7} {
		if got := value(&s, key, 7); got != want {
			t.Errorf("%s: got %d, want %d", key, got, want)
		}
	}
	if got := value(&s, "text", "fallback"); got != "x" {
		t.Errorf("got %q, want %q", got, "x")
	}
}

// Each reader sees the values in the order in which they were set.
func TestValueIsSafeForConcurrentUse(t *testing.T) {
	const last = 2000
	var s flagSet
	if err := s.apply("put", []byte(`{"path":"/","data":{"n":0}}`)); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for n := 0; n < last; {
				got := value(&s, "n", -1)
				if got < n {
					t.Errorf("got %d after %d", got, n)
					return
				}
				n = got
			}
		})
	}
	for i := 1; i <= last; i++ {
		typ, data := "patch", `{"path":"/n","data":`+strconv.Itoa(i)+`}`
		if i%2 == 0 {
			typ, data = "put", `{"path":"/","data":{"n":`+strconv.Itoa(i)+`}}`
		}
		if err := s.apply(typ, []byte(data)); err != nil {
			t.Error(err)
		}
	}
	readers.Wait()
}
