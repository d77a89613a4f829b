package sse_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
)

func TestReferenceConforms(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		var ref reference
		for i, conn := range c.Connections {
			before := ref
			if want, got := outcomeOf(conn), ref.run(conn.Stream); !want.equal(got) {
				t.Errorf("%s\nconnection %d (-suite +reference):\n%s", c.Name, i+1, want.diff(got))
			}
			read := 0
			for j, n := range conn.Delivered {
				read += len(conn.Chunks[j])
				ref := before
				if events, _ := ref.connection(conn.Stream[:read]); len(events) != n {
					t.Errorf("%s\nthe suite has %d events after %d bytes, the reference %d", c.Name, n, read, len(events))
				}
			}
		}
	}
}

// TestParserConforms pushes each stream of the suite into a Parser, whole and
// cut: as in the case, in two at every place, and one byte at a time.
func TestParserConforms(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		conns := c.Connections
		longest := 0
		for _, conn := range conns {
			longest = max(longest, len(conn.Stream))
		}
		test := func(how string, cut func(b []byte) [][]byte) {
			t.Helper()
			p := new(sse.Parser)
			for i, conn := range conns {
				if i > 0 {
					p.Reset()
				}
				if want, got := outcomeOf(conn), push(t, p, cut(conn.Stream)); !want.equal(got) {
					t.Errorf("%s\nconnection %d %s (-want +got):\n%s", c.Name, i+1, how, want.diff(got))
				}
			}
		}
		test("whole", func(b []byte) [][]byte { return [][]byte{b} })
		if longest <= 1<<14 { // TestReaderConforms reads the longer ones so
			test("by 1", func(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 1)) })
		}
		test("by 7", func(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 7)) })
		test("by 4096", func(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 4096)) })
		for _, at := range cutPositions(longest) {
			test(fmt.Sprintf("cut at %d", at), func(b []byte) [][]byte {
				at := min(at, len(b))
				return [][]byte{b[:at], b[at:]}
			})
		}
	}
}

// TestParserDeliversAtOnce checks that an event is there as soon as its last byte is:
// after each byte there are the events that the reference finds up to it.
func TestParserDeliversAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		var ref reference
		p := new(sse.Parser)
		for _, conn := range c.Connections {
			stream := conn.Stream
			if len(stream) > 300 {
				break
			}
			p.Reset()
			delivered := 0
			for i := range stream {
				p.Write(stream[i : i+1])
				for p.Next() {
					delivered++
				}
				ref := ref
				want := ref.run(stream[:i+1])
				if got := len(want.Events); delivered != got {
					t.Fatalf("%s\n%d events after %q, want %d", c.Name, delivered, stream[:i+1], got)
				}
				if p.LastEventID() != want.LastEventID || p.Partial() != want.Partial {
					t.Fatalf("%s\nafter %q: LastEventID = %q, Partial = %v, want %q, %v", c.Name, stream[:i+1],
						p.LastEventID(), p.Partial(), want.LastEventID, want.Partial)
				}
			}
			ref.connection(stream)
		}
	}
}

// TestReaderConforms reads each stream of the suite from readers of all kinds.
func TestReaderConforms(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		conn := c.Connections[0]
		want := outcomeOf(conn).ofReader()
		for how, src := range map[string]io.Reader{
			"whole":           bytes.NewReader(conn.Stream),
			"by halves":       iotest.HalfReader(bytes.NewReader(conn.Stream)),
			"one byte a read": iotest.OneByteReader(bytes.NewReader(conn.Stream)),
			"EOF with data":   iotest.DataErrReader(bytes.NewReader(conn.Stream)),
		} {
			if got := read(t, sse.NewReader(src)); !want.equal(got) {
				t.Errorf("%s\n%s (-want +got):\n%s", c.Name, how, want.diff(got))
			}
		}

		// A read error comes after the events before it, whatever was begun.
		want.Err = errRead
		broken := sse.NewReader(io.MultiReader(bytes.NewReader(conn.Stream), iotest.ErrReader(errRead)))
		if got := read(t, broken); !want.equal(got) {
			t.Errorf("%s\nthen a read error (-want +got):\n%s", c.Name, want.diff(got))
		}
	}
}

