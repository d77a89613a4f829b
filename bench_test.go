package sse_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

var random = rand.New(rand.NewPCG(9, 2))

// benchWorkloads contains short forms of the workloads of internal/bench, which compares this
// package with others.
var benchWorkloads = []struct {
	name  string
	eol   string
	most  int // the size of the longest read; 0 for no limit
	beats int // comments before each event
	event func(n int) sse.Event
}{
	{"llm", "\n", 0, 0, func(int) sse.Event { return words(8 + random.IntN(110)) }},
	{"anthropic", "\n", 0, 0, func(int) sse.Event {
		return sse.Event{
			Type: "content_block_delta",
			Data: `{"type":"content_block_delta","index":0,` +
				`"delta":{"type":"text_delta","text":"` + randomWords(35) + `"}}`,
		}
	}},
	{"ticks", "\n", 0, 0, func(n int) sse.Event {
		return sse.Event{ID: fmt.Sprint(100000 + n), Type: "tick", Data: fmt.Sprint(10 + n%90)}
	}},
	{"wiki", "\n", 0, 0, func(n int) sse.Event {
		return message(fmt.Sprint(n, randomWords(145)), completion(randomWords(1300)))
	}},
	{"multiline", "\n", 0, 0, func(int) sse.Event {
		return sse.Event{Data: strings.Repeat(randomWords(60)+"\n", 39) + randomWords(60)}
	}},
	{"big", "\n", 0, 0, func(int) sse.Event { return sse.Event{Data: randomWords(1 << 20)} }},
	{"crlf", "\r\n", 0, 0, func(int) sse.Event { return words(60) }},
	{"cr", "\r", 0, 0, func(int) sse.Event { return words(60) }},
	{"comments", "\n", 0, 49, func(int) sse.Event { return words(60) }},
	{"utf8", "\n", 0, 0, func(int) sse.Event {
		return sse.Event{Data: completion(strings.Repeat("漢字かな привет 🎈 ", 6))}
	}},
	{"dribble", "\n", 64, 0, func(int) sse.Event { return words(60) }},
}

// words returns an event of a language model with n bytes of text.
func words(n int) sse.Event { return sse.Event{Data: completion(randomWords(n))} }

// completion returns the JSON that a language model service sends for a part of its output.
func completion(content string) string {
	return `{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk",` +
		`"created":1741569952,"model":"m-1",` +
		`"choices":[{"index":0,"delta":{"content":"` + content + `"},"finish_reason":null}]}`
}

// randomWords returns n bytes of lower-case letters and spaces.
func randomWords(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "etaoin shrdlu cmfwyp vbgkjq"[random.IntN(27)]
	}
	return string(b)
}

// newBenchStream returns at least size bytes of a workload, and the number of its events.
func newBenchStream(t testing.TB, i, size int) (stream []byte, events int) {
	w := benchWorkloads[i]
	for ; len(stream) < size; events++ {
		stream = append(stream, strings.Repeat(":"+w.eol+w.eol, w.beats)...)
		wire, err := w.event(events).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, bytes.ReplaceAll(wire, []byte("\n"), []byte(w.eol))...)
	}
	return stream, events
}

// readerForms are the two forms in which a Reader returns an event.
var readerForms = []struct {
	name   string
	allocs int // per event
	use    func(r *sse.Reader) int
}{
	{"borrowed", 0, func(r *sse.Reader) int {
		return len(r.Data()) + len(r.ID()) + len(r.Type())
	}},
	{"strings", 1, func(r *sse.Reader) int {
		e := r.Event()
		return len(e.Data) + len(e.ID) + len(e.Type)
	}},
}

// BenchmarkReader reads 4 MB of each workload with Data, ID and Type, and with Event.
func BenchmarkReader(b *testing.B) {
	for i, w := range benchWorkloads {
		stream, _ := newBenchStream(b, i, 4<<20)
		for _, form := range readerForms {
			b.Run(w.name+"/"+form.name, func(b *testing.B) {
				b.SetBytes(int64(len(stream)))
				b.ReportAllocs()
				for b.Loop() {
					r := sse.NewReader(&shortReader{rest: stream, most: w.most})
					for r.Next() {
						form.use(r)
					}
					if err := r.Err(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// A borrowed event costs no allocation, and one with strings costs one. The first half of a stream
// does not count, because the Reader allocates its buffer there.
func TestReaderAllocationsPerEvent(t *testing.T) {
	for i, w := range benchWorkloads {
		stream, events := newBenchStream(t, i, 256<<10)
		if w.name == "big" {
			stream, events = newBenchStream(t, i, 8<<20)
		}
		half := events / 2
		for _, form := range readerForms {
			t.Run(w.name+"/"+form.name, func(t *testing.T) {
				r := sse.NewReader(&shortReader{rest: stream, most: w.most})
				allocs := testing.AllocsPerRun(1, func() { // runs the function twice
					for range half {
						if !r.Next() {
							t.Fatal(r.Err())
						}
						form.use(r)
					}
				})
				// The runtime allocates a few times on its own.
				if most := form.allocs*half + max(3, half/100); int(allocs) > most {
					t.Errorf("%v allocations for %d events, want at most %d", allocs, half, most)
				}
			})
		}
	}
}

// BenchmarkAppend writes an event of a language model.
func BenchmarkAppend(b *testing.B) {
	e := sse.Event{ID: "42", Type: "delta", Data: completion(randomWords(60))}
	var wire []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if wire, err = e.Append(wire[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(wire)))
}
