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
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// These tests check the limits that SECURITY.md lists.

// Input that makes no event may be endless. It is read, but not retained.
func TestStreamMemoryOfIgnoredInput(t *testing.T) {
	total := 16 << 20
	if testing.Short() {
		total = 4 << 20
	}
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
		{"an ID with a NUL", "id:\x00 and so on", "\n"},
		{"retry fields", "retry: 0\n", ""},
		{"a retry field", "retry:0000000000", "\n"},
		{"types", "event: x\nevent: y\n", "\n"},
		{"byte order marks", "\ufeff", "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			comments := 0
			text, n := test.text, total/len(test.text)
			if strings.HasPrefix(text, "retry:0") || strings.HasPrefix(text, "id:\x00") {
				text = text[len(text)-10:]
				n = total / len(text)
			}
			end := test.end + "\n\ndata: the end\n\n"
			client := newBodyClient(&repeater{rest: test.text, text: text, n: n, end: end})
			client.OnComment = func(string) { comments++ }
			client.MaxEventSize = 1000
			s := newStream(t, client, "")
			var got []sse.Event
			if n := allocated(func() { got = collect(s) }); n > 1<<20+uint64(comments)*128 {
				t.Errorf("%d bytes allocated for a stream of %d", n, total)
			}
			if len(got) != 1 || got[0].Data != "the end" || s.Err() != nil {
				t.Errorf("events %v, Err() = %v", got, s.Err())
			}
		})
	}
}

// A compressed response is not read further than MaxEventSize allows.
func TestStreamDecompressionBomb(t *testing.T) {
	for _, field := range []string{"data:", "id:", "event:", "data:x\n"} {
		t.Run(strconv.Quote(field), func(t *testing.T) {
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
			client := newBodyClient(body)
			client.MaxEventSize = 1 << 20
			s := newStream(t, client, "")
			n := allocated(func() { collect(s) })
			if !errors.Is(s.Err(), sse.ErrEventTooLarge) {
				t.Errorf("Err() = %v, want %v", s.Err(), sse.ErrEventTooLarge)
			}
			if n > 16<<20 || body.n > 8<<20 {
				t.Errorf("%d bytes allocated and %d read with MaxEventSize %d",
					n, body.n, client.MaxEventSize)
			}
		})
	}
}

// The body of a ResponseError is not read further than an uncompressed one.
func TestResponseErrorDecompressionBomb(t *testing.T) {
	body := &countingBody{Reader: &repeater{text: "x", n: 64 << 20}}
	client := newBodyClient(body)
	client.CheckResponse = func(r *http.Response) error {
		r.StatusCode = http.StatusForbidden
		return sse.DefaultCheckResponse(r)
	}
	s := newStream(t, client, "")
	var refused *sse.ResponseError
	if s.Next() || !errors.As(s.Err(), &refused) {
		t.Fatalf("Err() = %.80v, want a *sse.ResponseError", s.Err())
	}
	if len(refused.Body) != 4<<10 || body.n > 64<<10 {
		t.Errorf("Body has %d bytes, %d bytes were read", len(refused.Body), body.n)
	}
}

// A refused response is abandoned after 5 seconds, even if its body stalls in the gzip header.
// net/http cannot close the body there.
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

// A stream of one byte a second is not idle. It uses no more memory than others, and ends when the
// caller closes it.
func TestStreamOneByteASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		start := time.Now()
		client := newBodyClient(slowBody{})
		client.IdleTimeout = time.Minute
		client.OnRetry = func(err error, _ time.Duration) {
			t.Errorf("OnRetry(%v) after %v", err, time.Since(start))
		}
		s := newStream(t, client, "")
		time.AfterFunc(day, func() { s.Close() })
		if n := allocated(func() { collect(s) }); n > 8<<20 {
			t.Errorf("%d bytes allocated in a day", n)
		}
		if s.Err() != nil || time.Since(start) < day {
			t.Errorf("Err() = %v after %v", s.Err(), time.Since(start))
		}

		// If the bytes belong to an event, MaxEventSize ends the stream.
		client = newBodyClient(slowBody{'d', 'a', 't', 'a', ':'})
		client.MaxEventSize = 3600
		start = time.Now()
		s = newStream(t, client, "")
		most := time.Hour + 32<<10*time.Second
		if s.Next() || !errors.Is(s.Err(), sse.ErrEventTooLarge) || time.Since(start) > most {
			t.Errorf("Err() = %v after %v", s.Err(), time.Since(start))
		}
	})
}

