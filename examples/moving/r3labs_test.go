package moving

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	r3labs "github.com/r3labs/sse/v2"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func beforeR3labs(
	ctx context.Context, url, token string, handle func(typ, data string),
) error {
	// snippet: r3labs-before
	client := r3labs.NewClient(url)
	client.Headers["Authorization"] = "Bearer " + token
	err := client.SubscribeRawWithContext(ctx, func(ev *r3labs.Event) {
		handle(string(ev.Event), string(ev.Data))
	})
	// end
	return err
}

func afterR3labs(ctx context.Context, url, token string, handle func(typ, data string)) error {
	// snippet: r3labs-after
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &sse.Client{IdleTimeout: time.Minute}
	for ev, err := range client.Stream(req).All() {
		if err != nil {
			return err
		}
		handle(ev.Type, ev.Data)
	}
	return nil
	// end
}

func TestR3labsEndsAtACleanEnd(t *testing.T) {
	ended := ssetest.Conn{ssetest.Retry(time.Millisecond), ssetest.Send(sse.Event{Data: "a"})}
	got, err := events(t, beforeR3labs, ssetest.NewServer(t, ended).URL, 2)
	if len(got) != 1 || err != nil {
		t.Errorf("before: got %q, %v, want one event and no error", got, err)
	}
	if got, _ := events(t, afterR3labs, ssetest.NewServer(t, ended, ended).URL, 2); len(got) != 2 {
		t.Errorf("after: got %q, want two events", got)
	}
}

func TestR3labsEmptyType(t *testing.T) {
	conn := ssetest.Conn{ssetest.Send(sse.Event{Data: "a"}), ssetest.Stall()}
	if got, _ := events(t, beforeR3labs, ssetest.NewServer(t, conn).URL, 1); got[0] != " a" {
		t.Errorf("before: got %q", got)
	}
	if got, _ := events(t, afterR3labs, ssetest.NewServer(t, conn).URL, 1); got[0] != "message a" {
		t.Errorf("after: got %q", got)
	}
}

func TestR3labsDeliversCutEvents(t *testing.T) {
	cut := ssetest.Conn{
		ssetest.Retry(time.Millisecond),
		ssetest.Raw("id: 1\ndata: a\n\nid: 2\ndata: par"),
		ssetest.Cut(),
	}
	srv := ssetest.NewServer(t, cut, ssetest.Conn{
		ssetest.WantHeader("Last-Event-ID", "2"), ssetest.Send(sse.Event{ID: "3", Data: "c"}),
	})
	if got, _ := events(t, beforeR3labs, srv.URL, 3); strings.Join(got, ",") != " a, par, c" {
		t.Errorf("before: got %q", got)
	}
	srv = ssetest.NewServer(t, cut, ssetest.Conn{
		ssetest.WantHeader("Last-Event-ID", "1"), ssetest.Send(sse.Event{ID: "2", Data: "part"}),
	})
	got, _ := events(t, afterR3labs, srv.URL, 2)
	if strings.Join(got, ",") != "message a,message part" {
		t.Errorf("after: got %q", got)
	}
}

func TestR3labsLargeEvent(t *testing.T) {
	conn := ssetest.Conn{ssetest.Send(large), ssetest.Stall()}
	client := r3labs.NewClient(ssetest.NewServer(t, conn).URL)
	client.ReconnectStrategy = noRetry{}
	err := client.SubscribeRawWithContext(t.Context(), func(*r3labs.Event) {
		t.Error("before: the event was delivered")
	})
	if err == nil || err.Error() != "bufio.Scanner: token too long" {
		t.Errorf("before: error %v", err)
	}
	if got, _ := events(t, afterR3labs, ssetest.NewServer(t, conn).URL, 1); len(got) != 1 {
		t.Errorf("after: got %d events", len(got))
	}
}

// noRetry is a backoff policy that never retries.
type noRetry struct{}

func (noRetry) NextBackOff() time.Duration { return -1 }
func (noRetry) Reset()                     {}
