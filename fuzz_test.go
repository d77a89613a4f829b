package sse_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
)

// FuzzParser compares the parser with the reference on two connections of one event source. It also
// checks that the events can be written and parsed again.
func FuzzParser(f *testing.F) {
	addSuite(f, func(b []byte) { f.Add(b, b) })
	f.Fuzz(func(t *testing.T, first, second []byte) {
		compare(t, [][]byte{first, second}, 0, true, func(b []byte) [][]byte {
			return slices.Collect(slices.Chunk(b, 1))
		})
		for r := sse.NewReader(bytes.NewReader(first)); r.Next(); {
			roundTrip(t, r.Event())
		}
	})
}

// FuzzChunks checks that neither the cuts of a stream, nor the sizes of reads, nor
// errors returned with the last bytes, nor the fast path change the result: the
// events, and the error for an event that is too large.
func FuzzChunks(f *testing.F) {
	addSuite(f, func(b []byte) {
		f.Add(b, []byte{2}, 0)
		f.Add(b, []byte{1, 3}, 8)
	})
	f.Fuzz(func(t *testing.T, stream, sizes []byte, limit int) {
		limit = min(max(limit, -1), 1<<20)
		cut := func(b []byte) (chunks [][]byte) {
			for i := 0; len(b) > 0; i++ {
				n := len(b)
				if len(sizes) > 0 {
					n = min(int(sizes[i%len(sizes)]), n)
				}
				if n == 0 && i >= min(len(sizes), 50) { // a Reader gives up after 100 empty reads
					n = len(b)
				}
				chunks = append(chunks, b[:n])
				b = b[n:]
			}
			return chunks
		}
		compare(t, [][]byte{stream}, limit, len(sizes)%2 == 0, cut)

		want := push(t, &sse.Parser{MaxEventSize: limit}, [][]byte{stream})
		slow := &sse.Parser{MaxEventSize: limit}
		sse.DisableFastPath(slow)
		if got := push(t, slow, cut(stream)); !want.equal(got) {
			t.Fatalf("%q, MaxEventSize %d, cut %q (-fast +slow):\n%s", stream, limit, cut(stream),
				want.diff(got))
		}
		want = want.ofReader()
		for how, src := range map[string]io.Reader{
			"EOF with data": iotest.DataErrReader(&chunkReader{cut(stream)}),
			"half reads":    iotest.HalfReader(bytes.NewReader(stream)),
		} {
			r := sse.NewReader(src)
			r.MaxEventSize = limit
			if got := read(t, r); !want.equal(got) {
				t.Fatalf("%q, MaxEventSize %d, reader: %s (-parser +reader):\n%s", stream, limit, how,
					want.diff(got))
			}
		}
	})
}

// FuzzRoundTrip writes an event, a comment and a reconnection time, and parses them.
func FuzzRoundTrip(f *testing.F) {
	f.Add("1", "add", "a\nb", "hello", int64(400*time.Millisecond))
	f.Add("", "", "", "", int64(0))
	f.Add(" 1 ", " message", " \n\n", "a\r\nb\rc\nd", int64(-1))
	f.Add("\ufeff", "\x00", "\x00\u2028", "\xff\xe2\x82", int64(math.MaxInt64))
	f.Add("a\nb", "", "", ":", int64(1))
	f.Add("a\x00", "a\rb", "a\rb", "data:x\n\n", int64(time.Millisecond+1))
	f.Add("\xff", "\xed\xa0\x80", "\xe2\x82", "", int64(time.Hour))
	f.Fuzz(func(t *testing.T, id, typ, data, comment string, ns int64) {
		roundTrip(t, sse.Event{ID: id, Type: typ, Data: data})

		// A comment and a reconnection time do not affect the event after them.
		event := sse.Event{ID: "1", Type: "e", Data: "x"}
		b, err := event.Append(sse.AppendRetry(sse.AppendComment(nil, comment), time.Duration(ns)))
		if err != nil {
			t.Fatal(err)
		}
		var ref reference
		want := ref.run(b)
		if len(want.Events) != 1 || want.Events[0] != event || want.Partial {
			t.Errorf("comment %q, retry %d: %q has the events %q", comment, ns, b, want.Events)
		}
		if got := push(t, new(sse.Parser), [][]byte{b}); !want.equal(got) {
			t.Errorf("%q (-reference +parser):\n%s", b, want.diff(got))
		}
		comment = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(comment)
		lines := strings.Split(comment, "\n")
		for i := range lines {
			lines[i] = utf8Decode([]byte("\xef\xbb\xbf" + lines[i]))
		}
		if !slices.Equal(ref.comments, lines) {
			t.Errorf("comment %q: %q has the comments %q", comment, b, ref.comments)
		}
		wait := time.Duration(max(ns, 0))
		if want.Retry < wait || want.Retry-wait >= time.Millisecond {
			t.Errorf("AppendRetry(%v) is parsed as %v", time.Duration(ns), want.Retry)
		}
	})
}

