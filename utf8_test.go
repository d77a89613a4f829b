package sse

import (
	"bytes"
	"testing"
)

// TestIndexNonASCII searches text of every length, with one byte that is not ASCII at every
// position within and after it, and another one after its end.
func TestIndexNonASCII(t *testing.T) {
	for n := range 400 {
		b := bytes.Repeat([]byte{0x7f}, n+8)
		b[n] = 0xff
		for at := range b {
			was := b[at]
			b[at] = 0x80
			if got, want := indexNonASCII(b[:n]), min(at, n); got != want {
				t.Fatalf("of %d bytes with one at %d: %d, want %d", n, at, got, want)
			}
			b[at] = was
		}
	}
}
