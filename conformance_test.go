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
		t.Run(c.Name, func(t *testing.T) {
			var ref reference
			for i, conn := range c.Connections {
				before := ref
				if want, got := outcomeOf(conn), ref.run(conn.Stream); !want.equal(got) {
					t.Errorf("connection %d (-suite +reference):\n%s", i+1, want.diff(got))
				}
				read := 0
				for j, n := range conn.Delivered {
					read += len(conn.Chunks[j])
					ref := before
					if events, _ := ref.connection(conn.Stream[:read]); len(events) != n {
						t.Errorf("the suite has %d events after %d bytes, the reference %d",
							n, read, len(events))
					}
				}
			}
		})
	}
}

// Each stream of the suite is passed to a Parser whole, cut in two at every position, and in
// chunks of several sizes.
func TestParserConforms(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			longest := 0
			for _, conn := range c.Connections {
				longest = max(longest, len(conn.Stream))
			}
			test := func(how string, cut func(b []byte) [][]byte) {
				t.Helper()
				p := new(sse.Parser)
				for i, conn := range c.Connections {
					if i > 0 {
						p.Reset()
					}
					want, got := outcomeOf(conn), push(t, p, cut(conn.Stream))
					if !want.equal(got) {
						t.Errorf("connection %d %s (-want +got):\n%s", i+1, how, want.diff(got))
					}
				}
			}
			test("whole", func(b []byte) [][]byte { return [][]byte{b} })
			sizes := []int{1, 7, 4096}
			if longest > 1<<14 {
				sizes = sizes[1:] // TestReaderConforms reads long streams byte by byte
			}
			for _, size := range sizes {
				test(fmt.Sprintf("in chunks of %d", size), func(b []byte) [][]byte {
					return slices.Collect(slices.Chunk(b, size))
				})
			}
			for _, at := range cutPositions(longest) {
				test(fmt.Sprintf("cut at %d", at), func(b []byte) [][]byte {
					at := min(at, len(b))
					return [][]byte{b[:at], b[at:]}
				})
			}
		})
	}
}

// After each byte a Parser has delivered the events that the reference finds up to this byte.
func TestParserDeliversAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
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
					if n := len(want.Events); delivered != n {
						t.Fatalf("%d events after %q, want %d", delivered, stream[:i+1], n)
					}
					if p.LastEventID() != want.LastEventID || p.Partial() != want.Partial {
						t.Fatalf("after %q: LastEventID = %q, Partial = %t, want %q, %t",
							stream[:i+1], p.LastEventID(), p.Partial(), want.LastEventID, want.Partial)
					}
				}
				ref.connection(stream)
			}
		})
	}
}

func TestReaderConforms(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			conn := c.Connections[0]
			want := outcomeOf(conn).ofReader()
			for how, src := range map[string]io.Reader{
				"whole":             bytes.NewReader(conn.Stream),
				"with half reads":   iotest.HalfReader(bytes.NewReader(conn.Stream)),
				"byte by byte":      iotest.OneByteReader(bytes.NewReader(conn.Stream)),
				"with EOF and data": iotest.DataErrReader(bytes.NewReader(conn.Stream)),
			} {
				if got := read(t, sse.NewReader(src)); !want.equal(got) {
					t.Errorf("%s (-want +got):\n%s", how, want.diff(got))
				}
			}

			// A read error follows the events before it, whether or not the stream is cut.
			want.Err = errRead
			src := io.MultiReader(bytes.NewReader(conn.Stream), iotest.ErrReader(errRead))
			if got := read(t, sse.NewReader(src)); !want.equal(got) {
				t.Errorf("with a read error (-want +got):\n%s", want.diff(got))
			}
		})
	}
}

