package moving

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/examples/internal/snippet"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestSnippets(t *testing.T) {
	snippet.Check(t, "../../docs/moving.md")
}

// A follower is the code of one side of the page. It calls handle for each event.
type follower func(ctx context.Context, url, token string, handle func(typ, data string)) error

// events follows a stream until a handler has been called for n events or follow returns. It
// returns the types and the data.
func events(t *testing.T, follow follower, url string, n int) (got []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = follow(ctx, url, "secret", func(typ, data string) {
		if got = append(got, typ+" "+data); len(got) == n {
			cancel()
		}
	})
	return got, err
}

// resume is a script: the first connection is cut after an event, and the second one continues.
func resume() []http.Handler {
	return []http.Handler{
		ssetest.Conn{
			ssetest.WantHeader("Authorization", "Bearer secret"),
			ssetest.Retry(time.Millisecond),
			ssetest.Send(sse.Event{ID: "1", Type: "order", Data: "a"}),
			ssetest.Cut(),
		},
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "1"),
			ssetest.Send(sse.Event{ID: "2", Type: "order", Data: "b"}),
			ssetest.Stall(),
		},
	}
}

// TestBothSidesResume runs both sides of each section that follows a stream.
func TestBothSidesResume(t *testing.T) {
	for name, follow := range map[string]follower{
		"r3labs before":       beforeR3labs,
		"r3labs after":        afterR3labs,
		"tmaxmax before":      beforeTmaxmax,
		"tmaxmax after":       afterTmaxmax,
		"launchdarkly before": beforeLaunchDarkly,
		"launchdarkly after":  afterLaunchDarkly,
		"donovanhide before":  beforeDonovanhide,
		"donovanhide after":   afterDonovanhide,
		"browser after":       afterBrowser,
		"sseclient after":     afterSSEClient,
	} {
		t.Run(name, func(t *testing.T) {
			srv := ssetest.NewServer(t, resume()...)
			got, _ := events(t, follow, srv.URL, 2)
			if want := []string{"order a", "order b"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// large is an event with a line that is longer than the limit of a bufio.Scanner.
var large = sse.Event{Data: strings.Repeat("x", 70_000)}
