package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A growth is the CPU time for 16 MiB, divided by that for 4 MiB.
type growth struct {
	Line float64 // for a line in reads of 4 KiB
	Copy float64 // for copying pieces of 4 KiB into memory of that size
}

// measureLines measures whether the time for a line is proportional to its length. It also measures
// copying, because 4 MiB may fit in a cache and 16 MiB may not. The first lines of a stream do not
// count, because the time to obtain memory for them depends on the system.
func (p *plan) measureLines() *growth {
	short := p.size / 4
	if p.quick {
		short = 64 << 10
	}
	var line, copied []float64
	for range p.rounds {
		line = append(line, float64(timeLines(4*short))/float64(timeLines(short)))
		copied = append(copied, float64(timeCopies(4*short))/float64(timeCopies(short)))
	}
	return &growth{median(line), median(copied)}
}

const (
	firstLines = 4 // that do not count
	allLines   = 8
	pieceSize  = 4 << 10
)

// timeLines returns the CPU time to read lines with n bytes of data.
func timeLines(n int) time.Duration {
	part := bytes.Repeat([]byte("x"), pieceSize)
	var stream []io.Reader
	for range allLines {
		value := &feed{bytes: part, times: n / len(part)}
		stream = append(stream, strings.NewReader("data: "), value, strings.NewReader("\n\n"))
	}
	r := sse.NewReader(&shortReader{io.MultiReader(stream...), pieceSize})
	var start time.Duration
	for i := range allLines {
		if !r.Next() || len(r.Data()) != n {
			panic(fmt.Sprintf("line of %d bytes: got %d, error %v", n, len(r.Data()), r.Err()))
		}
		if i == firstLines-1 {
			start = cpu()
		}
	}
	return max(cpu()-start, time.Microsecond)
}

// timeCopies returns the CPU time to copy as many bytes as timeLines reads.
func timeCopies(n int) time.Duration {
	part := bytes.Repeat([]byte("x"), pieceSize)
	to := make([]byte, n)
	var start time.Duration
	for i := range allLines {
		for rest := to; len(rest) > 0; {
			rest = rest[copy(rest, part):]
		}
		if i == firstLines-1 {
			start = cpu()
		}
	}
	return max(cpu()-start, time.Microsecond)
}
