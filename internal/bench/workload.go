package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// An event is an event of a workload.
type event struct{ id, typ, data string }

// A workload is a kind of stream. Its bytes are the same every time, so that the events can be
// generated again to check those of a library.
type workload struct {
	name  string
	about string
	eol   string
	piece int // the size of the longest read; 0 for no limit
	beats int // comments before each event
	event func(r *rand.Rand, n int) event
}

var workloads = []workload{
	{name: "llm", about: "one data line of JSON an event, 180 to 300 bytes", eol: "\n", event: chunk},
	{
		name: "anthropic", about: "an event line and a data line of about 120 bytes an event",
		eol: "\n", event: delta,
	},
	{name: "ticks", about: "id, event, and data of 2 bytes", eol: "\n", event: tick},
	{name: "wiki", about: "event, id of 150 bytes, and data of 1.5 KB", eol: "\n", event: change},
	{name: "multiline", about: "40 data lines of 60 bytes an event", eol: "\n", event: lines},
	{name: "big", about: "one data line of 1 MB an event", eol: "\n", event: big},
	{name: "crlf", about: "llm with CRLF", eol: "\r\n", event: chunk},
	{name: "cr", about: "llm with CR", eol: "\r", event: chunk},
	{
		name: "comments", about: "comments (`:` and a blank line), and an event of llm after 49",
		eol: "\n", beats: 49, event: chunk,
	},
	{
		name: "utf8", about: "llm with 200 bytes of CJK, Cyrillic and emoji", eol: "\n",
		event: scripts,
	},
	{name: "dribble", about: "llm in reads of 1 to 64 bytes", eol: "\n", piece: 64, event: chunk},
}

// findWorkload returns the workload with the name.
func findWorkload(name string) workload {
	for _, w := range workloads {
		if w.name == name {
			return w
		}
	}
	panic("no workload " + name)
}

func chunk(r *rand.Rand, n int) event { return event{data: completion(words(r, 8+r.IntN(110)))} }

func scripts(r *rand.Rand, n int) event { return event{data: completion(nonASCIIWords(r, 200))} }

// completion returns the JSON that most language model services send for a part of their output.
func completion(content string) string {
	return `{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk",` +
		`"created":1741569952,"model":"m-1",` +
		`"choices":[{"index":0,"delta":{"content":"` + content + `"},"finish_reason":null}]}`
}

func delta(r *rand.Rand, n int) event {
	return event{
		typ: "content_block_delta",
		data: `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` +
			words(r, 20+r.IntN(30)) + `"}}`,
	}
}

func tick(r *rand.Rand, n int) event {
	return event{id: fmt.Sprint(100000 + n), typ: "tick", data: fmt.Sprint(10 + r.IntN(90))}
}

func change(r *rand.Rand, n int) event {
	return event{
		id: fmt.Sprintf(`[{"topic":"eqiad.mediawiki.recentchange","partition":0,"timestamp":%d},`+
			`{"topic":"codfw.mediawiki.recentchange","partition":0,"offset":-1,"at":%d}]`,
			1700000000000+n, r.Uint32()),
		data: `{"$schema":"/mediawiki/recentchange/1.0.0","id":` + fmt.Sprint(n) +
			`,"comment":"` + words(r, 1200+r.IntN(600)) + `"}`,
	}
}

func lines(r *rand.Rand, n int) event {
	all := make([]string, 40)
	for i := range all {
		all[i] = words(r, 60)
	}
	return event{data: strings.Join(all, "\n")}
}

func big(r *rand.Rand, n int) event {
	part := words(r, 1<<10)
	return event{data: strings.Repeat(part, 1<<10)}
}

// words returns n bytes of lower-case words.
func words(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "etaoin shrdlu cmfwyp vbgkjq"[r.IntN(27)]
	}
	return string(b)
}

// nonASCIIWords returns about n bytes of words that are not ASCII.
func nonASCIIWords(r *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		switch r.IntN(8) {
		case 0:
			b.WriteRune(0x1F600 + rune(r.IntN(0x40)))
		case 1, 2, 3:
			for range 2 + r.IntN(8) {
				b.WriteRune('а' + rune(r.IntN(32)))
			}
			b.WriteByte(' ')
		default:
			for range 1 + r.IntN(6) {
				b.WriteRune(0x4E00 + rune(r.IntN(0x5000)))
			}
		}
	}
	return b.String()
}

// events calls yield with each event of the workload and its wire form, until yield returns false.
func (w workload) events(yield func(wire []byte, e event) bool) {
	r := rand.New(rand.NewPCG(9, 2))
	var b []byte
	for n := 0; ; n++ {
		e := w.event(r, n)
		b = b[:0]
		for range w.beats {
			b = append(b, ":"+w.eol+w.eol...)
		}
		if e.id != "" {
			b = append(b, "id: "+e.id+w.eol...)
		}
		if e.typ != "" {
			b = append(b, "event: "+e.typ+w.eol...)
		}
		for line := range strings.SplitSeq(e.data, "\n") {
			b = append(append(append(b, "data: "...), line...), w.eol...)
		}
		b = append(b, w.eol...)
		if e.typ == "" {
			e.typ = "message"
		}
		if !yield(b, e) {
			return
		}
	}
}
