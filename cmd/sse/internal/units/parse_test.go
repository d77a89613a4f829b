package units

import (
	"math"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "5m": 5 * time.Minute, "1.5": 1500 * time.Millisecond, "0": 0,
		"2":  2 * time.Second,
		"-1": -1, "": -1, "1e300": -1, "Inf": -1, "NaN": -1, "5 m": -1,
	} {
		got, err := ParseDuration(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"1": 1, "65536": 65536, "512k": 512 << 10, "512K": 512 << 10, "64MiB": 64 << 20,
		"1gb": 1 << 30, "2gb": 2 << 30, "none": -1,
		"0": 0, "-5": 0, "": 0, "k": 0, "99999999999999999999": 0, "1.5m": 0,
	} {
		if want > math.MaxInt {
			want = 0 // an int has 32 bits
		}
		got, err := ParseSize(s)
		if err != nil {
			got = 0
		}
		if int64(got) != want {
			t.Errorf("ParseSize(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
}
