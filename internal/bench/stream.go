package main

import (
	"encoding/binary"
	"io"
	"syscall"
)

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

// stream generates the stream of a workload with at least size bytes. The caller must free it.
func (w workload) stream(size int) *stream {
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

// feed returns a reader of the first n bytes of the stream.
func (s *stream) feed(n int) *feed { return &feed{bytes: s.bytes[:n], times: 1, piece: s.piece} }

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

// A shortReader reads at most n bytes at a time.
type shortReader struct {
	r io.Reader
	n int
}

func (s *shortReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }
