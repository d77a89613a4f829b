package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A growth is the time for 16 MiB, divided by that for 4 MiB.
type growth struct {
	line float64 // for a line in reads of 4 KiB
	copy float64 // for copying pieces of 4 KiB into memory of that size
}

// measureLines measures whether the time for a line is proportional to its length. It also measures
// copying, because 4 MiB may fit in a cache and 16 MiB may not. The first lines of a stream do not
// count, because the time to obtain memory for them depends on the system.
func measureLines(rounds int) growth {
	const first, lines = 4, 8
	part := bytes.Repeat([]byte("x"), 4<<10)
	line := func(n int) float64 {
		var stream []io.Reader
		for range lines {
			value := &feed{bytes: part, times: n / len(part)}
			stream = append(stream, strings.NewReader("data: "), value, strings.NewReader("\n\n"))
		}
		r := sse.NewReader(&shortReader{io.MultiReader(stream...), len(part)})
		var start time.Duration
		for i := range lines {
			if !r.Next() || len(r.Data()) != n {
				panic(fmt.Sprintf("line of %d bytes: got %d, error %v", n, len(r.Data()), r.Err()))
			}
			if i == first-1 {
				start = cpu()
			}
		}
		return float64(cpu() - start)
	}
	copies := func(n int) float64 {
		to := make([]byte, n)
		var start time.Duration
		for i := range lines {
			for rest := to; len(rest) > 0; {
				rest = rest[copy(rest, part):]
			}
			if i == first-1 {
				start = cpu()
			}
		}
		return float64(cpu() - start)
	}
	var all [2][]float64
	for range rounds {
		all[0] = append(all[0], line(16<<20)/line(4<<20))
		all[1] = append(all[1], copies(16<<20)/copies(4<<20))
	}
	return growth{median(all[0]), median(all[1])}
}

// A shortReader reads at most n bytes at a time.
type shortReader struct {
	r io.Reader
	n int
}

func (s *shortReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }
