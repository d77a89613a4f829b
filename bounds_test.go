package sse_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// What a server can make a client hold, read or wait. SECURITY.md has the table.

// A repeater is a body that brings text again and again, and then the end.
type repeater struct {
	text string
	n    int // times
	end  string
	rest string
}

func (r *repeater) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.rest == "" {
			switch {
			case r.n > 0:
				r.rest = r.text
				r.n--
			case r.end != "":
				r.rest, r.end = r.end, ""
			case n == 0:
				return 0, io.EOF
			default:
				return n, nil
			}
		}
		m := copy(p[n:], r.rest)
		r.rest = r.rest[m:]
		n += m
	}
	return n, nil
}

func (r *repeater) Close() error { return nil }

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// one returns a Client whose only answer has the body; after it comes 204.
func one(body io.ReadCloser) *sse.Client {
	n := 0
	return &sse.Client{
		ReconnectionTime: -1,
		Backoff:          func() backoff.BackOff { return &backoff.ZeroBackOff{} },
		HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if n++; n > 1 {
				return answer(r, 204), nil
			}
			resp := answer(r, 200, "Content-Type", "text/event-stream")
			resp.Body = body
			return resp, nil
		})},
	}
}

// What is no event may go on for ever: it is read, and not held.
func TestEndlessNothing(t *testing.T) {
	const total = 16 << 20
	for _, test := range []struct{ name, text, end string }{
		{"comments", ":heartbeat\n", ""},
		{"a comment", "::::::::::::::::", "\n"},
		{"empty lines", "\n", ""},
		{"empty lines of CR", "\r", ""},
		{"empty lines of CRLF", "\r\n", ""},
		{"unknown fields", "unknown: field\n", ""},
		{"an unknown field", "unknown unknown", "\n"},
		{"blocks without data", "event: x\n\n", ""},
		{"blocks with an ID", "id: 1\n\n", ""},
		{"an ID after its NUL", "id:\x00 and so on", "\n"},
		{"retry fields", "retry: 0\n", ""},
		{"a retry field", "retry:0000000000", "\n"},
		{"types", "event: x\nevent: y\n", "\n"},
		{"byte order marks", "\ufeff", "\n"},
	} {
		comments := 0
		text, n := test.text, total/len(test.text)
		if strings.HasPrefix(text, "retry:0") || strings.HasPrefix(text, "id:\x00") {
			text = text[len(text)-10:]
			n = total / len(text)
		}
		body := &repeater{rest: test.text, text: text, n: n, end: test.end + "\n\ndata: there you are\n\n"}
		client := one(body)
		client.OnComment = func(string) { comments++ }
		client.MaxEventSize = 1000
		s := newStream(t, client, "")
		var got []sse.Event
		if held := allocated(func() { got = collect(s) }); held > 1<<20+uint64(comments)*128 {
			t.Errorf("%s: %d bytes allocated for a stream of %d", test.name, held, total)
		}
		if len(got) != 1 || got[0].Data != "there you are" || s.Err() != nil {
			t.Errorf("%s: events %v, Err() = %v", test.name, got, s.Err())
		}
	}
}

// A small answer that grows to a large one is read no further than MaxEventSize.
func TestDecompressionBomb(t *testing.T) {
	for _, field := range []string{"data:", "id:", "event:", "data:x\n"} {
		var bomb bytes.Buffer
		zip := gzip.NewWriter(&bomb)
		if field == "data:x\n" {
			io.Copy(zip, &repeater{text: field, n: 32 << 20 / len(field)})
		} else {
			io.Copy(zip, &repeater{rest: field, text: "xxxxxxxxxxxxxxxx", n: 2 << 20})
		}
		zip.Close()
		unzip, err := gzip.NewReader(&bomb)
		if err != nil {
			t.Fatal(err)
		}
		body := &countingBody{Reader: unzip}
		client := one(body)
		client.MaxEventSize = 1 << 20
		s := newStream(t, client, "")
		held := allocated(func() { collect(s) })
		if !errors.Is(s.Err(), sse.ErrEventTooLarge) {
			t.Errorf("%q: Err() = %v", field, s.Err())
		}
		if held > 16<<20 || body.n > 8<<20 {
			t.Errorf("%q: %d bytes allocated, %d read, with MaxEventSize %d", field, held, body.n, client.MaxEventSize)
		}
	}
}

type countingBody struct {
	io.Reader
	n int
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.n += n
	return n, err
}

func (b *countingBody) Close() error { return nil }

// An error body that is compressed costs no more than one that is not.
func TestErrorBodyBomb(t *testing.T) {
	body := &countingBody{Reader: &repeater{text: "x", n: 64 << 20}}
	client := one(body)
	client.CheckResponse = func(r *http.Response) error {
		r.StatusCode = http.StatusForbidden
		return sse.DefaultCheckResponse(r)
	}
	s := newStream(t, client, "")
	var refused *sse.ResponseError
	if s.Next() || !errors.As(s.Err(), &refused) || len(refused.Body) != 4<<10 || body.n > 64<<10 {
		t.Errorf("Err() = %.80v, %d bytes read", s.Err(), body.n)
	}
}