// FuzzClient plays a script of responses to a Client in virtual time. It compares the requests,
// waits and events with a model of the Client. If the low bits of act are not zero, the stream is
// closed after this number of events. If the highest bit is also set, Reconnect is called instead.
func FuzzClient(f *testing.F) {
	const ok = "200\nContent-Type: text/event-stream\n\n"
	f.Add("", "1", uint8(0))
	f.Add(ok+"id:1\ndata:a\n\nid:2\ndata:b", "", uint8(0))
	f.Add(ok+"retry:5\nid:1\ndata:a\n\n\x1e"+ok+"\xef\xbb\xbfid\ndata:b\n\n"+
		"\x1e503\nRetry-After: 7\n\nbusy\x1e"+ok+":c\n\n\x1e204\n\n", "0", uint8(0))
	f.Add("fail\x1ecut "+ok+"data:a\n\ndata:b\x1ebytes "+ok+"id:a\x01\ndata:a\r\r"+
		"\x1e404\n\nno such stream", " 5\t", uint8(0))
	f.Add(ok+"data:a\n\ndata:b\n\ndata:c\n\n", "", uint8(2))
	f.Add("200\nContent-Type: text/html\n\ndata:a\n\n", "", uint8(0))
	f.Add("307\nLocation: /b\n\n\x1e"+ok+"data:a\n\n", "", uint8(0))
	f.Add("429\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\n\n"+
		"\x1e"+ok+"retry:99999999999999999999\n\x1e"+ok+"\x1e"+ok, "", uint8(0))
	f.Add("bytes "+ok+"id:1\ndata:a\n\ndata:b\n\n\x1e"+ok+"data:c\n\n", "", uint8(0x81))
	f.Fuzz(func(t *testing.T, script, lastEventID string, act uint8) {
		synctest.Test(t, func(t *testing.T) {
			playScript(t, script, lastEventID, int(act&0x7f), act >= 0x80)
		})
	})
}

// A scriptedResponse is one of the responses of a script, which are separated by \x1e. It has the
// form of an HTTP response, except that its first line consists of words and the status.
type scriptedResponse struct {
	fail    bool // there is no response
	cut     bool // the connection breaks after the body
	bytes   bool // the body arrives byte by byte
	status  int
	header  http.Header
	body    string
	modeled bool // the model can predict what the Client does
}

