package check_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/check"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestResponseHeader(t *testing.T) {
	const event = "id: 1\ndata: x\n\n"
	tests := []struct {
		name, method, header string
		want                 []string
	}{
		{"good", "POST", goodHeader, nil},
		{"GET", "GET", goodHeader, []string{"0+0 info stream-ended"}},
		{"a request without a method is a GET", "", goodHeader, []string{"0+0 info stream-ended"}},
		{"other directives against caching", "POST",
			"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream;charset=UTF-8\r\n" +
				"Cache-Control: private, max-age=0\r\nX-Accel-Buffering: no\r\n", nil},
		{"no content", "GET", "HTTP/1.1 204 No Content\r\n", []string{"0+0 info no-content"}},
		{"status", "GET", "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/event-stream\r\n",
			[]string{"0+0 error status"}},
		{"no header fields", "POST", "HTTP/1.1 200 OK\r\n",
			[]string{"0+0 error content-type", "0+0 info missing-x-accel-buffering"}},
		{"plain text", "POST", strings.Replace(goodHeader, "event-stream", "plain", 1),
			[]string{"0+0 error content-type"}},
		{"html", "POST", strings.Replace(goodHeader, "event-stream", "html; charset=utf-8", 1),
			[]string{"0+0 error content-type"}},
		{"types joined by a comma", "POST", strings.Replace(goodHeader, "event-stream",
			"event-stream,text/event-stream", 1), []string{"0+0 warning multiple-content-types"}},
		{"the last valid type", "POST", goodHeader + "Content-Type: garbage\r\n",
			[]string{"0+0 warning multiple-content-types"}},
		{"two types", "POST", goodHeader + "Content-Type: text/event-stream\r\n",
			[]string{"0+0 warning multiple-content-types"}},
		{"charset", "POST", strings.Replace(goodHeader, "event-stream", "event-stream; charset=latin1",
			1), []string{"0+0 warning charset"}},
		{"cacheable", "POST", strings.Replace(goodHeader, "no-cache", "public, max-age=60", 1),
			[]string{"0+0 warning cacheable"}},
		{"shared cache", "POST", strings.Replace(goodHeader, "no-cache", "max-age=0, s-maxage=60", 1),
			[]string{"0+0 warning cacheable"}},
		{"no directive about caching", "GET", strings.Replace(goodHeader, "no-cache", "private", 1),
			[]string{"0+0 info missing-cache-control", "0+0 info stream-ended"}},
		{"buffering", "POST", strings.Replace(goodHeader, "Buffering: no", "Buffering: yes", 1),
			[]string{"0+0 warning x-accel-buffering"}},
		{"length", "POST", goodHeader + fmt.Sprintf("Content-Length: %d\r\n", len(event)),
			[]string{"0+0 warning content-length"}},
		{"encoding", "POST", goodHeader + "Content-Encoding: br\r\n",
			[]string{"0+0 info compressed", "0+0 error unrequested-encoding"}},
		{"no encoding", "POST", goodHeader + "Content-Encoding: none\r\n",
			[]string{"0+0 info unknown-encoding"}},
		{"identity", "POST", goodHeader + "Content-Encoding: identity\r\n", nil},
		{"json", "POST", strings.Replace(goodHeader, "text/event-stream", "application/json", 1),
			[]string{"0+0 error content-type"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := brief(checkText(t, tt.method, tt.header+"\r\n"+event))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResponseBody(t *testing.T) {
	tests := []struct {
		name, body       string
		events, comments int
		want             []string
	}{
		{"empty", "", 0, 0, []string{"0+0 warning empty-body"}},
		{"good", "retry: 1000\n\nid: 1\nevent: a\ndata: x\ndata: y\n\n: hi\n\nid: 2\ndata\n\n", 2, 1,
			nil},
		{"id alone", "id: 1\n\n", 0, 0, []string{"0+0 warning no-events"}},
		{"no ids", "data: x\n\n", 1, 0, []string{"0+0 info no-ids"}},
		{"some ids", "data: x\n\nid: 1\ndata: x\n\ndata: x\n\ndata: y\n\n", 4, 0,
			[]string{"6+24 info event-without-id"}},
		{"incomplete event", "id: 1\ndata: x\n\nid: 2\ndata: x\n", 1, 0,
			[]string{"4+15 error incomplete-event"}},
		{"incomplete line", "id: 1\ndata: x\n\ndata", 1, 0, []string{"4+15 error incomplete-event"}},
		{"incomplete comment", "id: 1\ndata: x\n\n: hi", 1, 0, nil},
		{"incomplete retry block", "id: 1\ndata: x\n\nretry: 1000\n", 1, 0, nil},
		{"bom", "\ufeffid: 1\ndata: x\n\n", 1, 0, []string{"1+0 info byte-order-mark"}},
		{"second bom", "id: 1\ndata: x\n\n\ufeffdata: x\n\n", 1, 0,
			[]string{"4+15 error misspelled-field"}},
		{"bad utf-8", "id: 1\ndata: \xff\ndata: \xe2\x82\n\n", 1, 0, []string{"2+6 error invalid-utf-8"}},
		{"good utf-8", "id: 1\ndata: héé€😀\n\n", 1, 0, nil},
		{"id with nul", "id: 1\x00\ndata: x\n\n", 1, 0, []string{"1+0 error id-nul", "0+0 info no-ids"}},
		{"id with control", "id: a\x01\ndata: x\n\n", 1, 0, []string{"1+0 warning id-control-character"}},
		{"id with delete", "id: a\x7f\ndata: x\n\n", 1, 0, []string{"1+0 warning id-control-character"}},
		{"id with spaces", "id:  a\ndata: x\n\nid: b \ndata: x\n\n", 2, 0,
			[]string{"1+0 warning id-whitespace"}},
		{"id with a tab inside", "id: a\tb\ndata: x\n\n", 1, 0, nil},
		{"long id", "id: " + strings.Repeat("x", 5000) + "\ndata: x\n\n", 1, 0,
			[]string{"1+0 warning long-id"}},
		{"id of 4 KiB", "id: " + strings.Repeat("x", 4096) + "\ndata: x\n\n", 1, 0, nil},
		{"duplicate id", "id: 1\ndata: x\n\nid: 1\ndata: y\n\n", 2, 0,
			[]string{"4+15 warning duplicate-id"}},
		{"rare duplicate id",
			"id: 1\ndata\n\nid: 1\ndata\n\nid: 2\ndata\n\nid: 3\ndata\n\nid: 4\ndata\n\n", 5, 0,
			[]string{"4+12 info duplicate-id"}},
		{"id reset", "id: 1\ndata: x\n\nid\ndata: y\n\n", 2, 0, []string{"4+15 info id-reset"}},
		{"two ids", "id: 1\nid: 2\ndata: x\n\n", 1, 0, []string{"2+6 warning duplicate-id-field"}},
		{"two event fields", "id: 1\nevent: a\nevent: b\ndata: x\n\n", 1, 0,
			[]string{"3+15 warning duplicate-event-field"}},
		{"retry with unit", "retry: 3s\n\n", 0, 0, []string{"1+0 error invalid-retry",
			"0+0 warning no-events"}},
		{"retry with sign", "retry: +3\nretry: -1\nretry\n\n", 0, 0,
			[]string{"1+0 error invalid-retry", "0+0 warning no-events"}},
		{"retry of zero", "retry: 0\n\n", 0, 0, []string{"1+0 warning short-retry",
			"0+0 warning no-events"}},
		{"retry of years", "retry: 99999999999999999999\n\n", 0, 0,
			[]string{"1+0 warning long-retry", "0+0 warning no-events"}},
		{"retry of two days", "retry: 172800000\n\n", 0, 0,
			[]string{"1+0 warning long-retry", "0+0 warning no-events"}},
		{"unknown field", "id: 1\nfoo: x\ndata: x\n\n", 1, 0, []string{"2+6 warning unknown-field"}},
		{"unknown field after data", "id: 1\ndata: Traceback\nValueError: x\n\n", 1, 0,
			[]string{"3+22 warning unknown-field"}},
		{"bad utf-8 in a comment", "id: 1\ndata\n\n:\xff\n", 1, 1,
			[]string{"4+12 info invalid-utf-8-comment"}},
		{"event with spaces", "id: 1\nevent:  a\ndata\n\nid: 2\nevent: a\t\ndata\n\n", 2, 0,
			[]string{"2+6 warning event-type-whitespace"}},
		{"event type of one space", "id: 1\nevent:  \ndata\n\n", 1, 0, nil},
		{"bad utf-8 in a comment after a bom", "\ufeff:\xff\n", 0, 1,
			[]string{"1+0 info invalid-utf-8-comment", "1+0 info byte-order-mark", "0+0 warning no-events"}},
		{"reserved event type", "id: 1\nevent: error\ndata\n\n", 1, 0,
			[]string{"2+6 info reserved-event-type"}},
		{"case", "id: 1\nData: x\n\n", 0, 0, []string{"2+6 error misspelled-field",
			"0+0 warning no-events"}},
		{"space before", "id: 1\n data: x\n\n", 0, 0,
			[]string{"2+6 error misspelled-field", "0+0 warning no-events"}},
		{"space before the colon", "id: 1\ndata : x\n\n", 0, 0,
			[]string{"2+6 error misspelled-field", "0+0 warning no-events"}},
		{"json over lines", "id: 1\ndata: {\n  \"a\": 1\n}\n\n", 1, 0,
			[]string{"3+14 error malformed-line"}},
		{"text over lines", "id: 1\ndata: one\ntwo three\n\n", 1, 0,
			[]string{"3+16 error malformed-line"}},
		{"no data", "event: ping\nid: 1\n\n", 0, 0,
			[]string{"1+0 warning event-without-data", "0+0 warning no-events"}},
		{"no space", "id:1\ndata:x\n\nid:2\ndata:\n\n", 2, 0, nil},
		{"space in some fields", "id:1\ndata:x\n\nid:2\ndata: y\n\n", 2, 0,
			[]string{"0+0 warning ambiguous-space"}},
		{"crlf", "id: 1\r\ndata: x\r\n\r\n", 1, 0, nil},
		{"crlf and lf", "id: 1\r\ndata: x\n\n", 1, 0, []string{"0+0 info mixed-line-endings"}},
		{"cr", "id: 1\rdata: x\r\r", 1, 0, []string{"1+0 warning cr-line-ending"}},
		{"cr at the end", "id: 1\ndata: x\n\r", 1, 0, []string{"3+14 warning cr-line-ending"}},
		{"two json values", "id: 1\ndata: {\"a\":1}\ndata: [2]\n\n", 1, 0,
			[]string{"1+0 warning multiple-json-values"}},
		{"two json values and done", "id: 1\ndata:{}\ndata:{}\ndata:\ndata:[DONE]\n\n", 1, 0,
			[]string{"1+0 warning multiple-json-values"}},
		{"two events with two json values each", "id: 1\ndata: 1\n\nid: 2\n" +
			"data: {}\ndata: {}\n\nid: 3\ndata: {}\ndata: {}\n\n", 3, 0,
			[]string{"4+15 warning multiple-json-values"}},
		{"one json value", "id: 1\ndata: {}\n\nid: 2\ndata: {}\n\n", 2, 0, nil},
		{"one json value and done", "id: 1\ndata: {}\ndata: [DONE]\n\n", 1, 0, nil},
		{"one json value over lines", "id: 1\ndata: [\ndata: {},\ndata: {}\ndata: ]\n\n", 1, 0, nil},
		{"json value and text", "id: 1\ndata: {}\ndata: {}\ndata: x\n\n", 1, 0, nil},
		{"numbers", "id: 1\ndata: 1\ndata: 2\n\n", 1, 0, nil},
		{"json values longer than a line that is kept", "id: 1\n" + strings.Repeat(
			"data: ["+strings.Repeat(" ", 9000)+"]\n", 2) + "\n", 1, 0, nil},
		{"large event", "id: 1\ndata: " + strings.Repeat("x", 70000) + "\n\n", 1, 0,
			[]string{"1+0 info large-event"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []struct {
				name string
				io.Reader
			}{
				{"whole", strings.NewReader(tt.body)},
				{"byte by byte", iotest.OneByteReader(strings.NewReader(tt.body))},
				{"with its end", iotest.DataErrReader(strings.NewReader(tt.body))},
			} {
				resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(goodHeader+"\r\n")),
					&http.Request{Method: "POST"})
				if err != nil {
					t.Fatal(err)
				}
				resp.Body = io.NopCloser(r)
				report := check.Response(t.Context(), resp, 0)
				if diff := cmp.Diff(tt.want, brief(report)); diff != "" {
					t.Errorf("%s: findings (-want +got):\n%s", r.name, diff)
				}
				if report.Events != tt.events || report.Comments != tt.comments ||
					report.Bytes != int64(len(tt.body)) || !report.Complete {
					t.Errorf("%s: got %+v, want %d events, %d comments, %d bytes, complete", r.name, report,
						tt.events, tt.comments, len(tt.body))
				}
			}
		})
	}
}

// If there is no event until ctx is done, Check says why.
func TestResponseExplainsMissingEvents(t *testing.T) {
	for _, test := range []struct {
		body string
		want []string
	}{
		{"", []string{"0+0 info no-data"}},
		{":\n\n", nil},
		{"data: 0\ndata: 1\n", []string{"1+0 error no-blank-line"}},
		{": hi\n\nevent: a\ndata: 0\n", []string{"3+6 error no-blank-line"}},
		{`data: 0\n\ndata: 1\n\n`, []string{"1+0 error no-line-ending"}},
		{"data: 0", []string{"1+0 error no-line-ending"}},
		{`{"a":1}`, []string{"1+0 error no-line-ending"}},
		{`: x\n\n`, nil},
		{"id: 1\ndata: 0\n\ndata: 1\n", nil},
		{"retry: 1000\n", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			pr, pw := io.Pipe()
			go io.WriteString(pw, test.body)
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(goodHeader+"\r\n")),
				&http.Request{Method: "GET"})
			if err != nil {
				t.Fatal(err)
			}
			resp.Body = pr
			if diff := cmp.Diff(test.want, brief(check.Response(ctx, resp, 0))); diff != "" {
				t.Errorf("%q: findings (-want +got):\n%s", test.body, diff)
			}
		})
	}
}

