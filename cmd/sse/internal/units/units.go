// Package units formats and parses durations and sizes.
package units

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Plural returns n and the noun, such as "1 event" or "2 events".
func Plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// Duration formats d with at most three digits or two units, such as 12ms, 1.53s, 4m10s or 3h05m.
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + "µs"
	case d < time.Second:
		return Number(d.Seconds()*1000) + "ms"
	case d < time.Minute:
		return Number(d.Seconds()) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// Bytes formats a number of bytes with at most three digits, such as 1.23 MB.
func Bytes(n int64) string {
	if n < 1000 {
		return Plural(int(n), "byte")
	}
	f, unit := float64(n), 0
	for f >= 999.5 && unit < 4 {
		f, unit = f/1000, unit+1
	}
	return Number(f) + " " + []string{"", "kB", "MB", "GB", "TB"}[unit]
}

// Number formats f with as many decimals as three digits allow, without zeros at the end, such as
// 0.5, 42.1 or 1234.
func Number(f float64) string {
	precision := 0
	switch {
	case f < 9.995:
		precision = 2
	case f < 99.95:
		precision = 1
	}
	s := strconv.FormatFloat(f, 'f', precision, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