// parseScript returns the responses of a script.
func parseScript(script string) (responses []scriptedResponse) {
	for _, part := range strings.Split(script, "\x1e") {
		r := scriptedResponse{header: http.Header{}, modeled: true}
		head, body, _ := strings.Cut(part, "\n\n")
		r.body = body
		lines := strings.Split(head, "\n")
		for _, word := range strings.Fields(lines[0]) {
			switch n, err := strconv.Atoi(word); {
			case err == nil && 100 <= n && n <= 999:
				r.status = n
			case word == "cut":
				r.cut = true
			case word == "bytes":
				r.bytes = true
			}
		}
		for _, line := range lines[1:] {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.header.Add(name, value)
				if name != "Content-Type" && name != "Retry-After" || len(r.header[name]) > 1 {
					r.modeled = false
				}
				if at, err := http.ParseTime(value); err == nil && at.Year() >= 2000 {
					r.modeled = false // the virtual time starts in 2000, so it may be in the future
				}
			}
		}
		r.fail = r.status == 0
		switch ct := r.header["Content-Type"]; {
		case r.status >= 300 && r.status <= 399: // may be a redirect
			r.modeled = false
		case len(ct) == 1 && ct[0] != "text/event-stream" && ct[0] != "text/html":
			r.modeled = false
		}
		responses = append(responses, r)
	}
	return responses
}

// A responseBody records whether it was closed.
type responseBody struct {
	io.Reader
	closed bool
}

func (b *responseBody) Close() error {
	b.closed = true
	return nil
}

// response returns r as the response to req.
func (r *scriptedResponse) response(req *http.Request) *http.Response {
	var body io.Reader = strings.NewReader(r.body)
	if r.cut {
		body = io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	if r.bytes {
		body = iotest.OneByteReader(body)
	}
	return &http.Response{
		StatusCode: r.status, Status: fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		ProtoMajor: 1, ProtoMinor: 1, Header: r.header.Clone(), Body: &responseBody{Reader: body},
		ContentLength: -1, Request: req,
	}
}

// A clientRun is what a Client did while a script was played.
type clientRun struct {
	sentIDs     []string // the Last-Event-ID of each request
	events      []sse.Event
	waits       []time.Duration
	total       time.Duration
	lastEventID string
	err         error
}

// playScript plays a script to a Client and checks what it does.
func playScript(t *testing.T, script, lastEventID string, actAfter int, reconnect bool) {
	responses := parseScript(script)
	var run clientRun
	var bodies []*responseBody
	client := &sse.Client{
		HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
			i := len(run.sentIDs)
			run.sentIDs = append(run.sentIDs, strings.Join(r.Header.Values("Last-Event-ID"), "\n"))
			if i == len(responses) {
				return statusResponse(r, 204), nil
			}
			if i > len(responses) {
				t.Fatalf("%q: request %d after a 204", script, i+1)
			}
			if responses[i].fail {
				return nil, errRead
			}
			resp := responses[i].response(r)
			bodies = append(bodies, resp.Body.(*responseBody))
			return resp, nil
		}),
		Backoff: func() backoff.BackOff { return &backoff.ZeroBackOff{} },
	}
	client.OnRetry = func(err error, wait time.Duration) {
		if err == nil || wait < 0 || wait > time.Hour {
			t.Errorf("%q: OnRetry(%v, %v)", script, err, wait)
		}
		run.waits = append(run.waits, wait)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://sse.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Last-Event-Id"] = []string{lastEventID}

	start := time.Now()
	stream := client.Stream(req)
	for stream.Next() {
		run.events = append(run.events, currentEvent(t, idOf{stream}))
		switch {
		case actAfter == 0 || len(run.events) != actAfter:
		case reconnect:
			stream.Reconnect()
		default:
			stream.Close()
		}
	}
	run.total = time.Since(start)
	run.lastEventID, run.err = stream.LastEventID(), stream.Err()

	if stream.Next() || stream.State() != sse.StateClosed {
		t.Errorf("%q: state %v after the end", script, stream.State())
	}
	for i, b := range bodies {
		if !b.closed {
			t.Errorf("%q: body %d is left open", script, i+1)
		}
	}
	if n := len(run.events); actAfter > 0 && n >= actAfter && !reconnect {
		if n > actAfter || run.err != nil {
			t.Errorf("%q: closed after %d events, got %d and %v", script, actAfter, n, run.err)
		}
	}
	for _, r := range responses {
		if !r.modeled {
			return
		}
	}
	if len(responses) > 0 && actAfter == 0 {
		checkModel(t, script, responses, lastEventID, run)
	}
}

