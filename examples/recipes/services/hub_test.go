package services

import (
	"context"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: mercure
func followHub(
	ctx context.Context, hub, token, lastEventID string, topics []string, handle func(sse.Event),
) error {
	query := url.Values{"topic": topics}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hub+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Last-Event-ID", lastEventID)
	client := &sse.Client{
		IdleTimeout: 2 * time.Minute, // the hub sends a comment every 40 seconds
		OnOpen: func(r *http.Response) {
			want, got := r.Request.Header.Get("Last-Event-ID"), r.Header.Get("Last-Event-ID")
			if want != got {
				log.Printf("events after %s may be lost", want)
			}
		},
	}
	for ev, err := range client.Stream(req).All() {
		if err != nil {
			return err
		}
		handle(ev)
	}
	return nil
}

// end

func TestMercure(t *testing.T) {
	var logged strings.Builder
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.WantHeader("Authorization", "Bearer token"),
			ssetest.WantHeader("Last-Event-ID", "urn:uuid:1"),
			ssetest.Status(http.StatusOK, "Last-Event-ID", "urn:uuid:1"),
			ssetest.Retry(time.Millisecond),
			ssetest.Send(sse.Event{ID: "urn:uuid:2", Data: "a book"}),
		},
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "urn:uuid:2"),
			ssetest.Status(http.StatusOK, "Last-Event-ID", "earliest"),
			ssetest.Send(sse.Event{ID: "urn:uuid:7", Data: "a film"}),
		},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	topics := []string{"https://example.com/books/{id}", "https://example.com/films/{id}"}
	var got []string
	err := followHub(t.Context(), srv.URL, "token", "urn:uuid:1", topics, func(ev sse.Event) {
		got = append(got, ev.Data)
	})
	if err != nil || !slices.Equal(got, []string{"a book", "a film"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if got := srv.Requests()[0].URL.Query()["topic"]; !slices.Equal(got, topics) {
		t.Errorf("got topics %q, want %q", got, topics)
	}
	text := logged.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "events after urn:uuid:2 may") {
		t.Errorf("got log %q", text)
	}
}

// snippet: wikimedia
type change struct {
	Meta              struct{ Domain string }
	Type, Title, User string
}

func followChanges(ctx context.Context, baseURL, since string, handle func(change)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		baseURL+"/v2/stream/recentchange?since="+url.QueryEscape(since), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "ExampleBot/1.0 (https://example.com/bot)")
	client := &sse.Client{IdleTimeout: time.Minute}
	for c, err := range sse.Decode(client.Stream(req), sse.JSON[change]) {
		if err != nil {
			return err
		}
		if c.Meta.Domain != "canary" {
			handle(c)
		}
	}
	return nil
}

// end

func TestWikimedia(t *testing.T) {
	t.Parallel()
	const id = `[{"topic":"eqiad.mediawiki.recentchange","partition":0,"offset":7}]`
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.WantHeader("User-Agent", "ExampleBot/1.0 (https://example.com/bot)"),
			ssetest.WantNoHeader("Last-Event-ID"),
			ssetest.Retry(time.Millisecond),
			ssetest.Send(
				sse.Event{ID: id, Data: `{"meta":{"domain":"canary"}}`},
				sse.Event{ID: id, Data: `{"meta":{"domain":"de.wikipedia.org"},"title":"Rhein"}`},
			),
		},
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", id),
			ssetest.Status(http.StatusNoContent),
		},
	)
	var titles []string
	err := followChanges(t.Context(), srv.URL, "2026-11-01T00:00:00Z", func(c change) {
		titles = append(titles, c.Title)
	})
	if err != nil || !slices.Equal(titles, []string{"Rhein"}) {
		t.Errorf("got %q, %v", titles, err)
	}
	if got := srv.Requests()[0].URL.Query().Get("since"); got != "2026-11-01T00:00:00Z" {
		t.Errorf("got since=%s", got)
	}
}

// snippet: cursor
// cursorInQuery returns a function for Client.Prepare that sends the last event ID in the query.
func cursorInQuery(name string) func(*http.Request) error {
	return func(r *http.Request) error {
		if id := r.Header.Get("Last-Event-ID"); id != "" {
			query := r.URL.Query()
			query.Set(name, id)
			r.URL.RawQuery = query.Encode()
		}
		return nil
	}
}

// end

func TestCursorInQuery(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Retry(time.Millisecond), ssetest.Send(sse.Event{ID: "1 2", Data: "x"})},
		ssetest.Conn{ssetest.Send(sse.Event{ID: "3", Data: "y"})},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	client := &sse.Client{Prepare: cursorInQuery("last_event_id")}
	stream := client.Get(t.Context(), srv.URL+"/events?topic=a")
	defer stream.Close()
	for stream.Next() {
	}
	if err := stream.Err(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, r := range srv.Requests() {
		got = append(got, r.URL.RawQuery)
	}
	want := []string{"topic=a", "last_event_id=1+2&topic=a", "last_event_id=3&topic=a"}
	if !slices.Equal(got, want) {
		t.Errorf("got queries %q, want %q", got, want)
	}
}
