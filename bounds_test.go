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
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// What a server can make a client hold, read or wait. SECURITY.md has the table.

// What is no event may go on for ever: it is read, and not held.
func TestStreamMemoryOfIgnoredInput(t *testing.T) {
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
func TestStreamDecompressionBomb(t *testing.T) {
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

// An error body that is compressed costs no more than one that is not.
func TestResponseErrorDecompressionBomb(t *testing.T) {
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
func TestResponseErrorWhenGzipStalls(t *testing.T) {
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
func TestStreamOneByteASecond(t *testing.T) {
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

// A reader that brings nothing, again and again, without an error is given up.
func TestStreamNoProgress(t *testing.T) {
	var reasons []error
	client := one(emptyBody{})
	client.OnRetry = func(err error, _ time.Duration) { reasons = append(reasons, err) }
	s := newStream(t, client, "")
	if s.Next() || s.Err() != nil || len(reasons) != 1 || reasons[0] != io.ErrNoProgress {
		t.Errorf("Err() = %v after %v", s.Err(), reasons)
	}
}

// Headers without end are cut off by net/http, and tried again as any failure of the network.
func TestStreamEndlessHeaders(t *testing.T) {
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
func TestStreamMemoryStaysConstant(t *testing.T) {
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

// TestParserMaxEventSize checks what counts, to the byte: decoded data, type and id
// of one event, as far as they are held.
func TestParserMaxEventSize(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name, stream string
		size         int // the least MaxEventSize
		events       int // where it is one less
	}{
		{"data", "data:a\n\ndata:12345\n\ndata:b\n\n", 5, 1},
		{"data after a space", "data: 12345\n\n", 5, 0},
		{"joined data", "data:12\ndata:45\n\n", 5, 0},
		{"empty data lines", "data\ndata:\ndata\ndata: \n\n", 3, 0},
		{"a type", "event:123\ndata:45\n\n", 5, 0},
		{"a type without data", "event:12345\n\n", 5, 0},
		{"the last of several types", "event:12345\nevent:1\ndata:2345\n\n", 5, 0},
		{"an id", "id:123\ndata:45\n\n", 5, 0},
		{"an id after data", "data:45\nid:123\n\n", 5, 0},
		{"the last of several ids", "id:12345\nid:1\ndata:2345\n\n", 5, 0},
		{"an id without data", "data:a\n\nid:12345\n\n", 5, 1},
		{"no id of an earlier event", "id:123\ndata:12\n\ndata:12345\n\n", 5, 0},
		{"ill-formed bytes, as they are decoded", "data:\xff\xe2\x82\n\n", 6, 0},
		{"characters, in bytes", "data:€é\n\n", 5, 0},
		{"an ill-formed id and type", "id:\xff\nevent:\xff\ndata\n\n", 6, 0},
		{"no comment, unknown field or retry", ":" + long + "\nfoo:" + long + "\n" + long + "\nretry:" + long + "\nretry:1" + long + "\ndata:12345\n\n", 5, 0},
		{"no comment, unknown field or retry within an event", "data:123\n:" + long + "\nfoo:" + long + "\n" + long + "\ndatax:" + long + "\ndata:5\n\n", 5, 0},
		{"of an id with a NUL what comes before it", "id:12345\x00" + long + "\ndata:1\n\n", 5, 0},
		{"a line that is not ended", "data:a\n\ndata:12345", 5, 1},
		{"a type that is not ended", "data:a\n\nevent:12345", 5, 1},
		{"an id that is not ended", "data:a\n\nid: 12345", 5, 1},
	} {
		for how, cut := range map[string]func(b []byte) [][]byte{
			"whole": func(b []byte) [][]byte { return [][]byte{b} },
			"by 1":  func(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 1)) },
		} {
			var ref reference
			want := ref.run([]byte(c.stream))
			for _, size := range []int{c.size, c.size + 1, -1, 0} {
				p := &sse.Parser{MaxEventSize: size}
				if got := push(t, p, cut([]byte(c.stream))); !want.equal(got) {
					t.Errorf("%s, %s, MaxEventSize %d (-want +got):\n%s", c.name, how, size, want.diff(got))
				}
			}

			p := &sse.Parser{MaxEventSize: c.size - 1}
			got := push(t, p, cut([]byte(c.stream)))
			if !errors.Is(got.Err, sse.ErrEventTooLarge) || !slices.Equal(got.Events, want.Events[:c.events]) {
				t.Errorf("%s, %s, MaxEventSize %d: Err = %v after %q, want ErrEventTooLarge after %q",
					c.name, how, c.size-1, got.Err, got.Events, want.Events[:c.events])
			}
			if limit := fmt.Sprint(c.size - 1); !strings.Contains(errorText(got.Err), limit) {
				t.Errorf("%s: error %q does not say %s", c.name, errorText(got.Err), limit)
			}
			if n, err := p.Write([]byte("\n\ndata:1\n\n")); n != 0 || err != got.Err || p.Next() {
				t.Errorf("%s: after the error Write = %d, %v, and events go on", c.name, n, err)
			}
			p.Reset()
			if got := push(t, p, [][]byte{[]byte("data:1\n\n")}); len(got.Events) != 1 || got.Err != nil || got.LastEventID != got.Events[0].ID {
				t.Errorf("%s: after Reset %v", c.name, got)
			}
		}
	}
}

// TestParserMemoryOfIgnoredInput streams 4 MiB of what is never held through a parser,
// and checks that it does not hold them.
func TestParserMemoryOfIgnoredInput(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct{ name, begin, fill string }{
		{"a comment", ":", "x"},
		{"a comment of ill-formed bytes", ":", "\xff"},
		{"an unknown field", "foo:", "data:x "},
		{"a name", "", "data"},
		{"an id after its NUL", "id:1\x00", "2"},
		{"the digits of a retry", "retry:", "9"},
		{"heartbeats", "", ":\n\n"},
		{"blank lines", "", "\r\n"},
		{"blocks of unknown fields", "", "foo\n\n"},
		{"ids", "", "id:1\n\n"},
		{"types that data never follows", "", "event:e\n\n"},
		{"retry fields within one event", "data:x\n", "retry:1\n"},
	} {
		chunk := []byte(strings.Repeat(c.fill, 4096/len(c.fill)))
		p := &sse.Parser{MaxEventSize: 1 << 10, OnComment: func(string) {}}
		p.Write([]byte(c.begin))
		before := heap()
		for n := 0; n < size; n += len(chunk) {
			p.Write(chunk)
			if p.Next() {
				t.Fatalf("%s: an event %q", c.name, p.Event())
			}
		}
		if n := heap() - before; n > size/8 {
			t.Errorf("%s: %d bytes held of %d", c.name, n, size)
		}
		if p.Err() != nil {
			t.Errorf("%s: %v", c.name, p.Err())
		}
	}
}

// TestParserMemoryIsLinear checks that an event of 4 MiB, in chunks of 4 KiB, costs
// memory in proportion: what is copied again and again is allocated, too.
func TestParserMemoryIsLinear(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct{ name, begin, fill string }{
		{"one line", "data:", "x"},
		{"lines of 1 KiB", "", "data:" + strings.Repeat("x", 1018) + "\n"},
		{"empty lines", "", "data\n"},
		{"one line of ill-formed bytes", "data:", "x\xe2\x82y"},
		{"a type", "event:", "x"},
		{"an id", "id:", "x"},
		{"ill-formed lines", "", "data:" + strings.Repeat("\xffx", 509) + "\n"},
	} {
		chunk := []byte(strings.Repeat(c.fill, max(1, 4096/len(c.fill))))
		p := new(sse.Parser)
		p.Write([]byte(c.begin))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for n := 0; n < size; n += len(chunk) {
			p.Write(chunk)
			if p.Next() {
				t.Fatalf("%s: an event", c.name)
			}
		}
		p.Write([]byte("\ndata\n\n"))
		if !p.Next() {
			t.Fatalf("%s: no event", c.name)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 20*size {
			t.Errorf("%s: %d bytes allocated for an event of %d", c.name, n, size)
		}
	}
}
