package inspect

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// openRelay opens the relay of a page.
func openRelay(t *testing.T, page, lastEventID string) *sse.Reader {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", page+"relay", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", lastEventID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return sse.NewReader(resp.Body)
}

// readIDs reads n events and returns their IDs.
func readIDs(t *testing.T, r *sse.Reader, n int) []string {
	t.Helper()
	var ids []string
	for range n {
		if !r.Next() {
			t.Fatalf("after %q: %v", ids, r.Err())
		}
		ids = append(ids, string(r.ID()))
	}
	return ids
}

func TestRelayResumesWithoutLoss(t *testing.T) {
	t.Parallel()
	s, page := serve(t, newOptions())
	first := openRelay(t, page, "")
	s.history.begin(7)
	for i := range 4 {
		s.history.add(7, "event", "", i)
	}
	all := []string{"7.1", "7.2", "7.3", "7.4"}
	if diff := cmp.Diff(all, readIDs(t, first, 4)); diff != "" {
		t.Errorf("a page that was open (-want +got):\n%s", diff)
	}
	if d, ok := first.Retry(); !ok || d != relayRetry {
		t.Errorf("reconnection time %v, %t", d, ok)
	}
	for id, want := range map[string][]string{"": all, "7.2": all[2:], "6.2": all} {
		if diff := cmp.Diff(want, readIDs(t, openRelay(t, page, id), len(want))); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", id, diff)
		}
	}
	last := openRelay(t, page, "7.4")
	s.history.add(7, "event", "", 5)
	for _, r := range []*sse.Reader{first, last} {
		if diff := cmp.Diff([]string{"7.5"}, readIDs(t, r, 1)); diff != "" {
			t.Errorf("a new message (-want +got):\n%s", diff)
		}
	}
}

func TestRelayKeepsConnectionAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t.Context(), newOptions(), Form{})
		transport := ssetest.NewTransport(t, http.HandlerFunc(s.relay))
		resp, err := (&http.Client{Transport: transport}).Get("http://sse.test/relay")
		if err != nil {
			t.Fatal(err)
		}
		start, comments := time.Now(), 0
		r := sse.NewReader(resp.Body)
		r.OnComment = func(string) {
			if comments++; comments == 10 {
				resp.Body.Close()
			}
		}
		if r.Next() || time.Since(start) != 10*keepAlive {
			t.Errorf("%d comments in %v", comments, time.Since(start))
		}
	})
}

func TestSlowPageBlocksNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const messages, size = 5000, 1000
		o := newOptions()
		o.Memory = 200 * size
		s := newServer(t.Context(), o, Form{})
		transport := ssetest.NewTransport(t, http.HandlerFunc(s.relay))
		resp, err := (&http.Client{Transport: transport}).Get("http://sse.test/relay")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		s.history.begin(1)
		for i := 1; i <= messages; i++ {
			s.history.add(1, kindEvent, "", strings.Repeat("x", size))
			if i%100 == 0 {
				synctest.Wait() // the relay has sent what fits in the buffers of the connection
			}
		}
		if s.history.size > s.history.limit {
			t.Errorf("the history has %d bytes, want at most %d", s.history.size, s.history.limit)
		}
		number, skipped := 0, 0
		for r := sse.NewReader(resp.Body); number < messages && r.Next(); {
			if r.Type() != kindLost {
				number++
			} else {
				m := decode(t, r.Event())
				if m.data["from"] != float64(number+1) {
					t.Errorf("after message %d: %v", number, m.data)
				}
				skipped += int(m.data["to"].(float64)) - number
				number = int(m.data["to"].(float64))
			}
			if want := fmt.Sprint("1.", number); string(r.ID()) != want {
				t.Fatalf("message %s, want %s", r.ID(), want)
			}
		}
		if number != messages || skipped < messages/2 {
			t.Errorf("%d of %d messages were skipped", skipped, number)
		}
	})
}
