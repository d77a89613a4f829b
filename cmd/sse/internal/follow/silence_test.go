package follow

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestSilenceReportsDoublingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []time.Duration
		s := newSilence(30*time.Second, func(d time.Duration) { got = append(got, d) })
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
		if got != nil {
			t.Errorf("reported after %v, want nothing", got)
		}
		pass(130 * time.Second) // reports after 30, 60 and 120 seconds
		s.reset()
		pass(239 * time.Second)
		s.reset()
		pass(240 * time.Second)
		s.stop()
		pass(time.Hour)
		want := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute}
		if !slices.Equal(got, want) {
			t.Errorf("reported after %v, want %v", got, want)
		}
	})
}
