package eventlog

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
)

func TestLogServesEventsAfterLastEventID(t *testing.T) {
	log := new(Log)
	log.Grow(30)
	srv := httptest.NewServer(log)
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "10")
	s := new(sse.Client).Stream(req)
	defer s.Close()
	check := Checker{Last: 10}
	for check.Last < 40 && s.Next() {
		check.Add(s.Event())
		if check.Last == 30 {
			log.Grow(40)
		}
	}
	check.Finish(40)
	if want := (Checker{Last: 40, Received: 30}); check != want {
		t.Errorf("received %+v, want %+v; Err() = %v", check, want, s.Err())
	}
}

func TestCheckerCountsFaults(t *testing.T) {
	var check Checker
	for _, n := range []int{1, 2, 2, 1, 5, 6} {
		check.Add(Event(n))
	}
	damaged := Event(7)
	damaged.Data += "?"
	check.Add(damaged)
	check.Finish(8)
	want := Checker{Last: 6, Received: 7, Lost: 2 + 2, Repeated: 2, Damaged: 1}
	if check != want {
		t.Errorf("got %+v, want %+v", check, want)
	}
}

func TestLogWaitEndsWithDone(t *testing.T) {
	done := make(chan struct{})
	close(done)
	if n, ok := new(Log).Wait(0, done); n != 0 || ok {
		t.Errorf("Wait = %d, %v, want 0, false", n, ok)
	}
}

func TestLogFollowsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(Log)
		schedule := Schedule{Begin: time.Now(), Period: time.Second, Last: 5}
		go log.Follow(schedule, nil)
		for n := range 8 {
			synctest.Wait()
			if want := min(n, 5); log.Len() != want || schedule.Len() != want {
				t.Errorf("after %d s: log %d, schedule %d, want %d",
					n, log.Len(), schedule.Len(), want)
			}
			time.Sleep(time.Second)
		}
	})
}
