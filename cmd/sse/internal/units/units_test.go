package units

import (
	"testing"
	"time"
)

func TestDurationAndBytes(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-1: "0s", 0: "0s", 812 * time.Microsecond: "812µs", time.Millisecond: "1ms",
		1530 * time.Microsecond: "1.53ms", 12345 * time.Microsecond: "12.3ms",
		250 * time.Millisecond: "250ms", 1530 * time.Millisecond: "1.53s", 59 * time.Second: "59s",
		time.Minute: "1m00s", 250 * time.Second: "4m10s",
		185 * time.Minute: "3h05m", 50 * time.Hour: "2d02h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("short(%d) = %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 kB",
		1234567: "1.23 MB", 999999: "1 MB", 5e15: "5000 TB"} {
		if got := Bytes(n); got != want {
			t.Errorf("byteSize(%d) = %s, want %s", n, got, want)
		}
	}
}
