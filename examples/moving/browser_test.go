package moving

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
)

func afterBrowser(ctx context.Context, url, _ string, handle func(typ, data string)) error {
	token := "secret"
	// snippet: browser-after
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &sse.Client{
		OnOpen:  func(resp *http.Response) { log.Print("open") },
		OnRetry: func(err error, wait time.Duration) { log.Print("reconnecting: ", err) },
	}
	for ev, err := range client.Stream(req).All() {
		if err != nil {
			return err // readyState is CLOSED
		}
		switch ev.Type {
		case "message", "order":
			handle(ev.Type, ev.Data)
		}
	}
	return nil
	// end
}
