package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLibraryEventsAreCorrect(t *testing.T) {
	for _, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			s := w.stream()
			defer s.free()
			for _, l := range libraries[:2] {
				if wrong := l.check(s, s.part, s.partN); wrong != "" {
					t.Errorf("%s: %s", l.name, wrong)
				}
			}
		})
	}
}

func TestLibraryCheckFindsWrongEvents(t *testing.T) {
	s := findWorkload("ticks").stream()
	defer s.free()
	for name, change := range map[string]func(id, typ, data *string){
		"id":   func(id, typ, data *string) { *id += "0" },
		"type": func(id, typ, data *string) { *typ = "message" },
		"data": func(id, typ, data *string) { *data += "\n" },
	} {
		t.Run(name, func(t *testing.T) {
			l := library{run: func(r io.Reader, onEvent eventFunc) (int, int, error) {
				return runStrings(r, func(id, typ, data string) {
					change(&id, &typ, &data)
					onEvent(id, typ, data)
				})
			}}
			if got, want := l.check(s, s.part, s.partN), "event 1: "+name; got != want {
				t.Errorf("check = %q, want %q", got, want)
			}
		})
	}
	if got := libraries[0].check(s, s.part, s.partN+1); !strings.HasSuffix(got, " events") {
		t.Errorf("check of a stream with too few events = %q", got)
	}
}

func TestChartIsXML(t *testing.T) {
	r := results{parsings: []parsing{{Name: "llm", Best: "openai", Rows: map[string]row{
		"borrowed": {Memchr: 1.5},
		"strings":  {Memchr: 5},
		"openai":   {Memchr: 7},
		"jetify":   {Wrong: "event 1: data"},
	}}}}
	d := xml.NewDecoder(strings.NewReader(r.chart()))
	circles := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			circles++
		}
	}
	if want := 4 + 3; circles < want {
		t.Errorf("%d circles, want at least %d: 4 of the legend and 3 libraries", circles, want)
	}
}

func TestRewriteReplacesMarkedText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	write(file, "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n")
	rewrite(file, map[string]string{"x": "$1\n"})
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a\n<!-- begin x -->\n$1\n<!-- end x -->\nb\n"; string(got) != want {
		t.Errorf("the file contains %q, want %q", got, want)
	}
}