// net/http does not close a gzip body while its header is awaited. A refused answer that stalls there
// takes 5 seconds like any other.
func TestErrorBodyStallsInGzip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := ssetest.NewTransport(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusServiceUnavailable)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		start := time.Now()
		client := &sse.Client{HTTPClient: &http.Client{Transport: tr}}
		var s *sse.Stream
		client.OnRetry = func(err error, _ time.Duration) {
			var refused *sse.ResponseError
			if !errors.As(err, &refused) || time.Since(start) != 5*time.Second {
				t.Errorf("OnRetry(%v) after %v", err, time.Since(start))
			}
			s.Close()
		}
		s = newStream(t, client, "")
		if s.Next() || s.Err() != nil {
			t.Errorf("Err() = %v", s.Err())
		}
	})
}

// One byte a second for ever is a stream that lives. It holds no more than any other, and its reader
// decides when it has seen enough.
func TestOneByteASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		start := time.Now()
		client := one(slowBody{})
		client.IdleTimeout = time.Minute
		client.OnRetry = func(err error, _ time.Duration) { t.Errorf("after %v: %v", time.Since(start), err) }
		s := newStream(t, client, "")
		time.AfterFunc(day, func() { s.Close() })
		if held := allocated(func() { collect(s) }); held > 8<<20 {
			t.Errorf("%d bytes allocated in a day", held)
		}
		if s.Err() != nil || time.Since(start) < day {
			t.Errorf("Err() = %v after %v", s.Err(), time.Since(start))
		}

		// MaxEventSize ends it where the bytes are those of an event.
		client = one(slowBody{'d', 'a', 't', 'a', ':'})
		client.MaxEventSize = 3600
		start = time.Now()
		s = newStream(t, client, "")
		if most := time.Hour + 32<<10*time.Second; s.Next() || !errors.Is(s.Err(), sse.ErrEventTooLarge) || time.Since(start) > most {
			t.Errorf("Err() = %v after %v", s.Err(), time.Since(start))
		}
	})
}

// A slowBody begins with its bytes, and goes on with x.
type slowBody []byte

func (b slowBody) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	if len(b) > 0 && b[0] != 0 {
		n := copy(p, b)
		clear(b)
		return n, nil
	}
	p[0] = 'x'
	return 1, nil
}

func (b slowBody) Close() error { return nil }

// A reader that brings nothing, again and again, without an error is given up.
func TestNoProgress(t *testing.T) {
	var reasons []error
	client := one(emptyBody{})
	client.OnRetry = func(err error, _ time.Duration) { reasons = append(reasons, err) }
	s := newStream(t, client, "")
	if s.Next() || s.Err() != nil || len(reasons) != 1 || reasons[0] != io.ErrNoProgress {
		t.Errorf("Err() = %v after %v", s.Err(), reasons)
	}
}

type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, nil }
func (emptyBody) Close() error             { return nil }

// Headers without end are cut off by net/http, and tried again as any failure of the network.
func TestEndlessHeaders(t *testing.T) {
	for _, head := range []string{"HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 "} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan int, 10)
		go func() {
			defer close(sent)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, err = http.ReadRequest(bufio.NewReader(c))
				io.WriteString(c, head)
				line := "X-Endless: " + strings.Repeat("x", 1000) + "\r\n"
				if strings.Contains(head, "103") {
					line = head
				} else if !strings.HasSuffix(head, "\n") {
					line = strings.Repeat("x", 1000)
				}
				n := 0
				for err == nil {
					var m int
					m, err = io.WriteString(c, line)
					n += m
				}
				c.Close()
				sent <- n
			}
		}()
		failures := 0
		client := &sse.Client{
			HTTPClient:       &http.Client{Transport: &http.Transport{MaxResponseHeaderBytes: 64 << 10}},
			ReconnectionTime: -1,
			Backoff:          func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2) },
			OnRetry:          func(error, time.Duration) { failures++ },
		}
		s := open(t, client, "GET", "http://"+l.Addr().String(), nil)
		if s.Next() || s.Err() == nil || failures != 2 {
			t.Errorf("%q: Err() = %.200v after %d failures", head, s.Err(), failures)
		}
		l.Close()
		for n := range sent {
			if n > 64<<20 { // with what the sockets took
				t.Errorf("%q: the server could send %d bytes", head, n)
			}
		}
	}
}

// Ids, types and comments that never repeat leave nothing behind.
func TestNothingPilesUp(t *testing.T) {
	const events = 200_000
	var before, after runtime.MemStats
	body := &numbered{last: events}
	client := one(body)
	client.OnComment = func(string) {}
	s := newStream(t, client, "")
	n := 0
	for s.Next() {
		if n++; n == events/2 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
		if n == events {
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
	}
	if n != events || s.Err() != nil {
		t.Errorf("%d events, Err() = %v", n, s.Err())
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes more are held after %d events more", grown, events/2)
	}
}

type numbered struct {
	n, last int
	buf     []byte
}

func (b *numbered) Read(p []byte) (int, error) {
	for len(b.buf) < len(p) && b.n < b.last {
		b.n++
		b.buf = fmt.Appendf(b.buf, "id:%d\nevent:type %d\n:comment %d\ndata:\n\n", b.n, b.n, b.n)
	}
	if len(b.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.buf)
	b.buf = append(b.buf[:0], b.buf[n:]...)
	return n, nil
}

func (b *numbered) Close() error { return nil }
