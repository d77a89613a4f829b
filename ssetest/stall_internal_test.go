package ssetest

import (
	"testing"
	"testing/synctest"
	"time"
)

// A test on sockets must not hang for long, and a minute is too long for this test.
func TestStallLimit(t *testing.T) {
	if got := stallLimit(); got != time.Minute {
		t.Errorf("got %v, want a minute", got)
	}
	synctest.Test(t, func(t *testing.T) {
		if got := stallLimit(); got != 30*24*time.Hour {
			t.Errorf("in a bubble: got %v, want 30 days", got)
		}
	})
}
