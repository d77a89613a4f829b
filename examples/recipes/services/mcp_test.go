package services

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: mcp-message
type rpcMessage struct {
	ID     json.RawMessage // of a request or a response
	Method string          // of a request or a notification
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
}

func decodeRPC(typ string, data []byte) (rpcMessage, error) {
	if len(data) == 0 {
		return rpcMessage{}, sse.Skip // a server may begin with an event that has only an ID
	}
	return sse.JSON[rpcMessage](typ, data)
}

// end

// snippet: mcp-call
// call sends a JSON-RPC request and returns the response.
func call(client *http.Client, req *http.Request) (m rpcMessage, err error) {
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	resp, err := client.Do(req)
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if mediaType == "application/json" && resp.StatusCode == http.StatusOK {
		err := json.NewDecoder(io.LimitReader(resp.Body, 16<<20)).Decode(&m)
		return m, err
	}
	if err := sse.DefaultCheckResponse(resp); err != nil {
		return m, err
	}
	events := sse.NewReader(resp.Body)
	for m, err := range sse.DecodeUntilDone(events, decodeRPC) {
		lost := errors.Is(err, io.ErrUnexpectedEOF) || events.Err() != nil
		if lost && events.LastEventID() != "" {
			return resume(client, req, events)
		}
		if err != nil || m.Method == "" {
			return m, err
		}
	}
	return m, nil
}

// end

// snippet: mcp-resume
// resume continues the stream of a request that ended before the response.
func resume(client *http.Client, post *http.Request, lost *sse.Reader) (m rpcMessage, err error) {
	req, err := http.NewRequestWithContext(post.Context(), http.MethodGet, post.URL.String(), nil)
	if err != nil {
		return m, err
	}
	req.Header = post.Header.Clone() // with the token, the session and the protocol version
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", lost.LastEventID())
	wait, _ := lost.Retry()
	select {
	case <-time.After(min(wait, time.Minute)):
	case <-req.Context().Done():
		return m, req.Context().Err()
	}
	stream := (&sse.Client{HTTPClient: client, ReconnectionTime: wait}).Stream(req)
	for m, err := range sse.DecodeUntilDone(stream, decodeRPC) {
		if err != nil || m.Method == "" {
			return m, err
		}
	}
	return m, nil
}

// end

func TestMCP(t *testing.T) {
	t.Parallel()
	progress := sse.Event{Data: `{"jsonrpc":"2.0","method":"notifications/progress"}`}
	result := sse.Event{Data: `{"jsonrpc":"2.0","id":1,"result":{"sum":42}}`}
	withID := func(id string, ev sse.Event) sse.Event { ev.ID = id; return ev }
	for _, test := range []struct {
		name   string
		script []http.Handler
		err    string
	}{
		{"JSON", []http.Handler{ssetest.Conn{
			ssetest.Status(http.StatusOK, "Content-Type", "application/json; charset=utf-8"),
			ssetest.Raw(result.Data),
		}}, ""},
		{"stream", []http.Handler{ssetest.Conn{
			ssetest.WantHeader("Accept", "application/json, text/event-stream"),
			ssetest.Send(progress, result),
		}}, ""},
		{"stream that is lost", []http.Handler{ssetest.Conn{ssetest.Send(progress)}},
			"unexpected EOF"},
		{"stream that is resumed", []http.Handler{
			ssetest.Conn{
				ssetest.Raw("id: s1-1\ndata:\n\n"), ssetest.Retry(time.Millisecond),
				ssetest.Send(withID("s1-2", progress)),
			},
			ssetest.Conn{
				ssetest.WantHeader("Last-Event-ID", "s1-2"),
				ssetest.WantHeader("Mcp-Session-Id", "session"),
				ssetest.WantHeader("Accept", "text/event-stream"),
				ssetest.Send(withID("s1-3", progress)),
			},
			ssetest.Conn{
				ssetest.WantHeader("Last-Event-ID", "s1-3"), ssetest.Send(withID("s1-4", result)),
			},
		}, ""},
		{"refusal", []http.Handler{ssetest.Conn{ssetest.Status(http.StatusNotFound)}}, "404"},
		{"refusal in JSON", []http.Handler{ssetest.Conn{
			ssetest.Status(http.StatusForbidden, "Content-Type", "application/json"),
			ssetest.Raw(`{"message":"no access"}`),
		}}, "no access"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := ssetest.NewServer(t, test.script...)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL,
				strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("MCP-Session-Id", "session")
			m, err := call(srv.Client(), req)
			switch {
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("got error %v, want %s", err, test.err)
			case test.err == "" && (err != nil || string(m.Result) != `{"sum":42}`):
				t.Errorf("got %s, %v", m.Result, err)
			}
		})
	}
}
