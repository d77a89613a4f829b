package troubleshooting

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// TestCheck verifies that the checker finds what the page says that it finds.
func TestCheck(t *testing.T) {
	header := func(key, value string) ssetest.Step {
		return ssetest.Do(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(key, value)
		})
	}
	for rule, conn := range map[string]ssetest.Conn{
		"no-blank-line":             {ssetest.Raw("data: a\ndata: b\n"), ssetest.Stall()},
		"no-line-ending":            {ssetest.Raw("data: a"), ssetest.Stall()},
		"misspelled-field":          {ssetest.Raw("Data: a\n\n")},
		"malformed-line":            {ssetest.Raw("{\"error\": \"quota\"}\n")},
		"event-without-data":        {ssetest.Raw("event: a\n\n")},
		"stream-ended":              {event},
		"empty-body":                {},
		"no-ids":                    {event},
		"event-without-id":          {ssetest.Send(sse.Event{ID: "1", Data: "a"}), event},
		"duplicate-id":              {ssetest.Raw("id: 1\ndata: a\n\nid: 1\ndata: b\n\n")},
		"connection-lost":           {event, ssetest.Cut()},
		"incomplete-event":          {ssetest.Raw("data: a\n")},
		"content-length":            {header("Content-Length", "9"), event},
		"missing-x-accel-buffering": {event},
		"compressed":                {ssetest.Gzip(), event},
		"cacheable":                 {header("Cache-Control", "max-age=60"), event},
		"content-type":              {header("Content-Type", "text/html"), event},
		"silence": {
			event, ssetest.Sleep(50 * time.Second), event,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ssetest.NewMemoryServer(t, conn)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := srv.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				report := ssetest.Check(ctx, resp, 1<<20)
				var rules []string
				for _, f := range report.Findings {
					if f.Rule == rule {
						return
					}
					rules = append(rules, f.Rule)
				}
				t.Errorf("findings %q, want %s", rules, rule)
			})
		})
	}
}