// An event that started a moment ago may still be completed.
func TestResponseAllowsTimeForFirstEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		pr, pw := io.Pipe()
		go func() {
			time.Sleep(9 * time.Second)
			io.WriteString(pw, ": hi\n\ndata: 0\n")
		}()
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(goodHeader+"\r\n")),
			&http.Request{Method: "GET"})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body = pr
		if got := brief(check.Response(ctx, resp, 0)); got != nil {
			t.Errorf("findings %q", got)
		}
	})
}

// The body of a response with another status is not read after ctx is done.
func TestResponseStatusReadsUntilContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		pr, pw := io.Pipe()
		go io.WriteString(pw, "busy")
		start := time.Now()
		got := check.Response(ctx, &http.Response{StatusCode: 503, Body: pr}, 0)
		if took := time.Since(start); took != time.Second || len(got.Findings) != 1 ||
			!strings.HasSuffix(got.Findings[0].Message, `The server says "busy".`) {
			t.Errorf("after %v: %+v", took, got)
		}
	})
}

// A body that does not match its Content-Encoding cannot be decoded.
func TestResponseCompressedBody(t *testing.T) {
	var good bytes.Buffer
	z := gzip.NewWriter(&good)
	io.WriteString(z, "id: 1\ndata: x\n\n")
	z.Close()
	corrupt := bytes.Clone(good.Bytes())
	corrupt[10] = 0xff
	for _, test := range []struct {
		name   string
		body   []byte
		accept string
		want   []string
	}{
		{"good", good.Bytes(), "", []string{"0+0 info compressed"}},
		{"plain", []byte("data: x\n\ndata: y\n\n"), "",
			[]string{"0+0 info compressed", "0+0 error invalid-gzip"}},
		{"short", []byte("data:x\n\n"), "", []string{"0+0 info compressed", "0+0 error invalid-gzip"}},
		{"corrupt", corrupt, "", []string{"0+0 info compressed", "0+0 error invalid-gzip"}},
		{"requested", good.Bytes(), "gzip", []string{"0+0 info compressed", "0+0 warning not-decoded"}},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			for name, value := range map[string]string{"Content-Type": "text/event-stream",
				"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Content-Encoding": "gzip"} {
				h.Set(name, value)
			}
			w.(http.Flusher).Flush()
			w.Write(test.body)
		}))
		req, err := http.NewRequest("POST", srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.accept != "" {
			req.Header.Set("Accept-Encoding", test.accept)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, brief(check.Response(t.Context(), resp, 0))); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", test.name, diff)
		}
		srv.Close()
	}
}