// A connection whose reads return neither bytes nor an error is abandoned.
func TestStreamNoProgress(t *testing.T) {
	var reasons []error
	client := newBodyClient(emptyBody{})
	client.OnRetry = func(err error, _ time.Duration) { reasons = append(reasons, err) }
	s := newStream(t, client, "")
	if s.Next() || s.Err() != nil || len(reasons) != 1 || reasons[0] != io.ErrNoProgress {
		t.Errorf("Err() = %v after %v", s.Err(), reasons)
	}
}

// net/http ends a response with endless headers. The attempt is repeated like any other failure.
func TestStreamEndlessHeaders(t *testing.T) {
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 ",
	} {
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
			Backoff: func() backoff.BackOff {
				return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2)
			},
			OnRetry: func(error, time.Duration) { failures++ },
		}
		s := open(t, client, "GET", "http://"+l.Addr().String(), nil)
		if s.Next() || s.Err() == nil || failures != 2 {
			t.Errorf("%q: Err() = %.200v after %d failures", head, s.Err(), failures)
		}
		l.Close()
		for n := range sent {
			if n > 64<<20 { // including the buffers of the sockets
				t.Errorf("%q: the server sent %d bytes", head, n)
			}
		}
	}
}

// Memory use stays constant, even if ids, types and comments never repeat.
func TestStreamMemoryStaysConstant(t *testing.T) {
	const events = 200_000
	var before, after runtime.MemStats
	body := &numberedBody{last: events}
	client := newBodyClient(body)
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
		t.Errorf("memory use grew by %d bytes in %d events", grown, events/2)
	}
}

// MaxEventSize limits the decoded data, type and id of one event, as far as they are buffered.
func TestParserMaxEventSize(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name, stream string
		size         int // the smallest MaxEventSize that suffices
		events       int // the number of events if MaxEventSize is one less
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
		{"decoded invalid UTF-8", "data:\xff\xe2\x82\n\n", 6, 0},
		{"UTF-8", "data:€é\n\n", 5, 0},
		{"invalid UTF-8 in id and type", "id:\xff\nevent:\xff\ndata\n\n", 6, 0},
		{"no comment, unknown field or retry", ":" + long + "\nfoo:" + long + "\n" + long +
			"\nretry:" + long + "\nretry:1" + long + "\ndata:12345\n\n", 5, 0},
		{"no comment, unknown field or retry in an event", "data:123\n:" + long +
			"\nfoo:" + long + "\n" + long + "\ndatax:" + long + "\ndata:5\n\n", 5, 0},
		{"the part of an id before a NUL", "id:12345\x00" + long + "\ndata:1\n\n", 5, 0},
		{"an incomplete data line", "data:a\n\ndata:12345", 5, 1},
		{"an incomplete event line", "data:a\n\nevent:12345", 5, 1},
		{"an incomplete id line", "data:a\n\nid: 12345", 5, 1},
	} {
		for how, cut := range map[string]func(b []byte) [][]byte{
			"whole": func(b []byte) [][]byte { return [][]byte{b} },
			"by 1":  func(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 1)) },
		} {
			t.Run(c.name+" "+how, func(t *testing.T) {
				var ref reference
				want := ref.run([]byte(c.stream))
				for _, size := range []int{c.size, c.size + 1, -1, 0} {
					p := &sse.Parser{MaxEventSize: size}
					if got := push(t, p, cut([]byte(c.stream))); !want.equal(got) {
						t.Errorf("MaxEventSize %d (-want +got):\n%s", size, want.diff(got))
					}
				}

				p := &sse.Parser{MaxEventSize: c.size - 1}
				got := push(t, p, cut([]byte(c.stream)))
				if !errors.Is(got.Err, sse.ErrEventTooLarge) {
					t.Errorf("MaxEventSize %d: Err = %v, want ErrEventTooLarge", c.size-1, got.Err)
				}
				if want := want.Events[:c.events]; !slices.Equal(got.Events, want) {
					t.Errorf("MaxEventSize %d: events %q, want %q", c.size-1, got.Events, want)
				}
				if limit := fmt.Sprint(c.size - 1); !strings.Contains(errorText(got.Err), limit) {
					t.Errorf("the error %q does not contain %s", errorText(got.Err), limit)
				}
				n, err := p.Write([]byte("\n\ndata:1\n\n"))
				if n != 0 || err != got.Err || p.Next() {
					t.Errorf("after the error: Write = %d, %v, event %q", n, err, p.Event())
				}
				p.Reset()
				got = push(t, p, [][]byte{[]byte("data:1\n\n")})
				if len(got.Events) != 1 || got.Err != nil || got.LastEventID != got.Events[0].ID {
					t.Errorf("after Reset: %v", got)
				}
			})
		}
	}
}

