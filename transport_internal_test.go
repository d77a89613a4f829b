package sse

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// In virtual time a timer is never late. The test therefore sets back the time at which it was due,
// which is what a suspended process finds when it continues.
func TestIdleTimerExtension(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, test := range []struct {
		name   string
		period time.Duration
		late   []time.Duration // of each time the timer fires
		want   []time.Duration // since start when it fires, and when it expires
	}{
		{"in time", 10 * s, nil, []time.Duration{9500 * ms, 10 * s}},
		{"a long period", time.Minute, nil, []time.Duration{59 * s, 60 * s}},
		{"a tiny period", 1, nil, []time.Duration{1}}, // without an extension
		{
			"a busy process", 10 * s, []time.Duration{500 * ms, 500 * ms},
			[]time.Duration{9500 * ms, 10 * s},
		},
		{
			"suspended before the timer fires", 10 * s, []time.Duration{501 * ms},
			[]time.Duration{9500 * ms, 12 * s},
		},
		{
			"suspended for an hour", time.Minute, []time.Duration{time.Hour},
			[]time.Duration{59 * s, 74 * s},
		},
		{
			"suspended during the extension", 10 * s, []time.Duration{0, time.Hour},
			[]time.Duration{9500 * ms, 10 * s, 12500 * ms},
		},
		{
			"suspended twice", 10 * s, []time.Duration{time.Hour, time.Hour},
			[]time.Duration{9500 * ms, 12 * s, 14500 * ms},
		},
		{
			"always late", 10 * s, slices.Repeat([]time.Duration{s}, 10),
			[]time.Duration{9500 * ms, 12 * s, 14500 * ms, 17 * s, 19500 * ms},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				expired := make(chan time.Duration, 1)
				timer := &idleTimer{period: test.period}
				timer.expire = func() { expired <- time.Since(start) }
				timer.start()
				var got []time.Duration
				for {
					timer.mu.Lock()
					late := time.Duration(0)
					if len(got) < len(test.late) {
						late = test.late[len(got)]
					}
					wait := time.Until(timer.due)
					timer.due = timer.due.Add(-late)
					timer.mu.Unlock()
					time.Sleep(wait)
					synctest.Wait()
					got = append(got, time.Since(start))
					timer.mu.Lock()
					over := timer.due.IsZero()
					timer.mu.Unlock()
					if over {
						break
					}
				}
				equal(t, "times", got, test.want)
				equal(t, "expired", <-expired, test.want[len(test.want)-1])
			})
		})
	}
}

// The timer may fire at the moment when a Read returns. It must not end the next Read.
func TestIdleTimerFiresAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timer := &idleTimer{period: time.Second, expire: func() { t.Error("expired") }}
		timer.start()
		time.Sleep(time.Second - 1)
		timer.stop()
		timer.fire()
		timer.start()
		timer.fire()
		time.Sleep(time.Second - 1)
		timer.stop()
		time.Sleep(time.Hour)
	})
}
