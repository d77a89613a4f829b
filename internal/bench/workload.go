package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
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
	{name: "llm", about: "one data line of JSON, 180 to 300 bytes", eol: "\n", event: chunk},
	{name: "anthropic", about: "an event line and a data line of about 120 bytes", eol: "\n",
		event: delta},
	{name: "ticks", about: "id, event, data of 2 bytes", eol: "\n", event: tick},
	{name: "wiki", about: "event, id of 150 bytes, data of 1.5 KB", eol: "\n", event: change},
	{name: "multiline", about: "40 data lines of 60 bytes an event", eol: "\n", event: lines},
	{name: "big", about: "one data line of 1 MB an event", eol: "\n", event: big},
	{name: "crlf", about: "llm with CRLF", eol: "\r\n", event: chunk},
	{name: "cr", about: "llm with CR", eol: "\r", event: chunk},
	{name: "comments", about: "`:` heartbeats, an event every 50th", eol: "\n", beats: 49,
		event: chunk},
	{name: "utf8", about: "llm with 200 bytes of CJK, Cyrillic and emoji", eol: "\n", event: scripts},
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

// A stream contains the bytes of a workload. They are not in the heap of Go, because with a large
// heap there are few garbage collections, and allocations seem cheap.
type stream struct {
	workload
	bytes []byte
	sizes []byte // the length of the data of each event, in 4 bytes
	n     int    // the number of events
	part  int    // the end of an event after about an eighth of the bytes
	partN int    // the number of events before part
	last  string // the last string made by the baseline alloc
}

// size is the least length of a stream. It ends with the next event.
const size = 16 << 20

// stream generates the stream of a workload. The caller must free it.
func (w workload) stream() *stream {
	s := &stream{workload: w, bytes: offHeap(size + 4<<20), sizes: offHeap(4 << 20)}
	end := 0
	for wire, e := range w.events {
		end += copy(s.bytes[end:], wire)
		binary.LittleEndian.PutUint32(s.sizes[4*s.n:], uint32(len(e.data)))
		s.n++
		if s.part == 0 && end >= size/8 {
			s.part, s.partN = end, s.n
		}
		if end >= size {
			break
		}
	}
	s.bytes = s.bytes[:end]
	return s
}

// free releases the memory of the stream.
func (s *stream) free() {
	syscall.Munmap(s.bytes[:cap(s.bytes)])
	syscall.Munmap(s.sizes[:cap(s.sizes)])
}

// offHeap returns n bytes outside the heap of Go.
func offHeap(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	return b
}

// A feed reads bytes from memory several times. If piece is set, it is the size of the longest
// read.
type feed struct {
	bytes []byte
	rest  []byte
	times int
	piece int
	seed  uint32
}

func (f *feed) Read(p []byte) (n int, err error) {
	if f.piece > 0 {
		f.seed = f.seed*1664525 + 1013904223
		p = p[:min(len(p), 1+int(f.seed>>16)*f.piece>>16)]
	}
	for n < len(p) { // a read may continue at the start of the bytes
		if len(f.rest) == 0 {
			if f.times == 0 {
				break
			}
			f.times--
			f.rest = f.bytes
		}
		m := copy(p[n:], f.rest)
		f.rest = f.rest[m:]
		n += m
	}
	if n == 0 {
		err = io.EOF
	}
	return n, err
}