// A parser does not buffer input that cannot contribute to an event.
func TestParserMemoryOfIgnoredInput(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct{ name, begin, fill string }{
		{"a comment", ":", "x"},
		{"a comment of invalid UTF-8", ":", "\xff"},
		{"an unknown field", "foo:", "data:x "},
		{"a field name", "", "data"},
		{"an id with a NUL", "id:1\x00", "2"},
		{"the digits of a retry", "retry:", "9"},
		{"heartbeats", "", ":\n\n"},
		{"blank lines", "", "\r\n"},
		{"blocks of unknown fields", "", "foo\n\n"},
		{"ids", "", "id:1\n\n"},
		{"types without data", "", "event:e\n\n"},
		{"retry fields within one event", "data:x\n", "retry:1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			chunk := []byte(strings.Repeat(c.fill, 4096/len(c.fill)))
			p := &sse.Parser{MaxEventSize: 1 << 10, OnComment: func(string) {}}
			p.Write([]byte(c.begin))
			before := heapInUse()
			for n := 0; n < size; n += len(chunk) {
				p.Write(chunk)
				if p.Next() {
					t.Fatalf("event %q", p.Event())
				}
			}
			if n := heapInUse() - before; n > size/8 {
				t.Errorf("memory use grew by %d bytes for %d bytes of input", n, size)
			}
			if p.Err() != nil {
				t.Errorf("Err = %v", p.Err())
			}
		})
	}
}

// The memory allocated for an event of 4 MiB in chunks of 4 KiB is proportional to its size. It
// would be quadratic if the parser copied the event for each chunk.
func TestParserMemoryIsLinear(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct{ name, begin, fill string }{
		{"one line", "data:", "x"},
		{"lines of 1 KiB", "", "data:" + strings.Repeat("x", 1018) + "\n"},
		{"empty lines", "", "data\n"},
		{"one line of invalid UTF-8", "data:", "x\xe2\x82y"},
		{"a type", "event:", "x"},
		{"an id", "id:", "x"},
		{"lines of invalid UTF-8", "", "data:" + strings.Repeat("\xffx", 509) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			chunk := []byte(strings.Repeat(c.fill, max(1, 4096/len(c.fill))))
			p := new(sse.Parser)
			p.Write([]byte(c.begin))
			allocs := allocated(func() {
				for n := 0; n < size; n += len(chunk) {
					p.Write(chunk)
					if p.Next() {
						t.Fatal("there is an event before its end")
					}
				}
				p.Write([]byte("\ndata\n\n"))
				if !p.Next() {
					t.Fatal("there is no event")
				}
			})
			if allocs > 20*size {
				t.Errorf("%d bytes allocated for an event of %d", allocs, size)
			}
		})
	}
}

// An event at the limit takes less than 2.2 times the limit while it is read, even if the garbage
// collector frees nothing.
func TestReaderMemoryOfLargestEvent(t *testing.T) {
	for _, limit := range []int{1 << 20, 3 << 20, 33 << 20, 64 << 20, 65 << 20} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			if testing.Short() && limit > 33<<20 {
				limit = 5 << 20
			}
			line := strings.Repeat("x", 1000)
			var data strings.Builder
			for data.Len() < limit-len(line)-1 {
				data.WriteString("data:" + line + "\n")
			}
			for name, stream := range map[string]string{
				"one line":   "data:" + strings.Repeat("x", limit) + "\n\n",
				"many lines": data.String()[:limit/1006*1006] + "\n",
			} {
				r := sse.NewReader(strings.NewReader(stream))
				r.MaxEventSize = limit
				size := 0
				used := allocated(func() {
					for r.Next() {
						size = len(r.Data())
					}
				})
				if r.Err() != nil || size < limit*9/10 {
					t.Errorf("%s: an event of %d bytes, Err() = %v", name, size, r.Err())
				}
				if float64(used) > 2.2*float64(limit) {
					t.Errorf("%s: allocated %d bytes, %.2f times the limit", name, used,
						float64(used)/float64(limit))
				}
			}
		})
	}
}
