package troubleshooting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/examples/internal/snippet"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestSnippets(t *testing.T) {
	snippet.Check(t, "../../docs/troubleshooting.md")
}

type Chunk struct{ Text string }

func newRequest(t *testing.T, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// read reads a stream to its end and returns the data of its events.
func read(stream *sse.Stream) (data []string, err error) {
	for stream.Next() {
		data = append(data, stream.Event().Data)
	}
	return data, stream.Err()
}

var event = ssetest.Send(sse.Event{Data: "a"})

func TestNilError(t *testing.T) {
	for name, test := range map[string]struct {
		method string
		conn   ssetest.Conn
	}{
		"204":           {http.MethodGet, ssetest.Conn{ssetest.Status(http.StatusNoContent)}},
		"end of a POST": {http.MethodPost, ssetest.Conn{event}},
	} {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, test.method, ssetest.NewServer(t, test.conn).URL)
			if _, err := read(new(sse.Client).Stream(req)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDone(t *testing.T) {
	// snippet: done
	decode := func(typ string, data []byte) (Chunk, error) {
		if string(data) == "[DONE]" {
			return Chunk{}, sse.Done
		}
		return sse.JSON[Chunk](typ, data)
	}
	// end
	const chunk = "data: {\"text\": \"a\"}\n\n"
	for stream, want := range map[string]error{
		chunk + "data: [DONE]\n\n": nil,
		chunk:                      io.ErrUnexpectedEOF,
	} {
		var last error
		for _, err := range sse.DecodeUntilDone(sse.NewReader(strings.NewReader(stream)), decode) {
			last = err
		}
		if last != want {
			t.Errorf("error %v, want %v", last, want)
		}
	}
}

func TestPostIsRetried(t *testing.T) {
	busy := ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable, "Retry-After-Ms", "1")}
	req := newRequest(t, http.MethodPost, ssetest.NewServer(t, busy).URL)
	_, err := read(new(sse.Client).Stream(req))
	var refused *sse.ResponseError
	if !errors.As(err, &refused) || refused.RetryAfter() != time.Millisecond {
		t.Errorf("without Idempotency-Key: %v", err)
	}

	client := &sse.Client{Backoff: func() backoff.BackOff { return new(backoff.ZeroBackOff) }}
	req = newRequest(t, http.MethodPost, ssetest.NewServer(t, busy, ssetest.Conn{event}).URL)
	req.Header.Set("Idempotency-Key", "1")
	if got, err := read(client.Stream(req)); len(got) != 1 || err != nil {
		t.Errorf("with Idempotency-Key: %q, %v", got, err)
	}

	attempts := 0
	client.Prepare = func(*http.Request) error {
		if attempts++; attempts == 1 {
			return errors.New("no token yet")
		}
		return nil
	}
	req = newRequest(t, http.MethodPost, ssetest.NewServer(t, ssetest.Conn{event}).URL)
	if got, err := read(client.Stream(req)); len(got) != 1 || err != nil {
		t.Errorf("after an error of Prepare: %q, %v", got, err)
	}
}

func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable)}
		srv := ssetest.NewMemoryServer(t, busy, busy, busy, busy, busy)
		// snippet: give-up
		client := &sse.Client{
			Backoff: func() backoff.BackOff { // package github.com/cenkalti/backoff/v4
				return backoff.WithMaxRetries(sse.DefaultBackoff(), 4) // five attempts
			},
		}
		// end
		client.HTTPClient = srv.Client()
		_, err := read(client.Get(t.Context(), srv.URL))
		var refused *sse.ResponseError
		if !errors.As(err, &refused) {
			t.Error(err)
		}
	})
}

func TestDeadlineNamesTheLastFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable, "Retry-After", "60")}
		srv := ssetest.NewMemoryServer(t, busy)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := read((&sse.Client{HTTPClient: srv.Client()}).Get(ctx, srv.URL))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "503") {
			t.Error(err)
		}
	})
}

func TestOnRetry(t *testing.T) {
	var text bytes.Buffer
	log.SetOutput(&text)
	defer log.SetOutput(log.Default().Writer())
	// snippet: on-retry
	client := &sse.Client{
		OnRetry: func(err error, wait time.Duration) {
			log.Printf("events: %v, next attempt in %v", err, wait)
		},
	}
	// end
	client.ReconnectionTime = -1
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable)},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)})
	if _, err := read(client.Get(t.Context(), srv.URL)); err != nil {
		t.Error(err)
	}
	const want = "events: sse: 503 Service Unavailable, next attempt in "
	if !strings.Contains(text.String(), want) {
		t.Errorf("log %q, want %q", text.String(), want)
	}
}

func TestSkipEmpty(t *testing.T) {
	// snippet: skip-empty
	decode := func(typ string, data []byte) (Chunk, error) {
		if len(data) == 0 {
			return Chunk{}, sse.Skip
		}
		return sse.JSON[Chunk](typ, data)
	}
	// end
	stream := "data:\n\ndata: {\"text\":\ndata: \"a\"}\n\n"
	n := 0
	for chunk, err := range sse.Decode(sse.NewReader(strings.NewReader(stream)), decode) {
		if n++; chunk.Text != "a" || err != nil {
			t.Errorf("got %q, %v", chunk.Text, err)
		}
	}
	if n != 1 {
		t.Errorf("got %d chunks, want one", n)
	}
}

