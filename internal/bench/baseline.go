package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

// baselines are programs that read, search or copy the stream, but do not parse it.
var baselines = []string{"passes", "scanner", "drain", "alloc"}

// baselineEntries returns the baselines for a stream.
func baselineEntries(s *stream) []*entry {
	all := float64(len(s.bytes))
	buf := make([]byte, 32<<10)
	entries := []*entry{
		{name: "passes", work: all, run: func() { passes(s.feed(len(s.bytes)), buf) }},
		{name: "drain", work: all, run: func() {
			for f := s.feed(len(s.bytes)); ; {
				if _, err := f.Read(buf); err != nil {
					return
				}
			}
		}},
		{name: "alloc", work: all, run: func() {
			for i := range s.n {
				s.last = string(s.bytes[:binary.LittleEndian.Uint32(s.sizes[4*i:])])
			}
		}},
	}
	if s.eol != "\r" { // a Scanner does not split at CR
		entries = append(entries, &entry{name: "scanner", work: all, run: func() {
			sc := bufio.NewScanner(s.feed(len(s.bytes)))
			sc.Buffer(nil, limit)
			for sc.Scan() {
			}
		}})
	}
	return entries
}

// passes reads r into buf and searches the bytes for everything that a parser must find: LF, CR and
// bytes that are not ASCII. It searches each byte only once for each of them.
func passes(r io.Reader, buf []byte) (lines int) {
	for {
		n, err := r.Read(buf)
		if err != nil {
			return lines
		}
		b := buf[:n]
		lf, cr, nonASCII := -1, -1, -1
		for pos := 0; pos < n; lines++ {
			if lf < pos {
				lf = pos + index(b[pos:], '\n')
			}
			if cr < pos {
				cr = pos + index(b[pos:], '\r')
			}
			if nonASCII < pos {
				nonASCII = pos + asciiPrefix(b[pos:])
			}
			pos = min(lf, cr) + 1
			for pos < n && b[pos] <= '\r' { // the LF of a CRLF, or a blank line
				pos++
			}
		}
	}
}

// index returns the index of the first c in b, or len(b) if there is none.
func index(b []byte, c byte) int {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return i
	}
	return len(b)
}

// asciiPrefix returns the number of ASCII bytes at the start of b, or up to 63 fewer.
func asciiPrefix(b []byte) int {
	n := 0
	for ; len(b) >= 64; n, b = n+64, b[64:] {
		x := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) |
			binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:]) |
			binary.LittleEndian.Uint64(b[32:]) | binary.LittleEndian.Uint64(b[40:]) |
			binary.LittleEndian.Uint64(b[48:]) | binary.LittleEndian.Uint64(b[56:])
		if x&0x8080808080808080 != 0 {
			return n
		}
	}
	return n + len(b)
}
