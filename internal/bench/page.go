package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// pageTemplate is the text of docs/performance.md, without a figure.
//
//go:embed performance.md.tmpl
var pageTemplate string

// page returns docs/performance.md.
func (r *results) page() (string, error) {
	t, err := template.New("performance.md").Funcs(template.FuncMap{
		"table": func(name string) (string, error) {
			for _, s := range sections {
				if s.name == name {
					return strings.TrimSpace(s.table(r)), nil
				}
			}
			return "", fmt.Errorf("there is no table %q", name)
		},
		"ratio":   ratio,
		"percent": percent,
	}).Parse(pageTemplate)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, r.pageData()); err != nil {
		return "", err
	}
	return b.String(), nil
}

// pageData contains the figures of the sentences of the page.
type pageData struct {
	Machine   string
	Rounds    int
	Size      string   // of a stream
	Down      string   // how long the server of many streams is down
	Batch     int      // of events that a server of many clients publishes
	Workloads []string // a description of each

	Least, Most               float64 // of the ratios of the first table
	LeastStrings, MostStrings float64
	OwnShare                  float64 // of the parser, if Decode fills a struct of the program
	SDKShare, ReaderShare     float64 // of the parser in openai-go's stream
}

func (r *results) pageData() pageData {
	p := fullPlan()
	d := pageData{
		Machine: machine(), Rounds: p.rounds, Size: fmt.Sprintf("%d MiB", p.size>>20),
		Down: fmt.Sprintf("%g s", p.down.Seconds()), Batch: fanoutBatch,
	}
	for _, w := range workloads {
		d.Workloads = append(d.Workloads, "`"+w.name+"`: "+w.about)
	}
	var ofBorrowed, ofStrings []float64
	for _, p := range r.Parsings {
		ofBorrowed, ofStrings = append(ofBorrowed, p.Borrowed), append(ofStrings, p.Strings)
	}
	d.Least, d.Most = slices.Min(ofBorrowed), slices.Max(ofBorrowed)
	d.LeastStrings, d.MostStrings = slices.Min(ofStrings), slices.Max(ofStrings)
	d.OwnShare, d.SDKShare, d.ReaderShare = r.SDK[0].Share, r.SDK[2].Share, r.SDK[3].Share
	return d
}