// Check counts the events that the parser dispatches, and reports as incomplete what
// the parser discards.
func TestResponseAgreesWithParser(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	parts := []string{"data", "data:", "data: x", "event", "event: e", "id: 1", "id: \x00", "retry: 1",
		":", ": c", "x", "Data: y", "\ufeff",
		"\n", "\n", "\n", "\n\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\r\r"}
	for range 20_000 {
		var b strings.Builder
		for range rng.IntN(20) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		body := b.String()
		r := sse.NewReader(strings.NewReader(body))
		events := 0
		for r.Next() {
			events++
		}
		resp := &http.Response{StatusCode: 200,
			Header: http.Header{"Content-Type": {"text/event-stream"}}}
		resp.Body = io.NopCloser(iotest.HalfReader(strings.NewReader(body)))
		report := check.Response(t.Context(), resp, 0)
		incomplete := slices.ContainsFunc(report.Findings,
			func(f check.Finding) bool { return f.Rule == "incomplete-event" })
		if report.Events != events || incomplete != (r.Err() == io.ErrUnexpectedEOF) {
			t.Fatalf("%q: got %d events, incomplete %t; the parser %d, %v", body, report.Events, incomplete,
				events, r.Err())
		}
	}
}

// The responses of well-known servers cause no warning.
func TestResponseAcceptsCommonServers(t *testing.T) {
	tests := []struct{ name, method, response string }{
		{"chat completions", "POST",
			"HTTP/1.1 200 OK\r\nDate: Thu, 17 Apr 2025 21:07:28 GMT\r\n" +
				"Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n" +
				"Connection: keep-alive\r\nAccess-Control-Expose-Headers: X-Request-ID\r\n" +
				"Server: cloudflare\r\n\r\n" +
				chunked("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\","+
					"\"choices\":[{\"index\":0,\"delta\":{\"content\":\" Hi\"}}]}\n\n", "data: {\"id\":\"c1\","+
					"\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", "data: [DONE]\n"+
					"\n")},
		{"messages", "POST",
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
				"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n" +
				chunked("event: message_start\ndata: {\"type\":\"message_start\"}\n\n",
					"event: ping\ndata: {\"type\": \"ping\"}\n\n",
					"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")},
		{"recent changes", "GET",
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
				"Cache-Control: private, s-maxage=0, max-age=0, must-revalidate\r\n" +
				"Transfer-Encoding: chunked\r\nServer: envoy\r\n\r\n" +
				chunked(":ok\n\n",
					"event: message\n"+
						"id: [{\"topic\":\"eqiad.mediawiki.recentchange\",\"partition\":0,"+
						"\"timestamp\":1700000000000},{\"topic\":\"codfw.mediawiki.recentchange\",\"partition\":0,"+
						"\"offset\":-1}]\ndata: {\"title\":\"Zürich\",\"type\":\"edit\"}\n\n",
					"event: message\n"+
						"id: [{\"topic\":\"eqiad.mediawiki.recentchange\",\"partition\":0,"+
						"\"timestamp\":1700000000001},{\"topic\":\"codfw.mediawiki.recentchange\",\"partition\":0,"+
						"\"offset\":-1}]\ndata: {\"title\":\"Bern\",\"type\":\"log\"}\n\n")},
		{"mercure", "GET",
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
				"Cache-Control: private, no-cache, no-store, must-revalidate, max-age=0\r\n" +
				"Pragma: no-cache\r\nExpires: 0\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n" +
				"\r\n" +
				chunked(":\n",
					"id: urn:uuid:e1ee88e2-532a-4d6f-ba70-f0f8bd584022\ndata: {\"status\":\"OutOfStock\"}\n\n",
					":\n",
					"event: t\nretry: 5000\nid: urn:uuid:3c93d0c1-ad6d-4a4c-ba4f-0e0a5b0c1c3d\ndata: one\n"+
						"data: two\n\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := checkText(t, tt.method, tt.response)
			if worst, _ := r.Worst(); worst > check.Info || r.Events < 2 || !r.Complete {
				t.Errorf("got %d events, complete %t, %v", r.Events, r.Complete, r.Findings)
			}
		})
	}
}

