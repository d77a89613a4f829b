package sse_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/seed-0d85b69d/sse"
)

// A suiteCase is a case of testdata/parser.json: one connection, or several of
// one event source. See testdata/README.md.
type suiteCase struct {
	Name    string
	Section string
	suiteConnection
	Connections []suiteConnection
}

// A suiteConnection is what one connection sends, and what is known at its end.
type suiteConnection struct {
	Stream      wireText
	Chunks      []wireText // instead of Stream, where the cuts matter
	Delivered   []int      // how many events there are after each of Chunks
	Events      suiteEvents
	LastEventID suiteText
	Retry       suiteText // decimal digits of milliseconds; "": never set
	Partial     bool
}

// suiteText is text with repetitions: a string, [count, text], or an array of texts.
type suiteText string

func (s *suiteText) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(s))
	}
	count, part, ok := repetition(b)
	if ok {
		err := json.Unmarshal(part, s)
		*s = suiteText(strings.Repeat(string(*s), count))
		return err
	}
	var parts []suiteText
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	*s = ""
	for _, part := range parts {
		*s += part
	}
	return nil
}

// repetition takes a JSON value [count, part] apart.
func repetition(b []byte) (count int, part json.RawMessage, ok bool) {
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil || len(list) != 2 || json.Unmarshal(list[0], &count) != nil {
		return 0, nil, false
	}
	return count, list[1], true
}

// wireText is bytes: text whose characters, U+0000 to U+00FF, are one byte each.
type wireText []byte

func (s *wireText) UnmarshalJSON(b []byte) error {
	var text suiteText
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	*s = wireText{}
	for _, r := range string(text) {
		if r > 0xff {
			return fmt.Errorf("%q is no byte", r)
		}
		*s = append(*s, byte(r))
	}
	return nil
}

// suiteEvents is a list of events; [count, event] is count times the event.
type suiteEvents []sse.Event

func (s *suiteEvents) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, item := range list {
		count, part, ok := repetition(item)
		if !ok {
			count, part = 1, item
		}
		var event struct{ Type, Data, ID *suiteText }
		d := json.NewDecoder(bytes.NewReader(part))
		d.DisallowUnknownFields()
		if err := d.Decode(&event); err != nil {
			return err
		}
		if event.Type == nil || event.Data == nil || event.ID == nil {
			return fmt.Errorf("event %s: want type, data and id", part)
		}
		for range count {
			*s = append(*s, sse.Event{Type: string(*event.Type), Data: string(*event.Data), ID: string(*event.ID)})
		}
	}
	return nil
}

// connections returns what the case's connections send, as chunks.
func (c *suiteCase) connections() []suiteConnection {
	conns := c.Connections
	if conns == nil {
		conns = []suiteConnection{c.suiteConnection}
	}
	for i := range conns {
		if conns[i].Chunks == nil {
			conns[i].Chunks = []wireText{conns[i].Stream}
		}
	}
	return conns
}

func (c *suiteConnection) bytes() []byte {
	var b []byte
	for _, chunk := range c.Chunks {
		b = append(b, chunk...)
	}
	return b
}

// retry is the reconnection time as a Duration that saturates.
func (c *suiteConnection) retry() (time.Duration, bool) {
	ms, ok := new(big.Int).SetString(string(c.Retry), 10)
	if !ok {
		return 0, false
	}
	return (&reference{reconnectionTime: ms}).retry()
}

func (c *suiteConnection) want() outcome {
	retry, ok := c.retry()
	return outcome{slices.Clip([]sse.Event(c.Events)), string(c.LastEventID), retry, ok, c.Partial, nil}
}

func TestSuiteIsASuite(t *testing.T) {
	cases := readSuite[suiteCase](t, "testdata/parser.json")
	if len(cases) < 250 {
		t.Errorf("%d cases, want 250 or more", len(cases))
	}
	names, streams := map[string]bool{}, map[string]string{}
	for _, c := range cases {
		if names[c.Name] {
			t.Errorf("two cases are named %q", c.Name)
		}
		names[c.Name] = true
		if !strings.HasSuffix(c.Name, ".") || !strings.HasPrefix(c.Section, "HTML 9.2.") && !strings.HasPrefix(c.Section, "Encoding ") {
			t.Errorf("%q stands on %q: want a sentence and a section", c.Name, c.Section)
		}
		key := ""
		for _, conn := range c.connections() {
			key += fmt.Sprintf("%q", conn.Chunks)
			if conn.Delivered != nil && len(conn.Delivered) != len(conn.Chunks) {
				t.Errorf("%q: %d counts for %d chunks", c.Name, len(conn.Delivered), len(conn.Chunks))
			}
		}
		if streams[key] != "" {
			t.Errorf("%q is a copy of %q", c.Name, streams[key])
		}
		streams[key] = c.Name
	}
}

