package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// ticks sends the events of a series that has one every pace since the
// server began, and so needs no storage to replay: those after the client's
// last one, then each in its time, until f returns false.
func (s *streams) ticks(st *stream, pace time.Duration, f func(n int) bool) {
	now := func() int { return int(time.Since(s.start) / pace) }
	n := max(now(), 1)
	if last, err := strconv.Atoi(st.r.Header.Get("Last-Event-ID")); err == nil && last >= 0 && last <= now() {
		if n = last + 1; n < now()-maxReplay {
			n = now() - maxReplay
			st.comment("events before " + strconv.Itoa(n) + " are gone")
		}
	}
	for ; st.pause(time.Until(s.start.Add(time.Duration(n) * pace))); n++ {
		if !f(n) {
			return
		}
	}
}

func (s *streams) tick(n int, pace time.Duration) sse.Event {
	at := s.start.Add(time.Duration(n) * pace).UTC().Format(time.RFC3339Nano)
	ev := sse.Event{ID: strconv.Itoa(n), Type: "tick", Data: fmt.Sprintf(`{"n":%d,"at":%q}`, n, at)}
	if n%5 == 0 {
		ev.Type, ev.Data = "message", "event "+ev.ID+" has no type,\nand two lines"
	}
	return ev
}

// events ticks once a second.
func (s *streams) events(st *stream) {
	st.start()
	st.retry(2 * time.Second)
	s.ticks(st, time.Second, func(n int) bool {
		st.event(s.tick(n, time.Second))
		return true
	})
}

// unsteady ticks twice a second, and breaks off after a few events in a
// different way each time.
func (s *streams) unsteady(st *stream) {
	const pace = time.Second / 2
	connection := s.flaky.Add(1)
	if connection%4 == 3 {
		st.w.Header().Set("Retry-After", "1")
		http.Error(st.w, "down for a moment", http.StatusServiceUnavailable)
		return
	}
	st.start()
	st.retry(500 * time.Millisecond)
	left := 3 + connection%4
	s.ticks(st, pace, func(n int) bool {
		ev := s.tick(n, pace)
		if left--; left >= 0 {
			st.event(ev)
			return true
		}
		if connection%4 != 0 { // else a clean end, between two events
			st.part(ev)
		}
		if connection%4 == 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	})
}

// slow sends an event every few seconds, twenty bytes a second.
func (s *streams) slow(st *stream) {
	st.start()
	for n := 1; ; n++ {
		b, _ := sse.Event{ID: strconv.Itoa(n), Data: "this event came a byte at a time"}.Append(nil)
		for _, c := range b {
			if !st.pause(bytePace) {
				return
			}
			st.raw(string(rune(c)))
		}
	}
}

// big sends events of growing size, 10 MiB in all, and ends with 204.
func (s *streams) big(st *stream) {
	if st.r.Header.Get("Last-Event-ID") == "5" {
		st.w.WriteHeader(http.StatusNoContent)
		return
	}
	st.start()
	for i, size := range []int{1 << 10, 64 << 10, 1 << 20, 8 << 20} {
		st.event(sse.Event{ID: strconv.Itoa(i + 1), Type: "line", Data: strings.Repeat("0123456789abcdef", size/16)})
	}
	st.event(sse.Event{ID: "5", Type: "lines", Data: strings.Repeat("a line of sixty-four bytes, one of many that make up this event\n", 1<<14)})
}

// The paces at which words and bytes come.
var (
	wordPace = 40 * time.Millisecond
	bytePace = time.Second / 20
)
