package moving

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	eventsource "github.com/donovanhide/eventsource"

	"github.com/seed-0d85b69d/sse"
)

func beforeDonovanhide(
	ctx context.Context, url, token string, handle func(typ, data string),
) error {
	// snippet: donovanhide-before
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	stream, err := eventsource.SubscribeWithRequest("", req)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		select {
		case ev := <-stream.Events:
			handle(ev.Event(), ev.Data())
		case <-stream.Errors: // the stream reconnects
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// end
}

func afterDonovanhide(
	ctx context.Context, url, token string, handle func(typ, data string),
) error {
	// snippet: donovanhide-after
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

func TestDonovanhideSendsTokenToAnotherHost(t *testing.T) {
	defer func(f func(*http.Request, []*http.Request) error) {
		http.DefaultClient.CheckRedirect = f
	}(http.DefaultClient.CheckRedirect)
	var token string
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token = r.Header.Get("Authorization")
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write([]byte("data: a\n\n"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer target.Close()
	defer target.CloseClientConnections()
	other := strings.Replace(target.URL, "127.0.0.1", "localhost", 1)
	srv := httptest.NewServer(http.RedirectHandler(other, http.StatusFound))
	defer srv.Close()

	if events(t, beforeDonovanhide, srv.URL, 1); token == "" {
		t.Error("before: the token was not sent")
	}
	if http.DefaultClient.CheckRedirect == nil {
		t.Error("before: http.DefaultClient is not changed")
	}
	http.DefaultClient.CheckRedirect = nil
	if events(t, afterDonovanhide, srv.URL, 1); token != "" {
		t.Errorf("after: the other host received %q", token)
	}
}
