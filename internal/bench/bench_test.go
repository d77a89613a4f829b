package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

func TestMain(m *testing.M) {
	if playRole() {
		return
	}
	os.Exit(m.Run())
}

// The quick plan measures everything that is published, and its results are written.
func TestQuickPlanWritesPage(t *testing.T) {
	p := quickPlan()
	r, err := p.measure()
	if err != nil {
		t.Fatal(err)
	}
	docs := t.TempDir()
	score, err := os.ReadFile(filepath.Join(p.root, "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(docs, "conformance.md"), score, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.write(docs); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		table := strings.TrimSpace(s.table(r))
		if table == "" {
			t.Errorf("the table %s is empty", s.name)
		}
		if s.name != "suite" && !strings.Contains(string(page), table) {
			t.Errorf("the page does not contain the table %s", s.name)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "<no value>", "%!"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	checkStreams(t, r)
}

// checkStreams checks the results that do not depend on the speed of the machine.
func checkStreams(t *testing.T, r *results) {
	for _, c := range r.Many {
		if c.Arrived != c.Streams {
			t.Errorf("%v: %d streams have reconnected", c.names(), c.Arrived)
		}
		if c.Lost != 0 || c.Duplicates != 0 {
			t.Errorf("%v: %d events lost, %d repeated", c.names(), c.Lost, c.Duplicates)
		}
	}
	for _, c := range r.Fanout {
		if c.Received != c.Expected {
			t.Errorf("%s: %d of %d events", c.Server, c.Received, c.Expected)
		}
	}
	all := versions()
	for _, l := range libraries {
		if l.isPeer() && all[l.module] == "" {
			t.Errorf("%s has no version", l.module)
		}
	}
	for _, s := range r.Suite.Scores {
		if !s.Library.isPeer() && s.Passed != r.Suite.Cases {
			t.Errorf("%s passes %d of %d cases", s.Library.name, s.Passed, r.Suite.Cases)
		}
	}
}

func TestLibraryEventsAreCorrect(t *testing.T) {
	for _, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			s := w.stream(1 << 20)
			defer s.free()
			for _, l := range libraries[:2] {
				if wrong := l.check(s, len(s.bytes), s.n); wrong != "" {
					t.Errorf("%s: %s", l.name, wrong)
				}
			}
		})
	}
}

func TestLibraryCheckFindsWrongEvents(t *testing.T) {
	s := findWorkload("ticks").stream(1 << 20)
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

func TestSDKProgramCheckFindsWrongContent(t *testing.T) {
	s := findWorkload("llm").stream(64 << 10)
	defer s.free()
	if err := sdkPrograms[0].check(s); err != nil {
		t.Error(err)
	}
	for name, program := range map[string]sdkProgram{
		"missing chunk": {run: func(body io.Reader, onContent func(string)) error {
			sse.NewReader(body).Next()
			return decodeOwn(body, onContent)
		}},
		"wrong content": {run: func(body io.Reader, onContent func(string)) error {
			return decodeOwn(body, func(content string) { onContent(content + "x") })
		}},
	} {
		if program.check(s) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFollowerCountsLostAndRepeatedEvents(t *testing.T) {
	var f follower
	for _, id := range []string{"0", "1", "3", "3", "2", "4"} {
		f.onEvent(id)
	}
	lost, repeated, received := f.lost.Load(), f.duplicates.Load(), f.received.Load()
	if lost != 1 || repeated != 2 || received != 4 {
		t.Errorf("%d lost, %d repeated, %d received", lost, repeated, received)
	}
}

func TestCheckFindsMissedTargets(t *testing.T) {
	r := results{Parsings: []parsing{{
		Name: "llm", Best: "openai", BestID: "ogen", Borrowed: 0.36, Strings: math.NaN(),
		Rows: map[string]row{"borrowed": {Passes: 1.39}},
	}}}
	list, missed := r.check()
	if missed != 2 {
		t.Errorf("%d targets missed, want 2:\n%s", missed, list)
	}
}

func TestChartIsXML(t *testing.T) {
	r := results{Parsings: []parsing{{Name: "llm", Best: "openai", Rows: map[string]row{
		"borrowed": {Passes: 1.5},
		"strings":  {Passes: 5},
		"openai":   {Passes: 7},
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

func TestReplaceMarkedReplacesText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	const page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n"
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := replaceMarked(file, "x", "$1\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a\n<!-- begin x -->\n$1\n<!-- end x -->\nb\n"; string(got) != want {
		t.Errorf("the file contains %q, want %q", got, want)
	}
	if replaceMarked(file, "y", "") == nil {
		t.Error("no error for text that is not there")
	}
}
