package units

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration parses a duration such as 1.5s or 2m, or a number of seconds as curl takes it.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	f, floatErr := strconv.ParseFloat(s, 64)
	if floatErr == nil && f < math.MaxInt64/float64(time.Second) {
		d, err = time.Duration(f*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, errors.New("want a duration such as 90s, 5m or 1.5 (seconds)")
	}
	return d, nil
}

// ParseSize parses a number of bytes, which may end in k, m or g (powers of 1024). The text "none"
// stands for -1.
func ParseSize(s string) (int, error) {
	if s == "none" {
		return -1, nil
	}
	digits := strings.TrimRight(strings.ToLower(s), "ib")
	shift := 0
	for i, unit := range []string{"k", "m", "g"} {
		if d, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = d, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt>>shift {
		return 0, errors.New("want a size such as 65536, 512k or 64MiB, or none")
	}
	return int(n) << shift, nil
}
