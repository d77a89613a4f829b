package serve

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
)

// startServer starts a server whose series began an hour ago, and returns its URL.
func startServer(t *testing.T) string {
	t.Helper()
	start := time.Now().Add(-time.Hour)
	s := httptest.NewServer(NewHandler(start, Paces{time.Millisecond, time.Millisecond},
		io.Discard))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

func get(t *testing.T, url, id string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestEventsResumeAfterLastEventID(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	r := sse.NewReader(get(t, url+"/events", "3000").Body)
	for n := 3001; n < 3500; n++ {
		if !r.Next() || r.Event().ID != strconv.Itoa(n) ||
			(n%5 == 0) != (r.Event().Type == "message") {
			t.Fatalf("event %d: %+v, %v", n, r.Event(), r.Err())
		}
	}
	var comment string
	r = sse.NewReader(get(t, url+"/events", "5").Body)
	r.OnComment = func(text string) { comment = text }
	if !r.Next() || comment != " events before "+r.Event().ID+" are gone" {
		t.Errorf("after a long time: %+v, comment %q", r.Event(), comment)
	}
	for _, id := range []string{"", "nonsense", "99999999", "-1"} {
		r = sse.NewReader(get(t, url+"/events", id).Body)
		if !r.Next() || len(r.Event().ID) != 4 {
			t.Errorf("after id %q: %+v", id, r.Event())
		}
	}
}

func TestBigSendsAllSizes(t *testing.T) {
	t.Parallel()
	url := startServer(t) + "/big"
	r := sse.NewReader(get(t, url, "").Body)
	var sizes []int
	for r.Next() {
		sizes = append(sizes, len(r.Event().Data))
	}
	if diff := cmp.Diff([]int{1 << 10, 64 << 10, 1 << 20, 8 << 20, 1 << 20}, sizes); diff != "" ||
		r.Err() != nil {
		t.Errorf("sizes (-want +got):\n%s%v", diff, r.Err())
	}
	if resp := get(t, url, r.LastEventID()); resp.StatusCode != http.StatusNoContent {
		t.Errorf("afterwards: %s", resp.Status)
	}
}

func TestWeirdHasDescribedEvents(t *testing.T) {
	t.Parallel()
	url := startServer(t) + "/weird"
	r := sse.NewReader(get(t, url, "").Body)
	var got []sse.Event
	for r.Next() {
		got = append(got, r.Event())
	}
	if r.Err() != io.ErrUnexpectedEOF {
		t.Errorf("the end: %v, want io.ErrUnexpectedEOF", r.Err())
	}
	ev := func(id, typ, data string) sse.Event { return sse.Event{ID: id, Type: typ, Data: data} }
	want := []sse.Event{
		ev("", "message", "this event ends with carriage returns alone"),
		ev("", "message", "and this one with CRLF"),
		ev("", "message", "no space after the colon"),
		ev("", "message", " of two spaces one is dropped"),
		ev("", "message", "\ta tab is not"),
		ev("", "message", ""),
		ev("", "message", "a line ends at CR,\nat CRLF,\nand at LF"),
		ev("", "message", "not at U+0085 (\u0085), U+2028 (\u2028), VT (\v) or FF (\f)"),
		ev("", "message", "the type of the block before is forgotten"),
		ev("", "odd type: with a colon", "a type may hold nearly anything"),
		ev("id with spaces ", "message", "so may an id; its space at the end stays"),
		ev("id with spaces ", "message", "an id stays until the next one"),
		ev("id with spaces ", "message", "an id with NUL in it is ignored"),
		ev("id-only", "message", "the block before had only an id, and it counts"),
		ev("", "message", "an empty id resets it"),
		ev("", "message", "names are exact, the rest is ignored"),
		ev("", "message",
			"NUL (\x00) stays, invalid bytes (\ufffd \ufffd( \ufffd\ufffd\ufffd) become U+FFFD"),
		ev("", "message", "only one of the four retry fields counted"),
		ev("", "message",
			"control characters: \x1b[31mred?\x1b[m \x07 \x7f \u009b31m \u202eesrever"),
		ev("end", "message", "the next one is cut off, and must not be seen"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if d, ok := r.Retry(); !ok || d != 2*time.Second {
		t.Errorf("retry = %v, %v", d, ok)
	}
	if resp := get(t, url, "end"); resp.StatusCode != http.StatusNoContent {
		t.Errorf("afterwards: %s", resp.Status)
	}
}

// Clients of OpenAI look at the field object, clients of Anthropic at the event type and the field
// type.
func TestLLMEventTypes(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	r := sse.NewReader(get(t, url+"/llm?shape=anthropic", "").Body)
	var types []string
	for r.Next() {
		var v struct{ Type string }
		if err := json.Unmarshal([]byte(r.Event().Data), &v); err != nil ||
			v.Type != r.Event().Type {
			t.Errorf("event %+v: type %q, %v", r.Event(), v.Type, err)
		}
		if n := len(types); n == 0 || types[n-1] != v.Type {
			types = append(types, v.Type)
		}
	}
	want := []string{
		"message_start", "content_block_start", "ping", "content_block_delta", "content_block_stop",
		"message_delta", "message_stop",
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	r = sse.NewReader(get(t, url+"/llm", "").Body)
	last := ""
	for r.Next() {
		if last = r.Event().Data; last != "[DONE]" &&
			!strings.Contains(last, `"object":"chat.completion.chunk"`) {
			t.Errorf("event %q", last)
		}
	}
	if last != "[DONE]" {
		t.Errorf("the last event is %q", last)
	}
}

func TestHandlerAllowsOtherOrigins(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	req, err := http.NewRequest(http.MethodOptions, url+"/llm", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent ||
		resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

func TestHandlerLimitsStreams(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	for range maxStreams {
		if resp := get(t, url+"/events", ""); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
	}
	resp := get(t, url+"/events", "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %s", resp.Status)
	}
}