// checkModel compares a run with the model of a Client.
func checkModel(
	t *testing.T, script string, responses []scriptedResponse, lastEventID string, run clientRun,
) {
	sent := "" // the last event ID that a header can carry
	setLastEventID := func(id string) bool {
		id = strings.Trim(id, " \t")
		if len(id) > 4096 || strings.ContainsFunc(id, func(r rune) bool {
			return r < 0x20 && r != '\t' || r == 0x7f
		}) {
			return false
		}
		sent = id
		return true
	}
	if !setLastEventID(lastEventID) {
		if len(run.sentIDs) > 0 || run.err == nil {
			t.Errorf("Last-Event-ID %q: %d requests, Err = %v, want an error",
				lastEventID, len(run.sentIDs), run.err)
		}
		return
	}
	ref := reference{lastEventID: sent}
	var want clientRun
	for i := 0; ; i++ {
		want.sentIDs = append(want.sentIDs, sent)
		if i == len(responses) || responses[i].status == 204 {
			break
		}
		r := responses[i]
		after := time.Duration(0)
		switch {
		case r.fail:
		case r.status == 200 && r.header.Get("Content-Type") == "text/event-stream":
			for _, id := range idsOf(ref, []byte(r.body)) {
				setLastEventID(id)
			}
			events, _ := ref.connection([]byte(r.body))
			want.events = append(want.events, events...)
		case slices.Contains(retriedStatuses, r.status):
			n, err := strconv.ParseUint(strings.TrimSpace(r.header.Get("Retry-After")), 10, 64)
			if err == nil || errors.Is(err, strconv.ErrRange) {
				after = time.Duration(min(n, 3600)) * time.Second
			}
		default:
			var status *sse.ResponseError
			if !errors.As(run.err, &status) || status.StatusCode != r.status ||
				string(status.Body) != r.body[:min(len(r.body), 4096)] && !r.cut {
				t.Errorf("%q: Err = %v, want a ResponseError of %d", script, run.err, r.status)
			}
			want.err = run.err
		}
		if want.err != nil {
			break
		}
		wait, ok := ref.retry()
		if !ok {
			wait = time.Second
		}
		want.total += min(max(wait, after), time.Hour)
	}
	if !slices.Equal(run.events, want.events) {
		t.Errorf("%q: events %q, want %q", script, run.events, want.events)
	}
	if !slices.Equal(run.sentIDs, want.sentIDs) {
		t.Errorf("%q: requests with Last-Event-ID %q, want %q", script, run.sentIDs, want.sentIDs)
	}
	if run.lastEventID != sent {
		t.Errorf("%q: LastEventID = %q, want %q", script, run.lastEventID, sent)
	}
	if errorText(run.err) != errorText(want.err) {
		t.Errorf("%q: Err = %v, want %v", script, run.err, want.err)
	}
	if run.total != want.total {
		t.Errorf("%q: waited %v in total, %v, want %v", script, run.total, run.waits, want.total)
	}
}

// retriedStatuses contains the statuses after which the Client makes another attempt.
var retriedStatuses = []int{408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}

// idsOf returns the last event ID after each blank line of a stream. A block without data also
// changes it.
func idsOf(ref reference, stream []byte) (ids []string) {
	text := utf8Decode(stream)
	for rest := text; ; {
		line, after, ended := cutLine(rest)
		if !ended {
			return ids
		}
		rest = after
		if line == "" {
			ref := ref
			ref.connection([]byte("\uFEFF" + text[:len(text)-len(rest)]))
			ids = append(ids, ref.lastEventID)
		}
	}
}

// idOf makes a Stream an eventSource. The LastEventID of a Stream is that of the next request, and
// it may differ from that of the event.
type idOf struct{ *sse.Stream }

func (s idOf) LastEventID() string { return s.Event().ID }
