package inspect

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brief returns the ID, the kind and the data of each message.
func brief(h *history, c *cursor) []string {
	var all []string
	for {
		ev, ok, _ := h.next(c)
		if !ok {
			return all
		}
		all = append(all, fmt.Sprintf("%s %s %s", ev.ID, ev.Type, ev.Data))
	}
}

// after returns a cursor after the message with this ID.
func after(id string) *cursor {
	c := parseCursor(id)
	return &c
}

func TestHistoryNextResumes(t *testing.T) {
	t.Parallel()
	h := newHistory(1 << 20)
	if got := brief(h, after("")); got != nil {
		t.Errorf("before the first run: %q", got)
	}
	if got := brief(h, after("1.1")); got != nil {
		t.Errorf("before the first run, after an ID: %q", got)
	}
	h.begin(3)
	for i := 1; i <= 3; i++ {
		h.add(3, "event", "", i)
	}
	h.add(2, "event", "", "of the run before")
	all := []string{"3.1 event 1", "3.2 event 2", "3.3 event 3"}
	for id, want := range map[string][]string{
		"": all, "3.0": all, "3.1": all[1:], "3.2": all[2:], "3.3": nil,
		"2.1": all, "4.1": all, "3.4": all, // IDs of other runs, and one that does not exist
		"x": all, "3": all, "3.": all, "3.x": all, "-3.1": all, "3.-1": all, "3.1.1": all,
		"99999999999999999999.1": all,
	} {
		if diff := cmp.Diff(want, brief(h, after(id))); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", id, diff)
		}
	}
	c := after("3.2")
	brief(h, c)
	h.begin(4)
	h.add(4, "run", "run", "x")
	if diff := cmp.Diff([]string{`4.1 run "x"`}, brief(h, c)); diff != "" {
		t.Errorf("in the next run (-want +got):\n%s", diff)
	}
}

func TestHistoryNextReportsLostMessages(t *testing.T) {
	t.Parallel()
	h := newHistory(4 * (1 + messageOverhead))
	h.begin(1)
	h.add(1, "run", "run", 0)
	h.add(1, "state", "state", 1)
	h.add(1, "finding", "finding/a", 2)
	slow := after("")
	slow2 := after("1.3")
	for i := 3; i < 10; i++ {
		kind, key := "event", ""
		if i == 4 {
			kind, key = "state", "state"
		}
		h.add(1, kind, key, i)
	}
	rest := []string{"1.7 event 6", "1.8 event 7", "1.9 event 8", "1.10 event 9"}
	kept := []string{" finding 2", " state 4"}
	want := slices.Concat([]string{"1.1 run 0"}, kept, []string{`1.6 lost {"from":2,"to":6}`}, rest)
	if diff := cmp.Diff(want, brief(h, slow)); diff != "" {
		t.Errorf("for a page that is loaded (-want +got):\n%s", diff)
	}
	want = append([]string{" state 4", `1.6 lost {"from":4,"to":6}`}, rest...)
	if diff := cmp.Diff(want, brief(h, slow2)); diff != "" {
		t.Errorf("for a page that is slow (-want +got):\n%s", diff)
	}
	// Until the page has the ID of the message lost, it gets all of them again.
	want = slices.Concat(kept, []string{`1.6 lost {"from":2,"to":6}`}, rest)
	if diff := cmp.Diff(want, brief(h, after("1.1"))); diff != "" {
		t.Errorf("before the message lost (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(rest, brief(h, after("1.6"))); diff != "" {
		t.Errorf("after the message lost (-want +got):\n%s", diff)
	}
	if got := brief(h, slow); got != nil {
		t.Errorf("afterwards: %q", got)
	}
}

func TestHistoryNextIsLosslessWhileMessagesAreDropped(t *testing.T) {
	t.Parallel()
	h := newHistory(2 * (1 + messageOverhead))
	h.begin(1)
	h.add(1, "run", "run", 0)
	h.add(1, "state", "state", 1)
	h.add(1, "finding", "finding/a", 2)
	var got []string
	add := func() { h.add(1, "event", "", 3) }
	add()
	add()
	for c := after(""); len(got) < 4; add() { // each message that is read makes another one drop
		ev, ok, _ := h.next(c)
		if !ok {
			t.Fatalf("after %q: no message", got)
		}
		got = append(got, fmt.Sprintf("%s %s %s", ev.ID, ev.Type, ev.Data))
	}
	want := []string{"1.1 run 0", " state 1", " finding 2", `1.3 lost {"from":2,"to":3}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHistoryBoundsMemory(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	h := newHistory(limit)
	h.begin(1)
	for i := range 10_000 {
		h.add(1, "event", "", strings.Repeat("x", i%1000))
	}
	h.add(1, "event", "", strings.Repeat("x", 2*limit))
	size := 0
	for _, m := range h.messages {
		size += len(m.data)
	}
	if len(h.messages) != 1 || h.size != size+messageOverhead {
		t.Errorf("%d messages of %d bytes, size %d", len(h.messages), size, h.size)
	}
	for i := range 2000 {
		h.add(1, "event", fmt.Sprint(i%50), strings.Repeat("x", 1000))
	}
	if h.size > limit || len(h.kept) > 50 {
		t.Errorf("%d bytes, %d messages kept", h.size, len(h.kept))
	}
}

func TestHistoryServesSeveralReaders(t *testing.T) {
	t.Parallel()
	const n = 5000
	h := newHistory(1 << 30)
	h.begin(1)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			c := new(cursor)
			for i := 1; i <= n; {
				ev, ok, changed := h.next(c)
				if !ok {
					<-changed
					continue
				}
				if want := fmt.Sprint(i); ev.ID != "1."+want || ev.Data != want {
					t.Errorf("message %d: %+v", i, ev)
				}
				i++
			}
		})
	}
	for i := 1; i <= n; i++ {
		h.add(1, "event", "", i)
	}
	readers.Wait()
}
