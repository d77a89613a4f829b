package inspect

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/check"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// A table is the values of some fields of messages.
type table [][]any

// fields returns the values of the named fields of each message.
func fields(messages []map[string]any, names ...string) table {
	var t table
	for _, m := range messages {
		var row []any
		for _, name := range names {
			row = append(row, m[name])
		}
		t = append(t, row)
	}
	return t
}

// wantTable checks the values of the named fields of each message.
func wantTable(t *testing.T, want table, messages []map[string]any, names ...string) {
	t.Helper()
	if diff := cmp.Diff(want, fields(messages, names...)); diff != "" {
		t.Errorf("%q (-want +got):\n%s", names, diff)
	}
}

// form is a form that sends a GET.
var form = Form{Reconnect: true, Headers: [][2]string{}}

func TestRunRelaysStatesAndEvents(t *testing.T) {
	t.Parallel()
	f := form
	f.LastEventID = " 0"
	_, all := follow(t, f, time.Hour,
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "0"),
			ssetest.Sleep(time.Second),
			ssetest.Retry(3 * time.Second),
			ssetest.Raw("data: a\n\n"),
			ssetest.Sleep(1500 * time.Microsecond),
			ssetest.Raw("id: 2\nevent: x\ndata: b\r\ndata: c\r\n\r\nid: 3\n\ndata: lost"),
			ssetest.Cut(),
		},
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "3"),
			ssetest.Send(sse.Event{ID: "4", Data: "d"}),
		},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	if first := all[0]; first.kind != "run" || first.id != "1.1" {
		t.Errorf("the first message is %+v", first)
	}
	for i, m := range all {
		if want := fmt.Sprint("1.", i+1); m.id != want {
			t.Errorf("message %d has ID %s, want %s", i, m.id, want)
		}
	}
	wantTable(t, table{
		{1., nil, 0., "message", "0", "a", 1., "retry: 3000\ndata: a\n\n"},
		{2., 1.5, 0., "x", "2", "b\nc", 3., "id: 2\nevent: x\ndata: b\r\ndata: c\r\n\r\n"},
		{3., nil, 0., "message", "4", "d", 1., "id: 4\ndata: d\n\n"},
	}, exceptWait(kinds(all, "event")), "n", "gap", "none", "type", "id", "data", "size", "raw")
	wantTable(t, table{
		{1., "connecting", "", "0"},
		{1., "open", "", "0"},
		{1., "waiting", "unexpected end of the stream", "3"},
		{2., "connecting", "", "3"},
		{2., "open", "", "3"},
		{2., "waiting", "end of the response", "4"},
		{3., "connecting", "", "4"},
		{3., "closed", "204 No Content", "4"},
	}, kinds(all, "state"), "attempt", "state", "reason", "lastEventID")
	states := kinds(all, "state")
	if opened := states[1]["t"]; opened != 1000. {
		t.Errorf("the stream was opened after %v ms, want 1000", opened)
	}
	wait, begun := states[2]["wait"].(float64), states[2]["t"].(float64)
	if late := states[3]["t"].(float64) - begun - wait; wait < 3000 || math.Abs(late) > 0.01 {
		t.Errorf("a wait of %v ms began at %v and ended at %v", wait, begun, states[3]["t"])
	}
	if last := all[len(all)-1]; last.kind != "state" {
		t.Errorf("the last message is %+v", last)
	}
}

// exceptWait removes what depends on a random wait from events, and adds a field that is 0.
func exceptWait(events []map[string]any) []map[string]any {
	for i, m := range events {
		if m["none"] = 0.; i == 2 {
			m["gap"] = nil
		}
	}
	return events
}