// At each read, a Reader has delivered the events of the chunks before.
func TestReaderDeliversAtOnce(t *testing.T) {
	for _, c := range readCases(t) {
		conn := c.Connections[0]
		if conn.Delivered == nil {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			delivered, reads := 0, 0
			r := sse.NewReader(readerFunc(func(b []byte) (int, error) {
				if reads > 0 && delivered != conn.Delivered[reads-1] {
					t.Errorf("%d events before read %d, want %d",
						delivered, reads+1, conn.Delivered[reads-1])
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
					t.Errorf("error %v", err)
					break
				}
				events = append(events, ev)
				delivered++
			}
			if !slices.Equal(events, conn.Events) {
				t.Errorf("events (-want +got):\n%s", cmp.Diff(conn.Events, suite.Events(events)))
			}
		})
	}
}

// A scriptedServer plays one case of http.json at a time.
type scriptedServer struct {
	overNetwork bool // then waits are not checked

	mu       sync.Mutex
	t        testing.TB
	c        *suite.HTTPCase
	requests int
	last     time.Time // of the last response
}

// play starts a case.
func (s *scriptedServer) play(t testing.TB, c *suite.HTTPCase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t, s.c, s.requests, s.last = t, c, 0, time.Now()
}

// exchange checks a request and returns its exchange. After the last exchange it returns nil.
func (s *scriptedServer) exchange(r *http.Request) *suite.Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, n := 0, s.requests
	s.requests++
	for ; i < len(s.c.Exchanges) && n >= s.c.Exchanges[i].Times; i++ {
		n -= s.c.Exchanges[i].Times
	}
	if i == len(s.c.Exchanges) {
		s.t.Errorf("request %d: want none", s.requests)
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
			s.t.Errorf("%s request %d: %s is %q, want %q", r.Proto, s.requests, what, v[1], v[0])
		}
	}
	if want.Wait != nil && !s.overNetwork {
		wait := time.Duration(*want.Wait) * time.Millisecond
		if got := time.Since(s.last); got != wait {
			s.t.Errorf("request %d comes after %v, want %v", s.requests, got, wait)
		}
	}
	s.last = time.Now()
	return x
}

// headerOf returns the header of a response.
func headerOf(resp suite.Response) http.Header {
	h := http.Header{}
	for _, f := range resp.Headers {
		h.Add(string(f[0]), string(f[1]))
	}
	return h
}

// RoundTrip responds in memory.
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
		StatusCode: x.Response.Status, ProtoMajor: 1, ProtoMinor: 1,
		Header: headerOf(x.Response), Body: io.NopCloser(body), ContentLength: -1, Request: r,
	}, nil
}

// ServeHTTP responds over the network.
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
	h["Content-Type"] = nil // prevents net/http from detecting a type
	maps.Copy(h, headerOf(x.Response))
	w.WriteHeader(x.Response.Status)
	w.Write(x.Response.Body)
	if x.Response.Cut {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// checkCase sends the request of a case to s at url and checks the stream until its end.
func checkCase(
	t testing.TB, c *suite.HTTPCase, client *sse.Client, url string, s *scriptedServer,
) {
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
	if events := collect(stream); !slices.Equal(events, c.Events) {
		t.Errorf("events (-want +got):\n%s", cmp.Diff(c.Events, suite.Events(events)))
	}
	if got := stream.LastEventID(); got != string(c.LastEventID) {
		t.Errorf("LastEventID = %q, want %q", got, c.LastEventID)
	}
	end := ""
	var status *sse.ResponseError
	if errors.As(stream.Err(), &status) {
		end = strconv.Itoa(status.StatusCode)
	} else if stream.Err() != nil {
		end = "error"
	}
	if end != c.End {
		t.Errorf("the stream ends with %q (%v), want %q", end, stream.Err(), c.End)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	want := 0
	for _, x := range c.Exchanges {
		want += x.Times
	}
	if s.requests != want {
		t.Errorf("%d requests, want %d", s.requests, want)
	}
}

// The cases of http.json run in memory and in virtual time.
func TestClientConforms(t *testing.T) {
	for _, c := range readHTTPCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(scriptedServer)
				checkCase(t, &c, &sse.Client{
					HTTPClient: &http.Client{Transport: s},
					Backoff:    func() backoff.BackOff { return &backoff.ZeroBackOff{} },
				}, "http://sse.test/", s)
			})
		})
	}
}

// The cases of http.json without waits and network failures run against real servers.
func TestClientConformsOverHTTP(t *testing.T) {
	cases := readHTTPCases(t)
	for _, version := range []int{1, 2} {
		s := &scriptedServer{overNetwork: true}
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
					t.Errorf("the protocol is %s, want HTTP/%d", r.Proto, version)
				}
			},
		}
		for _, c := range cases {
			if slices.ContainsFunc(c.Exchanges, func(x suite.Exchange) bool {
				return x.Response.Fail || x.Request.Wait != nil && *x.Request.Wait > 0
			}) {
				continue
			}
			t.Run(fmt.Sprintf("HTTP %d: %s", version, c.Name), func(t *testing.T) {
				checkCase(t, &c, client, server.URL+"/", s)
			})
		}
	}
}