// TestReaderDeliversAtOnce gives a Reader the chunks of the cases that have them, and
// checks at each read that all events of the chunks before were delivered.
func TestReaderDeliversAtOnce(t *testing.T) {
	for _, c := range readCases(t) {
		conn := c.Connections[0]
		if conn.Delivered == nil {
			continue
		}
		delivered, reads := 0, 0
		r := sse.NewReader(readerFunc(func(b []byte) (int, error) {
			if reads > 0 && delivered != conn.Delivered[reads-1] {
				t.Errorf("%s\n%d events before read %d, want %d", c.Name, delivered, reads+1, conn.Delivered[reads-1])
			}
			if reads == len(conn.Chunks) {
				return 0, io.EOF
			}
			reads++
			return copy(b, conn.Chunks[reads-1]), nil
		}))
		var events []sse.Event
		for ev, err := range r.All() {
			if err != nil {
				t.Errorf("%s\nerror %v", c.Name, err)
				break
			}
			events = append(events, ev)
			delivered++
		}
		if !slices.Equal(events, conn.Events) {
			t.Errorf("%s\n(-want +got):\n%s", c.Name, cmp.Diff(conn.Events, suite.Events(events)))
		}
	}
}

// A scriptedServer is the server of one case at a time.
type scriptedServer struct {
	t    testing.TB
	mu   sync.Mutex
	c    *suite.HTTPCase
	next int
	then time.Time // of the response before
	real bool      // over a network: no waits
}

func (s *scriptedServer) play(t testing.TB, c *suite.HTTPCase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t, s.c, s.next, s.then = t, c, 0, time.Now()
}

// exchange checks a request and returns what it gets: after the last exchange nil.
func (s *scriptedServer) exchange(r *http.Request) *suite.Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, n := 0, s.next
	s.next++
	for ; i < len(s.c.Exchanges) && n >= s.c.Exchanges[i].Times; i++ {
		n -= s.c.Exchanges[i].Times
	}
	if i == len(s.c.Exchanges) {
		s.t.Errorf("%s\nrequest %d: want none", s.c.Name, s.next)
		return nil
	}
	x := &s.c.Exchanges[i]
	want := x.Request
	var id []string
	if want.LastEventID != nil {
		id = []string{string(*want.LastEventID)}
	}
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	for what, v := range map[string][2]string{
		"method":        {want.Method, r.Method},
		"path":          {want.Path, r.URL.Path},
		"Accept":        {want.Accept, strings.Join(r.Header["Accept"], "|")},
		"Cache-Control": {want.CacheControl, strings.Join(r.Header["Cache-Control"], "|")},
		"Last-Event-ID": {fmt.Sprintf("%q", id), fmt.Sprintf("%q", r.Header["Last-Event-Id"])},
		"body":          {string(want.Body), string(body)},
	} {
		if v[0] != v[1] {
			s.t.Errorf("%s\n%s request %d: %s is %q, want %q", s.c.Name, r.Proto, s.next, what, v[1], v[0])
		}
	}
	if want.Wait != nil && !s.real {
		if waited := time.Since(s.then); waited != time.Duration(*want.Wait)*time.Millisecond {
			s.t.Errorf("%s\nrequest %d comes after %v, want %d ms", s.c.Name, s.next, waited, *want.Wait)
		}
	}
	s.then = time.Now()
	return x
}

func headerOf(resp suite.Response) http.Header {
	h := http.Header{}
	for _, f := range resp.Headers {
		h.Add(string(f[0]), string(f[1]))
	}
	return h
}