// A lost connection is a finding. Reaching the limit or the end of ctx is not.
func TestResponseEndOfBody(t *testing.T) {
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server) {
		header := ssetest.Status(200, "X-Accel-Buffering", "no")
		events := ssetest.Send(abc...)
		unfinished := ssetest.Raw("data: un")
		srv := newServer(t,
			ssetest.Conn{header, events, ssetest.Cut()},
			ssetest.Conn{header, events, unfinished, ssetest.Stall()},
			ssetest.Conn{header, events, unfinished, ssetest.Stall()},
			ssetest.Conn{ssetest.Gzip(), header, events},
		)
		run := func(ctx context.Context, limit int64,
			wrap ...func(io.ReadCloser) io.ReadCloser) (check.Report,
			[]string) {
			resp, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range wrap {
				resp.Body = f(resp.Body)
			}
			r := check.Response(ctx, resp, limit)
			return r, brief(r)
		}
		if r, got := run(t.Context(), 0); r.Complete ||
			!cmp.Equal(got, []string{"10+45 error connection-lost"}) {
			t.Errorf("cut: got %+v", r)
		}
		if r, got := run(t.Context(), 50); r.Complete || got != nil || r.Bytes != 50 || r.Events != 3 {
			t.Errorf("limit: got %+v", r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		at53 := func(body io.ReadCloser) io.ReadCloser { return &cancelAt{body, 53, cancel} }
		if r, got := run(ctx, 0, at53); r.Complete || got != nil || r.Events != 3 {
			t.Errorf("context: got %+v", r)
		}
		if r, got := run(t.Context(), 0); !r.Complete ||
			!cmp.Equal(got, []string{"0+0 info compressed", "0+0 info stream-ended"}) {
			t.Errorf("gzip: got %+v", r)
		}
	})
}

func TestResponseReportsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, ssetest.Conn{
			ssetest.Status(200, "X-Accel-Buffering", "no"),
			ssetest.Send(abc[0]), ssetest.Sleep(time.Minute),
			ssetest.Send(abc[1]), ssetest.Sleep(15 * time.Second), ssetest.Stall(),
		})
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
		defer cancel()
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		r := check.Response(ctx, resp, 0)
		if len(r.Findings) != 1 || r.Findings[0].Rule != "silence" ||
			!strings.Contains(r.Findings[0].Message, "1m0s") {
			t.Errorf("got %v, want a finding about 1m0s of silence", r.Findings)
		}
	})
}

// Check needs no more memory than its documentation says, whatever it reads.
func TestResponseMemoryIsBounded(t *testing.T) {
	for name, part := range map[string]func(n int) string{
		"line": func(n int) string { return strings.Repeat("x", 1<<10) },
		"ids":  func(n int) string { return fmt.Sprintf("id: %d\ndata: x\n\n", n) },
		"invalid fields": func(n int) string {
			return fmt.Sprintf("%d\nfoo%d: x\nretry: x\nid: \x00\n", n,
				n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			resp := &http.Response{StatusCode: 200,
				Header: http.Header{"Content-Type": {"text/event-stream"}}}
			var before, after runtime.MemStats
			resp.Body = io.NopCloser(&endless{part: part, at: 3 << 20,
				f: func() { runtime.GC(); runtime.ReadMemStats(&after) }})
			runtime.GC()
			runtime.ReadMemStats(&before)
			r := check.Response(t.Context(), resp, 4<<20)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2<<20 {
				t.Errorf("the heap grew by %d bytes", grown)
			}
			if r.Bytes != 4<<20 || len(r.Findings) > 10 {
				t.Errorf("got %d bytes and %d findings", r.Bytes, len(r.Findings))
			}
		})
	}
}

