package moving

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	eventsource "github.com/launchdarkly/eventsource"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func beforeLaunchDarkly(
	ctx context.Context, url, token string, handle func(typ, data string),
) error {
	// snippet: launchdarkly-before
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	stream, err := eventsource.SubscribeWithRequestAndOptions(req,
		eventsource.StreamOptionReadTimeout(time.Minute),
		eventsource.StreamOptionUseBackoff(30*time.Second),
		eventsource.StreamOptionUseJitter(0.5),
		eventsource.StreamOptionErrorHandler(func(err error) eventsource.StreamErrorHandlerResult {
			var refused eventsource.SubscriptionError
			final := errors.As(err, &refused) && refused.Code < 500
			return eventsource.StreamErrorHandlerResult{CloseNow: final}
		}))
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		select {
		case ev, ok := <-stream.Events:
			if !ok {
				return errors.New("the stream was closed")
			}
			handle(ev.Event(), ev.Data())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// end
}

func afterLaunchDarkly(
	ctx context.Context, url, token string, handle func(typ, data string),
) error {
	// snippet: launchdarkly-after
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

func TestLaunchDarklyRetries204(t *testing.T) {
	ended := ssetest.Conn{ssetest.Retry(time.Millisecond), ssetest.Send(sse.Event{Data: "a"})}
	stop := ssetest.Conn{ssetest.Status(http.StatusNoContent)}

	var codes []int
	req, err := http.NewRequest(http.MethodGet, ssetest.NewServer(t, ended, stop, stop).URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler := func(err error) eventsource.StreamErrorHandlerResult {
		var refused eventsource.SubscriptionError
		if errors.As(err, &refused) {
			codes = append(codes, refused.Code)
		}
		return eventsource.StreamErrorHandlerResult{CloseNow: len(codes) == 2}
	}
	stream, err := eventsource.SubscribeWithRequestAndOptions(req,
		eventsource.StreamOptionErrorHandler(handler))
	if err != nil {
		t.Fatal(err)
	}
	for range stream.Events {
	}
	if len(codes) != 2 || codes[0] != 204 || codes[1] != 204 {
		t.Errorf("before: refused with %d, want 204 twice", codes)
	}

	got, err := events(t, afterLaunchDarkly, ssetest.NewServer(t, ended, stop).URL, 2)
	if len(got) != 1 || err != nil {
		t.Errorf("after: got %q, %v, want one event and no error", got, err)
	}
}

func TestLaunchDarklyDeliversBlocksWithoutData(t *testing.T) {
	conn := ssetest.Conn{ssetest.Raw("event: ping\n\ndata: a\n\n"), ssetest.Stall()}
	got, _ := events(t, beforeLaunchDarkly, ssetest.NewServer(t, conn).URL, 2)
	if strings.Join(got, ",") != "ping , a" {
		t.Errorf("before: got %q", got)
	}
	got, _ = events(t, afterLaunchDarkly, ssetest.NewServer(t, conn).URL, 1)
	if strings.Join(got, ",") != "message a" {
		t.Errorf("after: got %q", got)
	}
}

func TestLaunchDarklyAcceptsHTML(t *testing.T) {
	page := ssetest.Conn{
		ssetest.Do(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
		}),
		ssetest.Raw("<h1>Sign in</h1>\n"),
	}
	stream, err := eventsource.SubscribeWithURL(ssetest.NewServer(t, page).URL)
	if err != nil {
		t.Errorf("before: %v", err)
	} else {
		stream.Close()
	}
	_, err = events(t, afterLaunchDarkly, ssetest.NewServer(t, page).URL, 1)
	var refused *sse.ResponseError
	if !errors.As(err, &refused) {
		t.Errorf("after: %v", err)
	}
}