func TestJSONErrorTexts(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "unexpected end of JSON input",
		`{"text":`:           "unexpected end of JSON input",
		"data: {}":           "invalid character 'd' looking for beginning of value",
		": ping":             "invalid character ':' looking for beginning of value",
		"event: a\ndata: {}": "invalid character 'e' looking for beginning of value",
		"[DONE]":             "invalid character 'D' looking for beginning of value",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func TestClientTimeout(t *testing.T) {
	const want = "context deadline exceeded " +
		"(Client.Timeout or context cancellation while reading body)"
	limited := &http.Client{Timeout: 100 * time.Millisecond}
	resp, err := limited.Get(ssetest.NewServer(t, ssetest.Conn{event, ssetest.Stall()}).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}

	wait := ssetest.Sleep(2 * limited.Timeout)
	srv := ssetest.NewServer(t, ssetest.Conn{event, wait, event})
	stream := (&sse.Client{HTTPClient: limited}).Stream(newRequest(t, http.MethodPost, srv.URL))
	if got, err := read(stream); len(got) != 2 || err != nil {
		t.Errorf("Stream: %q, %v", got, err)
	}
}

func TestTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// snippet: transport
		httpClient := &http.Client{
			Transport: &sse.Transport{IdleTimeout: time.Minute}, // no Timeout
		}
		// end
		srv := ssetest.NewMemoryServer(t, ssetest.Conn{
			event, ssetest.Sleep(50 * time.Second), event, ssetest.Stall(),
		})
		httpClient.Transport.(*sse.Transport).Base = srv.Client().Transport
		resp, err := httpClient.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		reader := sse.NewReader(resp.Body)
		n := 0
		for reader.Next() {
			n++
		}
		if n != 2 || !errors.Is(reader.Err(), sse.ErrIdleTimeout) {
			t.Errorf("%d events, %v", n, reader.Err())
		}
	})
}

func TestStreamErrorTexts(t *testing.T) {
	contentType := func(value string) ssetest.Step {
		return ssetest.Do(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", value)
		})
	}
	for want, conn := range map[string]ssetest.Conn{
		"unexpected EOF": {event, ssetest.Cut()},
		"sse: idle timeout: no data from the server": {event, ssetest.Stall()},
		"Content-Type is text/html, not text/event-stream: <h1>Sign in</h1>": {
			contentType("text/html"), ssetest.Raw("<h1>Sign in</h1>"),
		},
		`the response contains no events, but other text: {"error": "quota"}`: {
			ssetest.Raw(`{"error": "quota"}`),
		},
		"sse: event too large: more than 9 bytes": {
			ssetest.Send(sse.Event{Data: "0123456789"}),
		},
	} {
		t.Run(want, func(t *testing.T) {
			client := &sse.Client{IdleTimeout: 100 * time.Millisecond, MaxEventSize: 9}
			req := newRequest(t, http.MethodPost, ssetest.NewServer(t, conn).URL)
			if _, err := read(client.Stream(req)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

func TestHTTP2ErrorText(t *testing.T) {
	srv := ssetest.NewTLSServer(t, ssetest.Conn{event, ssetest.Cut()})
	client := &sse.Client{HTTPClient: srv.Client()}
	_, err := read(client.Stream(newRequest(t, http.MethodPost, srv.URL)))
	const want = "stream error: stream ID 1; INTERNAL_ERROR; received from peer"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestCheckResponse(t *testing.T) {
	// snippet: check-response
	client := &sse.Client{
		CheckResponse: func(resp *http.Response) error {
			if resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") == "text/plain" {
				return nil
			}
			return sse.DefaultCheckResponse(resp)
		},
	}
	// end
	for contentType, want := range map[string]int{
		"text/plain": 1, "text/event-stream": 1, "text/html": 0,
	} {
		srv := ssetest.NewServer(t, ssetest.Conn{
			ssetest.Do(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
			}), event,
		})
		got, _ := read(client.Stream(newRequest(t, http.MethodPost, srv.URL)))
		if len(got) != want {
			t.Errorf("%s: %d events, want %d", contentType, len(got), want)
		}
	}
}

// snippet: unwrap
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// end

func TestUnwrap(t *testing.T) {
	rec := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	out, err := sse.NewWriter(&statusWriter{ResponseWriter: rec}, r)
	if err != nil {
		t.Error(err)
	} else {
		out.Close()
	}
	_, err = sse.NewWriter(struct{ http.ResponseWriter }{rec}, r)
	if !errors.Is(err, http.ErrNotSupported) || err.Error() != "feature not supported" {
		t.Errorf("error %v", err)
	}
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := func(w http.ResponseWriter, r *http.Request) {
			// snippet: keep-alive
			out, err := sse.NewWriter(w, r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer out.Close()
			out.KeepAlive(15 * time.Second)
			// end
			<-r.Context().Done()
		}
		srv := ssetest.NewMemoryServer(t, http.HandlerFunc(handler))
		ctx, cancel := context.WithCancel(t.Context())
		comments := 0
		client := &sse.Client{
			HTTPClient:  srv.Client(),
			IdleTimeout: time.Minute,
			OnComment: func(string) {
				if comments++; comments == 10 {
					cancel()
				}
			},
		}
		start := time.Now()
		if _, err := read(client.Get(ctx, srv.URL)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if took := time.Since(start); took != 150*time.Second {
			t.Errorf("10 comments took %v", took)
		}
	})
}