func TestReferenceAgreesWithSuite(t *testing.T) {
	t.Parallel()
	for _, c := range readSuite[suiteCase](t, "testdata/parser.json") {
		var ref reference
		for i, conn := range c.connections() {
			before := ref
			if want, got := conn.want(), ref.run(conn.bytes()); !want.equal(got) {
				t.Errorf("%s\nconnection %d (-suite +reference):\n%s", c.Name, i+1, want.diff(got))
			}
			read := 0
			for j, n := range conn.Delivered {
				read += len(conn.Chunks[j])
				ref := before
				if events, _ := ref.connection(conn.bytes()[:read]); len(events) != n {
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
	for _, c := range readSuite[suiteCase](t, "testdata/parser.json") {
		conns := c.connections()
		longest := 0
		for _, conn := range conns {
			longest = max(longest, len(conn.bytes()))
		}
		test := func(how string, cut func(b []byte) [][]byte) {
			t.Helper()
			p := new(sse.Parser)
			for i, conn := range conns {
				if i > 0 {
					p.Reset()
				}
				if want, got := conn.want(), push(t, p, cut(conn.bytes())); !want.equal(got) {
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
		for _, at := range places(longest) {
			test(fmt.Sprintf("cut at %d", at), func(b []byte) [][]byte {
				at := min(at, len(b))
				return [][]byte{b[:at], b[at:]}
			})
		}
	}
}

// TestParserDelivers checks that an event is there as soon as its last byte is:
// after each byte there are the events that the reference finds up to it.
func TestParserDelivers(t *testing.T) {
	t.Parallel()
	for _, c := range readSuite[suiteCase](t, "testdata/parser.json") {
		var ref reference
		p := new(sse.Parser)
		for _, conn := range c.connections() {
			stream := conn.bytes()
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
	for _, c := range readSuite[suiteCase](t, "testdata/parser.json") {
		conn := c.connections()[0]
		want := conn.want().ofReader()
		for how, src := range map[string]io.Reader{
			"whole":           bytes.NewReader(conn.bytes()),
			"by halves":       iotest.HalfReader(bytes.NewReader(conn.bytes())),
			"one byte a read": iotest.OneByteReader(bytes.NewReader(conn.bytes())),
			"EOF with data":   iotest.DataErrReader(bytes.NewReader(conn.bytes())),
		} {
			if got := read(t, sse.NewReader(src)); !want.equal(got) {
				t.Errorf("%s\n%s (-want +got):\n%s", c.Name, how, want.diff(got))
			}
		}

		// A read error comes after the events before it, whatever was begun.
		want.Err = errRead
		broken := sse.NewReader(io.MultiReader(bytes.NewReader(conn.bytes()), iotest.ErrReader(errRead)))
		if got := read(t, broken); !want.equal(got) {
			t.Errorf("%s\nthen a read error (-want +got):\n%s", c.Name, want.diff(got))
		}
	}
}

// TestReaderDelivers gives a Reader the chunks of the cases that have them, and
// checks at each read that all events of the chunks before were delivered.
func TestReaderDelivers(t *testing.T) {
	for _, c := range readSuite[suiteCase](t, "testdata/parser.json") {
		conn := c.suiteConnection
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
		if !reflect.DeepEqual(events, []sse.Event(conn.Events)) {
			t.Errorf("%s\n(-want +got):\n%s", c.Name, gocmp.Diff([]sse.Event(conn.Events), events))
		}
	}
}

// An httpCase is a case of testdata/http.json. See testdata/README.md.
type httpCase struct {
	Name, Section string
	Kind          string // "must" or "policy"
	Request       struct {
		Method  string
		Headers [][2]wireText
		Body    wireText
	}
	Exchanges   []httpExchange
	Events      suiteEvents
	LastEventID wireText
	End         string // "": no error; "error"; or the status of the answer that is no stream
}

// An httpExchange is a request that must come, and the response that it gets.
type httpExchange struct {
	Request struct {
		Method, Path, Accept, CacheControl string
		LastEventID                        *wireText
		Body                               wireText
		Wait                               *int // milliseconds since the response before
	}
	Response struct {
		Fail          bool // none: the network fails
		Informational []int
		Status        int
		Headers       [][2]wireText
		Body          wireText
		Cut           bool // the connection breaks after the body
	}
	Times int
}

// A scriptedServer is the server of one case at a time.
type scriptedServer struct {
	t    testing.TB
	mu   sync.Mutex
	c    *httpCase
	next int
	then time.Time // of the response before
	real bool      // over a network: no waits
}

func (s *scriptedServer) play(t testing.TB, c *httpCase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t, s.c, s.next, s.then = t, c, 0, time.Now()
}

// exchange checks a request and returns what it gets: after the last exchange nil.
func (s *scriptedServer) exchange(r *http.Request) *httpExchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, n := 0, s.next
	s.next++
	for ; i < len(s.c.Exchanges) && n >= max(1, s.c.Exchanges[i].Times); i++ {
		n -= max(1, s.c.Exchanges[i].Times)
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
		"method":        {cmp.Or(want.Method, "GET"), r.Method},
		"path":          {cmp.Or(want.Path, "/"), r.URL.Path},
		"Accept":        {cmp.Or(want.Accept, "text/event-stream"), strings.Join(r.Header["Accept"], "|")},
		"Cache-Control": {cmp.Or(want.CacheControl, "no-cache"), strings.Join(r.Header["Cache-Control"], "|")},
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

func (x *httpExchange) header() http.Header {
	h := http.Header{}
	for _, f := range x.Response.Headers {
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
		StatusCode: x.Response.Status, Header: x.header(), Body: io.NopCloser(body), Request: r,
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
	maps.Copy(h, x.header())
	w.WriteHeader(x.Response.Status)
	w.Write(x.Response.Body)
	if x.Response.Cut {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// follow runs a case's client to its end.
func (c *httpCase) follow(t testing.TB, client *sse.Client, url string, s *scriptedServer) {
	t.Helper()
	s.play(t, c)
	var body io.Reader
	if len(c.Request.Body) > 0 {
		body = bytes.NewReader(c.Request.Body)
	}
	req, err := http.NewRequestWithContext(t.Context(), cmp.Or(c.Request.Method, "GET"), url, body)
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
		t.Errorf("%s\n%s events (-want +got):\n%s", c.Name, url, gocmp.Diff([]sse.Event(c.Events), events))
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
		want += max(1, x.Times)
	}
	if s.next != want {
		t.Errorf("%s\n%s %d requests, want %d", c.Name, url, s.next, want)
	}
}

func TestHTTPSuiteIsASuite(t *testing.T) {
	names, scripts := map[string]bool{}, map[string]string{}
	for _, c := range readSuite[httpCase](t, "testdata/http.json") {
		if names[c.Name] || !strings.HasSuffix(c.Name, ".") || c.Section == "" || c.Kind != "must" && c.Kind != "policy" {
			t.Errorf("%q of kind %q stands on %q: want a sentence of its own, a section, must or policy", c.Name, c.Kind, c.Section)
		}
		names[c.Name] = true
		key, err := json.Marshal([]any{c.Request, c.Exchanges})
		if err != nil {
			t.Fatal(err)
		}
		if scripts[string(key)] != "" {
			t.Errorf("%q is a copy of %q", c.Name, scripts[string(key)])
		}
		scripts[string(key)] = c.Name
	}
}

// TestClientConforms runs testdata/http.json in memory, where time is virtual.
func TestClientConforms(t *testing.T) {
	for _, c := range readSuite[httpCase](t, "testdata/http.json") {
		synctest.Test(t, func(t *testing.T) {
			s := new(scriptedServer)
			c.follow(t, &sse.Client{
				HTTPClient: &http.Client{Transport: s},
				Backoff:    func() backoff.BackOff { return &backoff.ZeroBackOff{} },
			}, "http://sse.test/", s)
		})
	}
}

// TestClientConformsOverHTTP runs the cases without waits against real servers.
func TestClientConformsOverHTTP(t *testing.T) {
	cases := readSuite[httpCase](t, "testdata/http.json")
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
			if !slices.ContainsFunc(c.Exchanges, func(x httpExchange) bool {
				return x.Response.Fail || x.Request.Wait != nil && *x.Request.Wait > 0
			}) {
				c.follow(t, client, server.URL+"/", s)
			}
		}
	}
}
