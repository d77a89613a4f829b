package ssetest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

func TestReplayIsLossless(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv, want := replayServer(t, newServer, 200)
		var got []sse.Event
		if err := resume(t.Context(), srv, func(ev sse.Event) { got = append(got, ev) }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkReplay(b *testing.B) {
	b.ReportAllocs()
	srv, _ := replayServer(b, NewMemoryServer, b.N)
	if err := resume(b.Context(), srv, func(sse.Event) {}); err != nil {
		b.Fatal(err)
	}
}