func TestRunMasksSecrets(t *testing.T) {
	t.Parallel()
	f := form
	f.Headers = [][2]string{
		{"Authorization", "Bearer s3cret"}, {"X-Api-Key", "s3cret"}, {"X-Plain", "yes"},
	}
	_, all := follow(t, f, time.Hour,
		ssetest.Conn{ssetest.Status(http.StatusFound, "Location", "/b?key=s3cret")},
		ssetest.Conn{
			ssetest.Status(http.StatusOK, "Set-Cookie", "a=s3cret", "X-Plain", "no"),
			ssetest.Send(sse.Event{Data: "a"}), ssetest.Cut(),
		},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	if text := fmt.Sprint(all); strings.Contains(text, "s3cret") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	headers := fmt.Sprint(kinds(all, "request")[0]["headers"])
	for _, want := range []string{
		"[Authorization Bearer ****]", "[X-Api-Key ****]", "[X-Plain yes]",
		"[Accept text/event-stream]", "[Accept-Encoding gzip]",
	} {
		if !strings.Contains(headers, want) {
			t.Errorf("the request lacks %s: %s", want, headers)
		}
	}
	wantTable(t, table{
		{1., "GET", "http://sse.test/a?key=****"},
		{1., "GET", "http://sse.test/b?key=****"},
		{2., "GET", "http://sse.test/a?key=****"},
	}, kinds(all, "request"), "attempt", "method", "url")
	wantTable(t, table{
		{1., 302., "Found", false}, {1., 200., "OK", true}, {2., 204., "No Content", false},
	}, kinds(all, "response"), "attempt", "status", "statusText", "redirected")
	wantTable(t, table{{"GET", "http://sse.test/a?key=****", 1.}}, kinds(all, "run"),
		"method", "url", "run")
}

func TestRunShowsRefusedResponses(t *testing.T) {
	t.Parallel()
	body := "not now\x00\xff" + strings.Repeat("x", 5000)
	_, all := follow(t, form, time.Hour,
		ssetest.Refuse(),
		ssetest.Conn{
			ssetest.Status(http.StatusServiceUnavailable, "Retry-After", "7"),
			ssetest.Raw(body),
		},
		ssetest.Conn{
			ssetest.Status(http.StatusOK, "Content-Type", "text/html"), ssetest.Raw("<p>"),
		},
	)
	text := strings.ToValidUTF8(body[:4<<10], "\ufffd")
	wantTable(t, table{{2., 503., text}, {3., 200., "<p>"}}, kinds(all, "response"),
		"attempt", "status", "body")
	wantTable(t, table{
		{"connecting", ""},
		{"waiting", "dial memory sse.test: connect: connection refused"},
		{"connecting", ""},
		{"waiting", `503 Service Unavailable: not now\x00\xff` + strings.Repeat("x", 191)},
		{"connecting", ""},
		{"closed", "not an event stream: 200 OK: Content-Type is text/html, " +
			"not text/event-stream"},
	}, kinds(all, "state"), "state", "reason")
	if wait := kinds(all, "state")[3]["wait"].(float64); wait < 7000 {
		t.Errorf("waited %v ms, want 7 seconds or more", wait)
	}
}

func TestRunSendsPostOnce(t *testing.T) {
	t.Parallel()
	f := form
	f.Body, f.Headers = `{"a":1}`, [][2]string{{"X-Empty", ""}, {"Host", "other.test"}}
	_, all := follow(t, f, time.Hour, ssetest.Conn{
		ssetest.WantHeader("Content-Type", "application/json"),
		ssetest.WantHeader("X-Empty", ""),
		ssetest.Do(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method != "POST" || r.Host != "other.test" || r.ContentLength != 7 {
				t.Errorf("%s to %s with %d bytes", r.Method, r.Host, r.ContentLength)
			}
		}),
		ssetest.Send(sse.Event{Data: "a"}),
	})
	wantTable(t, table{{"connecting", ""}, {"open", ""}, {"closed", "the server ended the stream"}},
		kinds(all, "state"), "state", "reason")
}

