package ssetest_test

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := []sse.Event{
			{ID: "1", Type: "message", Data: "a"},
			{ID: "2", Type: "message", Data: "b"},
			{ID: "3", Type: "message", Data: "c"},
		}
		srv := ssetest.NewMemoryServer(t,
			ssetest.Conn{
				ssetest.Send(want[:2]...),
				ssetest.Raw("id: 3\nda"),
				ssetest.Cut(),
			},
			ssetest.Conn{
				ssetest.WantHeader("Last-Event-ID", "2"),
				ssetest.Status(http.StatusServiceUnavailable, "Retry-After", "120"),
			},
			ssetest.Conn{
				ssetest.WantHeader("Last-Event-ID", "2"),
				ssetest.Send(want[2]),
			},
			ssetest.Conn{ssetest.Status(http.StatusNoContent)},
		)
		var got []sse.Event
		handle := func(ev sse.Event) { got = append(got, ev) }
		err := consume(t.Context(), srv.Client(), srv.URL, handle)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
		requests := srv.Requests()
		if wait := requests[2].Time.Sub(requests[1].Time); wait < 2*time.Minute {
			t.Errorf("reconnected after %v", wait)
		}
	})
}

func consume(ctx context.Context, c *http.Client, url string, handle func(sse.Event)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	stream := (&sse.Client{HTTPClient: c}).Stream(req)
	defer stream.Close()
	for stream.Next() {
		handle(stream.Event())
	}
	return stream.Err()
}

// TestDocMatchesCode checks that doc.go contains the functions above and that each
// of them has less than 40 lines.
func TestDocMatchesCode(t *testing.T) {
	source, err := os.ReadFile("doc_test.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"TestConsumer", "consume"} {
		_, code, ok := strings.Cut(string(source), "\nfunc "+name+"(")
		code, _, end := strings.Cut(code, "\n}\n")
		if !ok || !end {
			t.Fatalf("no function %s", name)
		}
		code = "func " + name + "(" + code + "\n}"
		lines := strings.Split(code, "\n")
		if len(lines) >= 40 {
			t.Errorf("%s has %d lines", name, len(lines))
		}
		if want := "//\t" + strings.Join(lines, "\n//\t") + "\n"; !strings.Contains(string(doc), want) {
			t.Errorf("doc.go does not contain the code of %s", name)
		}
	}
}
