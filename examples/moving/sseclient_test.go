package moving

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func afterSSEClient(ctx context.Context, url, token string, handle func(typ, data string)) error {
	var lastID string
	// snippet: sseclient-after
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
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

func afterSSEClientPy(client *http.Client, req *http.Request, handle func(typ, data string)) error {
	// snippet: sseclient-py-after
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := sse.DefaultCheckResponse(resp); err != nil {
		return err
	}
	for ev, err := range sse.NewReader(resp.Body).All() {
		if err != nil {
			return err
		}
		handle(ev.Type, ev.Data)
	}
	return nil
	// end
}

func TestSSEClientPy(t *testing.T) {
	follow := func(script ...ssetest.Step) (got []string, err error) {
		srv := ssetest.NewServer(t, ssetest.Conn(script))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = afterSSEClientPy(http.DefaultClient, req, func(typ, data string) {
			got = append(got, typ+" "+data)
		})
		return got, err
	}
	got, err := follow(ssetest.Raw("data:  a\n\ndata: b"))
	if !slices.Equal(got, []string{"message  a"}) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = follow(ssetest.Status(http.StatusForbidden))
	var refused *sse.ResponseError
	if !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}