func TestRunSaysWhyItEnds(t *testing.T) {
	t.Parallel()
	f := form
	f.Method = "POST"
	for want, conn := range map[string]ssetest.Conn{
		"the server ended the stream":                         {ssetest.Retry(0)},
		"the server closed the connection without a response": {ssetest.Cut()},
		"unexpected end of the stream (if an event was incomplete, it is not shown)": {
			ssetest.Raw("data: a"), ssetest.Cut(),
		},
		"HTTP 403 Forbidden": {ssetest.Status(http.StatusForbidden)},
	} {
		_, all := follow(t, f, time.Hour, conn)
		if got := all[len(all)-1].data; got["state"] != "closed" || got["reason"] != want {
			t.Errorf("the last state is %v, want the reason %s", got, want)
		}
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	stopped := ssetest.Conn{ssetest.Send(sse.Event{Data: "a"}), ssetest.Stall()}
	_, all := follow(t, form, time.Minute, stopped)
	closed := kinds(all, "state")[2]
	if closed["reason"] != "stopped" || closed["t"] != 60000. {
		t.Errorf("the last state is %v", closed)
	}
	f := form
	f.Reconnect, f.IdleTimeout = false, "10s"
	_, all = follow(t, f, time.Minute, stopped)
	closed = kinds(all, "state")[2]
	if closed["reason"] != "idle timeout (--idle-timeout allows longer pauses)" ||
		closed["t"] != 10000. {
		t.Errorf("the last state is %v", closed)
	}
}

func TestRunCounts(t *testing.T) {
	t.Parallel()
	script := ssetest.Conn{}
	for range 30 {
		script = append(script, ssetest.Raw(": c\nx: y\n"))
	}
	for range 3 {
		script = append(script, ssetest.Sleep(time.Second), ssetest.Raw("data: a\n\n"))
	}
	_, all := follow(t, form, time.Minute, append(script, ssetest.Stall()))
	stats := kinds(all, "stats")
	wantTable(t, table{{3., 297., 1000., 1000., 1000., 1000., 0., 30., 30.}}, stats[len(stats)-1:],
		"events", "bytes", "firstEvent", "gapP50", "gapP95", "gapMax", "reconnects", "comments",
		"ignored")
	if n := len(stats); n > 4*15 {
		t.Errorf("%d messages with counters in 3 seconds, and until the rate is 0", n)
	}
	if comments := kinds(all, "comment"); len(comments) != maxPerSecond ||
		comments[0]["text"] != " c" {
		t.Errorf("%d comments: %v", len(comments), comments)
	}
	if ignored := kinds(all, "ignored"); len(ignored) != maxPerSecond ||
		ignored[0]["line"] != "x: y" {
		t.Errorf("%d ignored lines: %v", len(ignored), ignored)
	}
}

func TestRunRelaysFindings(t *testing.T) {
	t.Parallel()
	_, all := follow(t, form, time.Hour,
		ssetest.Conn{
			ssetest.Raw("data: a\n\nx: y\n"), ssetest.Raw("x: y\nx: y\n"),
			ssetest.Sleep(time.Second), ssetest.Raw("x: y\n"), ssetest.Cut(),
		},
		ssetest.Conn{ssetest.Raw("\nx: y\n"), ssetest.Cut()},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	var unknown []map[string]any
	for _, m := range kinds(all, "finding") {
		if m["rule"] == "unknown-field" {
			unknown = append(unknown, m)
		}
	}
	wantTable(t, table{
		{"warning", "9.2.6", 3., 1.}, {"warning", "9.2.6", 3., 3.}, {"warning", "9.2.6", 3., 4.},
		{"warning", "9.2.6", 3., 5.},
	}, unknown, "severity", "section", "line", "count")
	if text := unknown[0]["text"].(string); !strings.Contains(text, `The field "x" is ignored.`) {
		t.Errorf("text = %q", text)
	}
	for _, rule := range check.Rules() {
		if rule.Name == "unknown-field" && unknown[0]["reason"] != rule.Reason {
			t.Errorf("reason = %q, want %q", unknown[0]["reason"], rule.Reason)
		}
	}
}

func TestRunDecodesModels(t *testing.T) {
	t.Parallel()
	chunk := func(delta string) ssetest.Step {
		return ssetest.Send(sse.Event{Data: `{"choices":[{"delta":` + delta + `}]}`})
	}
	_, all := follow(t, form, time.Minute, ssetest.Conn{
		chunk(`{"reasoning":"hm"}`),
		chunk(`{"content":"Hello"}`),
		chunk(`{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}}]}`),
		ssetest.Send(sse.Event{Data: `{"error":{"message":"overloaded"}}`}),
		ssetest.Send(sse.Event{Data: "[DONE]"}),
		ssetest.Send(sse.Event{Type: "error", Data: "x"}),
		ssetest.Stall(),
	})
	p := func(kind, text string) []any {
		return []any{map[string]any{"kind": kind, "text": text, "paragraph": false}}
	}
	none := []any{}
	wantTable(t, table{
		{p("reasoning", "hm"), false}, {p("text", "Hello"), false}, {none, false}, {none, true},
		{p("tool", "f({})"), false}, {none, true},
	}, kinds(all, "event"), "parts", "error")
}

func TestRunBoundsEvents(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("é", 2*maxDecoded)
	long := strings.Repeat("i", 5000)
	_, all := follow(t, form, time.Minute, ssetest.Conn{
		ssetest.Raw("data: x" + huge + "\n\n"),
		ssetest.Raw("event: " + long + "\nid: " + long + "\n"),
		ssetest.Raw("data: " + strings.Repeat("\x01", 70000) + "\n\n"),
		ssetest.Stall(),
	})
	short := long[:maxText] + "…"
	wantTable(t, table{
		{"message", "", 4*maxDecoded + 1., "x" + huge[:maxData-2], true, true},
		{short, short, 70000., strings.Repeat("\x01", maxData), true, true},
	}, kinds(all, "event"), "type", "id", "size", "data", "cut", "rawCut")
	for _, m := range kinds(all, "event") {
		if n := len(m["raw"].(string)); n > maxData {
			t.Errorf("%d raw bytes", n)
		}
	}
}

func TestRunShowsRawBytes(t *testing.T) {
	t.Parallel()
	_, all := follow(t, form, time.Minute, ssetest.Conn{
		ssetest.Raw("\ufeff: c\r\nx\x00: \xff\xfe\rdata: <b>\u202e\u2028\n\n"), ssetest.Stall(),
	})
	wantTable(t, table{
		{"<b>\u202e\u2028", "\ufeff: c\r\nx\x00: \ufffd\ufffd\rdata: <b>\u202e\u2028\n\n"},
	}, kinds(all, "event"), "data", "raw")
}
