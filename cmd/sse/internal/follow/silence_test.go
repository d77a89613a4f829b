package follow

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestSilenceReportsDoublingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan time.Duration, 10)
		s := newSilence(30*time.Second, func(d time.Duration) { reports <- d })
		pass := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		pass(time.Hour) // not started
		s.reset()
		for range 3 {
			pass(29 * time.Second)
			s.reset()
		}
		if n := len(reports); n > 0 {
			t.Errorf("%d reports before 30 seconds of silence", n)
		}
		pass(130 * time.Second) // reports after 30, 60 and 120 seconds
		s.reset()
		pass(239 * time.Second)
		s.reset()
		pass(240 * time.Second)
		s.stop()
		pass(time.Hour)
		close(reports)
		var got []time.Duration
		for d := range reports {
			got = append(got, d)
		}
		want := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute}
		if !slices.Equal(got, want) {
			t.Errorf("reported after %v, want %v", got, want)
		}
	})
}