// RoundTrip answers in memory.
func (s *scriptedServer) RoundTrip(r *http.Request) (*http.Response, error) {
	x := s.exchange(r)
	if x == nil {
		return nil, backoff.Permanent(errRead)
	}
	if x.Response.Fail {
		return nil, errRead
	}
	var body io.Reader = bytes.NewReader(x.Response.Body)
	if x.Response.Cut {
		body = io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	return &http.Response{
		StatusCode: x.Response.Status, Header: headerOf(x.Response), Body: io.NopCloser(body), Request: r,
		ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}, nil
}

// ServeHTTP answers over the network.
func (s *scriptedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.exchange(r)
	if x == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	for _, status := range x.Response.Informational {
		w.WriteHeader(status)
	}
	h := w.Header()
	h["Content-Type"] = nil // and not what the body looks like
	maps.Copy(h, headerOf(x.Response))
	w.WriteHeader(x.Response.Status)
	w.Write(x.Response.Body)
	if x.Response.Cut {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// follow runs a case's client to its end.
func follow(t testing.TB, c *suite.HTTPCase, client *sse.Client, url string, s *scriptedServer) {
	t.Helper()
	s.play(t, c)
	var body io.Reader
	if len(c.Request.Body) > 0 {
		body = bytes.NewReader(c.Request.Body)
	}
	req, err := http.NewRequestWithContext(t.Context(), c.Request.Method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Request.Headers {
		req.Header.Add(string(f[0]), string(f[1]))
	}
	stream := client.Stream(req)
	var events []sse.Event
	for stream.Next() {
		events = append(events, stream.Event())
	}
	if !slices.Equal(events, c.Events) {
		t.Errorf("%s\n%s events (-want +got):\n%s", c.Name, url, cmp.Diff(c.Events, suite.Events(events)))
	}
	if got := stream.LastEventID(); got != string(c.LastEventID) {
		t.Errorf("%s\n%s LastEventID = %q, want %q", c.Name, url, got, c.LastEventID)
	}
	end := ""
	var status *sse.ResponseError
	if errors.As(stream.Err(), &status) {
		end = strconv.Itoa(status.StatusCode)
	} else if stream.Err() != nil {
		end = "error"
	}
	if end != c.End {
		t.Errorf("%s\n%s ends with %q (%v), want %q", c.Name, url, end, stream.Err(), c.End)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	want := 0
	for _, x := range c.Exchanges {
		want += x.Times
	}
	if s.next != want {
		t.Errorf("%s\n%s %d requests, want %d", c.Name, url, s.next, want)
	}
}

// TestClientConforms runs testdata/http.json in memory, where time is virtual.
func TestClientConforms(t *testing.T) {
	for _, c := range readHTTPCases(t) {
		synctest.Test(t, func(t *testing.T) {
			s := new(scriptedServer)
			follow(t, &c, &sse.Client{
				HTTPClient: &http.Client{Transport: s},
				Backoff:    func() backoff.BackOff { return &backoff.ZeroBackOff{} },
			}, "http://sse.test/", s)
		})
	}
}

// TestClientConformsOverHTTP runs the cases without waits against real servers.
func TestClientConformsOverHTTP(t *testing.T) {
	cases := readHTTPCases(t)
	for _, version := range []int{1, 2} {
		s := &scriptedServer{real: true}
		server := httptest.NewUnstartedServer(s)
		server.EnableHTTP2 = version == 2
		server.StartTLS()
		defer server.Close()
		client := &sse.Client{
			HTTPClient:       server.Client(),
			ReconnectionTime: -1,
			Backoff:          func() backoff.BackOff { return &backoff.ZeroBackOff{} },
			OnOpen: func(r *http.Response) {
				if r.ProtoMajor != version {
					t.Errorf("%s, want HTTP/%d", r.Proto, version)
				}
			},
		}
		for _, c := range cases {
			if !slices.ContainsFunc(c.Exchanges, func(x suite.Exchange) bool {
				return x.Response.Fail || x.Request.Wait != nil && *x.Request.Wait > 0
			}) {
				follow(t, &c, client, server.URL+"/", s)
			}
		}
	}
}
