package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// A score says which parts of a case an implementation has passed.
type score struct {
	topic    string
	parsing  bool // whether the events of a single connection are judged
	requests bool // whether requests are judged

	events, ids, follows bool // whether the events, their ids and the requests are right
}

// failed reports whether a part of the case has failed.
func (s score) failed() bool { return !s.events || !s.ids || !s.follows }

// scores returns the score of each case that an implementation has run, by name.
func (r *result) scores() map[string]score {
	scores := make(map[string]score)
	for i, j := range r.jobs {
		s, ok := scores[j.name]
		if !ok {
			s = score{topic: j.topic, events: true, ids: true, follows: true}
		}
		d := r.diffs[i]
		s.parsing = s.parsing || j.parsing
		s.requests = s.requests || j.requests
		s.events = s.events && len(d.events) == 0
		s.ids = s.ids && len(d.ids) == 0
		s.follows = s.follows && len(d.requests)+len(d.waits) == 0
		scores[j.name] = s
	}
	return scores
}

// scoreTable returns a table of the number of cases that each implementation passes.
func scoreTable(results []*result) string {
	parsing, requests := 0, 0
	rows := [][]string{nil}
	for _, r := range results {
		var passed, idsAside, followed, ofParsing, ofRequests int
		for _, s := range r.scores() {
			if s.parsing {
				ofParsing++
				passed += count(s.events && s.ids)
				idsAside += count(s.events)
			}
			if s.requests {
				ofRequests++
				followed += count(s.follows && (s.parsing || s.events && s.ids))
			}
		}
		parsing, requests = max(parsing, ofParsing), max(requests, ofRequests)
		row := []string{r.name(), r.impl.language, fmt.Sprint(passed), fmt.Sprint(idsAside),
			fmt.Sprint(followed)}
		if r.impl.onlyParses {
			row[4] = "only parses"
		}
		rows = append(rows, row)
	}
	rows[0] = []string{"implementation", "language", fmt.Sprintf("parsing, of %d", parsing),
		"IDs ignored", fmt.Sprintf("requests, of %d", requests)}
	return table(rows, 2)
}

// topicTable returns a table of the number of cases that each implementation fails, by topic. It
// leaves out topics in which no implementation fails.
func topicTable(results []*result) string {
	head := []string{"topic", "cases"}
	of := make(map[string]int)       // the number of cases of each topic
	var failed, run []map[string]int // the numbers of each result
	var topics []string              // in the order of the suite
	for _, r := range results {
		head = append(head, r.impl.name)
		f, n := make(map[string]int), make(map[string]int)
		for _, s := range r.scores() {
			n[s.topic]++
			f[s.topic] += count(s.failed())
			of[s.topic] = max(of[s.topic], n[s.topic])
		}
		failed, run = append(failed, f), append(run, n)
		for _, j := range r.jobs {
			if !slices.Contains(topics, j.topic) {
				topics = append(topics, j.topic)
			}
		}
	}
	rows := [][]string{head}
	for _, topic := range topics {
		row, total := []string{topic, fmt.Sprint(of[topic])}, 0
		for i := range results {
			cell := fmt.Sprint(failed[i][topic])
			if failed[i][topic] == 0 {
				cell = ""
			}
			if run[i][topic] == 0 {
				cell = "–"
			}
			row = append(row, cell)
			total += failed[i][topic]
		}
		if total > 0 {
			rows = append(rows, row)
		}
	}
	return table(rows, 1)
}

// name returns the name and the version of the implementation.
func (r *result) name() string {
	if r.impl.name == library {
		return "**" + library + "**"
	}
	return r.impl.name + " " + r.version
}

func count(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

// table returns a Markdown table, in which all columns after the first texts are numbers.
func table(rows [][]string, texts int) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", texts) +
				strings.Repeat("---:|", len(row)-texts) + "\n")
		}
	}
	return b.String()
}

// rewrite replaces the text between the markers of each name in a file.
func rewrite(file string, texts map[string]string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for name, text := range texts {
		between := regexp.MustCompile(
			`(?s)(<!-- begin ` + name + ` -->\n).*?(<!-- end ` + name + ` -->)`)
		m := between.FindSubmatchIndex(page)
		if m == nil {
			return fmt.Errorf("%s does not contain the markers of %s", file, name)
		}
		page = slices.Concat(page[:m[3]], []byte(text), page[m[4]:])
	}
	return os.WriteFile(file, page, 0o644)
}