func TestFindingString(t *testing.T) {
	r := checkText(t, "POST", goodHeader+"\r\nid: 1\nData: x\nData: y\n\ndata: z\n\n")
	want := `line 2: error: The line is ignored, because "Data" is not "data". ` +
		`Field names are in lower case, at the start of the line and directly before the colon. ` +
		`(2 times) [9.2.6 misspelled-field]`
	if got := r.Findings[0].String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err := json.Marshal(r.Findings[0])
	if err != nil {
		t.Fatal(err)
	}
	prefix := `{"severity":"error","rule":"misspelled-field","section":"9.2.6",` +
		`"line":2,"offset":6,"count":2,"message":"`
	if !bytes.HasPrefix(got, []byte(prefix)) {
		t.Errorf("got %s", got)
	}
	if worst, ok := r.Worst(); worst != check.Error || !ok {
		t.Errorf("Worst: got %v, %t", worst, ok)
	}
}

// Only the start of a long ID is kept, but the findings are true of the whole ID.
func TestResponseLongIDs(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for _, test := range []struct{ name, body, want, not string }{
		{"two that begin alike", "id: " + long + "1\ndata: a\n\nid: " + long + "2\ndata: b\n\n",
			"long-id", "duplicate-id"},
		{"a NUL at the end", "id: " + long + "\x00\ndata: a\n\n", "id-nul", "long-id"},
	} {
		got := strings.Join(brief(checkText(t, "POST", goodHeader+"\r\n"+test.body)), "; ")
		if !strings.Contains(got, test.want) || strings.Contains(got, test.not) {
			t.Errorf("%s: %s; want %s and not %s", test.name, got, test.want, test.not)
		}
	}
}

func TestSeverityString(t *testing.T) {
	for s, want := range map[check.Severity]string{
		check.Info: "info", check.Warning: "warning", check.Error: "error", 7: "Severity(7)",
	} {
		text, err := s.MarshalText()
		if s.String() != want || string(text) != want || err != nil {
			t.Errorf("got %v, %s, %v, want %s", s, text, err, want)
		}
	}
}
