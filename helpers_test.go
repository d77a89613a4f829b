package sse_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/suite"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// A piece of a stream ends with a blank line: an event, or a block that only has an ID.
type piece struct {
	wire  string
	event sse.Event // Type "": there is none
}

func eventsOf(pieces []piece) (events []sse.Event) {
	for _, p := range pieces {
		if p.event.Type != "" {
			events = append(events, p.event)
		}
	}
	return events
}

// after returns what comes after the piece with the ID.
func after(pieces []piece, id string) []piece {
	for i, p := range pieces {
		if id != "" && p.event.ID == id {
			return pieces[i+1:]
		}
	}
	return pieces
}

func wireOf(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.wire)
	}
	return b.String()
}

// A cut is a way in which a connection ends.
type cut int

const (
	cleanEnd cut = iota
	unexpectedEnd
	reset
	silence
	numCuts
)

func (c cut) String() string {
	return [...]string{"clean end", "unexpected end", "reset", "silence"}[c]
}

// A cutBody brings text, at most chunk bytes a read, and then ends in its way.
type cutBody struct {
	text   string
	chunk  int
	cut    cut
	closed chan struct{}
	close  func()
}

// answerCut returns an event stream. It counts as open until it is closed.
func answerCut(r *http.Request, text string, chunk int, how cut, open *atomic.Int32) *http.Response {
	open.Add(1)
	b := &cutBody{text: text, chunk: chunk, cut: how, closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() {
		open.Add(-1)
		close(b.closed)
	})
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: b, Request: r,
	}
}

func answer(r *http.Request, code int, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: code, Status: strconv.Itoa(code), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Add(header[i], header[i+1])
	}
	return resp
}

func (b *cutBody) Read(p []byte) (int, error) {
	n := min(len(p), len(b.text))
	if b.chunk > 0 {
		n = min(n, b.chunk)
	}
	copy(p, b.text[:n])
	b.text = b.text[n:]
	switch {
	case n > 0 && (len(b.text) > 0 || b.cut != cleanEnd):
		return n, nil
	case b.cut == cleanEnd:
		return n, io.EOF // beside the last bytes
	case b.cut == unexpectedEnd:
		return 0, io.ErrUnexpectedEOF
	case b.cut == reset:
		return 0, &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	<-b.closed
	return 0, http.ErrBodyReadAfterClose
}

func (b *cutBody) Close() error {
	b.close()
	return nil
}

func newStream(t testing.TB, client *sse.Client, lastEventID string) *sse.Stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	return client.Stream(req)
}

func collect(s *sse.Stream) (events []sse.Event) {
	for s.Next() {
		events = append(events, s.Event())
	}
	return events
}

// A pace checks that a stream connects no more often than the default policy allows: never sooner
// than the reconnection time, and after k connections in a row that brought no event and lasted less
// than a minute not before 250 ms × 2ᵏ⁻¹, up to 30 s, more.
type pace struct {
	t         testing.TB
	floor     time.Duration // what the server asked for last, at least
	fruitless int           // connections and attempts in a row
	hurried   bool          // Reconnect was called
	opened    time.Time
	next      time.Time // no attempt before that
}

func (p *pace) limit(c *sse.Client) {
	c.Prepare = func(*http.Request) error {
		if time.Now().Before(p.next) {
			p.t.Errorf("an attempt %v early", time.Until(p.next))
		}
		return nil
	}
	c.OnOpen = func(*http.Response) { p.opened = time.Now() }
	c.OnRetry = func(err error, wait time.Duration) {
		if !p.opened.IsZero() && time.Since(p.opened) >= time.Minute {
			p.fruitless = 0
		}
		p.opened = time.Time{}
		if err == sse.ErrReconnect && p.hurried && wait <= time.Second {
			p.hurried = false
			return
		}
		p.fruitless++
		if least := p.floor + min(250*time.Millisecond<<min(p.fruitless-1, 20), 30*time.Second); wait < least {
			p.t.Errorf("a wait of %v after %v, the %d. without an event; want %v at least", wait, err, p.fruitless, least)
		}
		if most := time.Hour + 90*time.Second; wait > most {
			p.t.Errorf("a wait of %v, want %v at most", wait, most)
		}
		p.next = time.Now().Add(wait)
	}
}

func (p *pace) event() {
	p.fruitless = 0
	p.next = time.Time{}
}

// stepping returns a Client with a server that fails in several ways, and then sends shapes in two
// halves. It calls step wherever something happens.
func stepping(open *atomic.Int32, step func()) *sse.Client {
	n := 0
	client := &sse.Client{
		IdleTimeout: time.Minute,
		HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			step()
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			n++
			rest := after(shapes, r.Header.Get("Last-Event-ID"))
			var resp *http.Response
			switch {
			case n == 1:
				return nil, errors.New("no network")
			case n == 2:
				resp = answerCut(r, "later", 2, cleanEnd, open)
				resp.StatusCode = 503
			case len(rest) == 0:
				resp = answerCut(r, "", 0, cleanEnd, open)
				resp.StatusCode = 204
			case n == 3:
				resp = answerCut(r, wireOf(rest)[:len(wireOf(rest))/2], 29, silence, open)
			default:
				resp = answerCut(r, wireOf(rest), 29, unexpectedEnd, open)
			}
			resp.Body = stepBody{resp.Body, step}
			return resp, nil
		})},
		Prepare:       func(*http.Request) error { step(); return nil },
		CheckResponse: func(r *http.Response) error { step(); return sse.DefaultCheckResponse(r) },
		OnOpen:        func(*http.Response) { step() },
		OnRetry:       func(error, time.Duration) { step() },
		OnComment:     func(string) { step() },
	}
	return client
}

type stepBody struct {
	io.ReadCloser
	step func()
}

func (b stepBody) Read(p []byte) (int, error) {
	b.step()
	return b.ReadCloser.Read(p)
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// afterLast is the number of the event that comes after the last one that r says it had.
func afterLast(t *testing.T, r *http.Request) int {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		return 0
	}
	last, err := strconv.Atoi(id)
	if err != nil {
		t.Errorf("Last-Event-ID %q", id)
	}
	return last + 1
}

// shapes has pieces of every shape, each with an ID of its own.
var shapes = []piece{
	{"id:1\ndata:a\n\n", sse.Event{ID: "1", Type: "message", Data: "a"}},
	{"id: 2\r\nevent: e\r\ndata: b\r\ndata: c\r\n\r\n", sse.Event{ID: "2", Type: "e", Data: "b\nc"}},
	{"data:d\rid:3\r\r", sse.Event{ID: "3", Type: "message", Data: "d"}},
	{"id:4\n\n", sse.Event{ID: "4"}},
	{"id:5\nretry:10\ndata\n\n", sse.Event{ID: "5", Type: "message"}},
	{"id:6\ndata:\ndata:\n\n", sse.Event{ID: "6", Type: "message", Data: "\n"}},
	{":comment\n\nevent:lost\n\nid:7\ndata:f\n\n\n\n", sse.Event{ID: "7", Type: "message", Data: "f"}},
	{"unknown:x\nDATA:x\nid:8\ndata:g\r\n\n", sse.Event{ID: "8", Type: "message", Data: "g"}},
	{"id:é9 €\nevent:ü\ndata:漢字 𝄞\n\n", sse.Event{ID: "é9 €", Type: "ü", Data: "漢字 𝄞"}},
	{"id:10\ndata:\xff\xe2\x82\xc0\x80\n\n", sse.Event{ID: "10", Type: "message", Data: "\ufffd\ufffd\ufffd\ufffd"}},
	{"id:11\ndata:\x00\nid:no\x00\n\n", sse.Event{ID: "11", Type: "message", Data: "\x00"}},
	{"id:12a\nid:12b\r\n\r\n", sse.Event{ID: "12b"}},
	{"id:13\ndata:" + strings.Repeat("long ", 200) + "\n\n", sse.Event{ID: "13", Type: "message", Data: strings.Repeat("long ", 200)}},
	{"id:14\r\n" + strings.Repeat("data:x\r", 60) + "\r", sse.Event{ID: "14", Type: "message", Data: strings.Repeat("x\n", 59) + "x"}},
	{":" + strings.Repeat("heartbeat ", 30) + "\nid:15\ndata: \t15\n\n", sse.Event{ID: "15", Type: "message", Data: "\t15"}},
	{"event\ndata:\ufeffm\nid:16\n\r\n", sse.Event{ID: "16", Type: "message", Data: "\ufeffm"}},
	{"id:17\tx\ndata:{\"n\":[1,2]}\n\n", sse.Event{ID: "17\tx", Type: "message", Data: `{"n":[1,2]}`}},
	{"id:18\nretry:20\r\r", sse.Event{ID: "18"}},
	{"data:end\nid:19\n\n", sse.Event{ID: "19", Type: "message", Data: "end"}},
}

// endless returns the ith piece of a stream that has no end.
func endless(i int) piece {
	id := strconv.Itoa(i)
	ev := sse.Event{ID: id, Type: "message", Data: id}
	switch i % 7 {
	default:
		return piece{"id:" + id + "\ndata:" + id + "\n\n", ev}
	case 1:
		return piece{"data: " + id + "\r\nid: " + id + "\r\n\r\n", ev}
	case 2:
		ev.Type = "tick"
		return piece{"event:tick\rid:" + id + "\rdata:" + id + "\r\r", ev}
	case 3:
		return piece{"id:" + id + "\n\n", sse.Event{ID: id}}
	case 4:
		ev.Data = "é\n" + id
		return piece{":\n\nid:" + id + "\ndata:é\ndata:" + id + "\n\n", ev}
	case 5:
		return piece{"retry:" + strconv.Itoa(i%5000) + "\nid:" + id + "\ndata:" + id + "\n\n", ev}
	}
}

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

type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, nil }

func (emptyBody) Close() error { return nil }

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

var protocols = map[string]func(testing.TB, ...http.Handler) *ssetest.Server{
	"HTTP 1.1": ssetest.NewServer,
	"HTTP 2":   ssetest.NewTLSServer,
}

// impatient returns a Client that hardly waits.
func impatient(c *http.Client) *sse.Client {
	return &sse.Client{
		HTTPClient:       c,
		ReconnectionTime: time.Millisecond,
		Backoff:          func() backoff.BackOff { return backoff.NewConstantBackOff(time.Millisecond) },
	}
}

func open(t testing.TB, client *sse.Client, method, url string, body io.Reader) *sse.Stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return client.Stream(req)
}

// A proxy passes bytes between clients and a server, until it falls silent: then those connections
// stay open, and nothing passes. It is what a client sees of a network that is gone.
type proxy struct {
	net.Listener
	mu    sync.Mutex
	conns []*proxyConn
}

type proxyConn struct {
	net.Conn
	silent *atomic.Bool
}

func (c proxyConn) Write(b []byte) (int, error) {
	if c.silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func newProxy(t testing.TB, addr string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	var accepting, passing sync.WaitGroup
	accepting.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				client.Close()
				continue
			}
			silent := new(atomic.Bool)
			there, back := &proxyConn{server, silent}, &proxyConn{client, silent}
			p.mu.Lock()
			p.conns = append(p.conns, there, back)
			p.mu.Unlock()
			pass := func(to, from *proxyConn) {
				io.Copy(to, from.Conn)
				if !silent.Load() {
					to.Close()
				}
			}
			passing.Go(func() { pass(there, back) })
			passing.Go(func() { pass(back, there) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
		for _, c := range p.conns {
			c.Close()
		}
		passing.Wait()
	})
	return p
}

func (p *proxy) fallSilent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.silent.Store(true)
	}
}

// newCertificate returns a server of which only the certificate and the client that trusts it are
// of use.
func newCertificate(t testing.TB) *httptest.Server {
	srv := httptest.NewUnstartedServer(nil)
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// A connListener can close all connections that it accepted.
type connListener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func listen(t testing.TB, addr string) *connListener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return &connListener{Listener: l}
}

func (l *connListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *connListener) closeConns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
}

func readCases(t testing.TB) []suite.Case {
	t.Helper()
	cases, err := suite.ReadCases("testdata/parser.json")
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func readHTTPCases(t testing.TB) []suite.HTTPCase {
	t.Helper()
	cases, err := suite.ReadHTTPCases("testdata/http.json")
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// outcomeOf returns the outcome that the suite requires for a connection.
func outcomeOf(conn suite.Connection) outcome {
	var r reference
	if conn.Retry != "" {
		r.reconnectionTime, _ = new(big.Int).SetString(string(conn.Retry), 10)
	}
	retry, ok := r.retry()
	return outcome{conn.Events, string(conn.LastEventID), retry, ok, conn.Partial, nil}
}

// outcome is all that a parser knows at the end of a connection.
type outcome struct {
	Events      []sse.Event
	LastEventID string
	Retry       time.Duration
	HasRetry    bool
	Partial     bool
	Err         error // no case of the suite has one
}

// equal is cmp.Equal, fast.
func (o outcome) equal(p outcome) bool {
	return slices.Equal(o.Events, p.Events) && o.LastEventID == p.LastEventID && o.Retry == p.Retry &&
		o.HasRetry == p.HasRetry && o.Partial == p.Partial && errorText(o.Err) == errorText(p.Err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (o outcome) diff(got outcome) string {
	return cmp.Diff(o, got, cmp.Comparer(func(a, b error) bool { return errorText(a) == errorText(b) }))
}

// places returns where to cut a stream of n bytes: everywhere, or if it is
// long near the ends, in the middle, and near the powers of two.
func places(n int) (at []int) {
	if n <= 512 {
		for i := 1; i < n; i++ {
			at = append(at, i)
		}
		return at
	}
	for i := 1; i < 8; i++ {
		at = append(at, i, n-i)
	}
	for i := 1 << 10; i < n; i *= 4 {
		at = append(at, i-1, i, i+1)
	}
	return append(at, n/2)
}

// push writes the chunks and collects the outcome. On the way it holds the
// parser to its word: the borrowed form is the safe form, nobody keeps or
// changes a chunk, and what was safe to keep stays as it was.
func push(t testing.TB, p *sse.Parser, chunks [][]byte) outcome {
	t.Helper()
	var o outcome
	for _, chunk := range chunks {
		buf := bytes.Clone(chunk)
		n, err := p.Write(buf)
		if !bytes.Equal(buf, chunk) {
			t.Fatalf("Write changed its chunk %q to %q", chunk, buf)
		}
		if p.Err() == nil && (n != len(chunk) || err != nil) {
			t.Fatalf("Write(%q) = %d, %v", chunk, n, err)
		}
		clear(buf)
		for p.Next() {
			o.Events = append(o.Events, current(t, p))
		}
		if ev := p.Event(); ev != (sse.Event{}) || p.Data() != nil || p.ID() != nil || p.Type() != "" {
			t.Fatalf("after Next has returned false: %q, %q, %q, %q; want nothing", ev, p.Data(), p.ID(), p.Type())
		}
		if p.Next() {
			t.Fatal("Next returned false, then true without a Write")
		}
	}
	o.LastEventID = p.LastEventID()
	o.Retry, o.HasRetry = p.Retry()
	o.Partial = p.Partial()
	o.Err = p.Err()
	return o
}

type eventSource interface {
	Event() sse.Event
	Data() []byte
	ID() []byte
	Type() string
	LastEventID() string
}

// current returns the event that p or r is at, once both forms of it are the same.
func current(t testing.TB, p eventSource) sse.Event {
	t.Helper()
	data, id := p.Data(), p.ID()
	if cap(data) != len(data) || cap(id) != len(id) {
		t.Errorf("cap(Data) = %d, cap(ID) = %d, want the lengths %d and %d", cap(data), cap(id), len(data), len(id))
	}
	if data == nil {
		t.Errorf("Data is nil on an event")
	}
	borrowed := sse.Event{ID: string(id), Type: p.Type(), Data: string(data)}
	ev := p.Event()
	if ev != borrowed {
		t.Errorf("Event = %q, but ID, Type and Data = %q", ev, borrowed)
	}
	if ev.ID != p.LastEventID() {
		t.Errorf("Event().ID = %q, but LastEventID() = %q", ev.ID, p.LastEventID())
	}
	clear(data) // "and may be changed until then"
	return ev
}

var errRead = errors.New("the connection broke")

// read collects what a Reader says, by Next.
func read(t testing.TB, r *sse.Reader) (o outcome) {
	t.Helper()
	for r.Next() {
		o.Events = append(o.Events, current(t, r))
	}
	if ev := r.Event(); ev != (sse.Event{}) || r.Data() != nil {
		t.Errorf("after Next has returned false: %q, %q, want nothing", ev, r.Data())
	}
	o.LastEventID = r.LastEventID()
	o.Retry, o.HasRetry = r.Retry()
	o.Err = r.Err()
	return o
}

// ofReader is what a Reader makes of the stream of which a Parser made o.
func (o outcome) ofReader() outcome {
	if o.Err == nil && o.Partial {
		o.Err = io.ErrUnexpectedEOF
	}
	o.Partial = false
	return o
}

// readPromptly reads chunks, one a read, and checks that no event waits while the next is read.
func readPromptly(t testing.TB, chunks [][]byte, limit int) outcome {
	t.Helper()
	src := chunkReader{slices.Clone(chunks)}
	p := sse.Parser{MaxEventSize: limit}
	due := 0
	r := sse.NewReader(readerFunc(func(b []byte) (int, error) {
		if due > 0 {
			t.Fatalf("%q, MaxEventSize %d: %d events wait, and more is read", chunks, limit, due)
		}
		n, err := src.Read(b)
		for p.Write(b[:n]); p.Next(); {
			due++
		}
		return n, err
	}))
	r.MaxEventSize = limit
	var events []sse.Event
	for ; r.Next(); due-- {
		events = append(events, current(t, r))
		if r.Err() != nil {
			t.Fatalf("%q, MaxEventSize %d: Err() = %v beside an event", chunks, limit, r.Err())
		}
	}
	o := read(t, r)
	o.Events = events
	return o
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// compare sends conns, one after the other, through the reference, a parser
// that gets each in one chunk, one that gets it cut, and one that gets it cut
// and is not asked before the end.
func compare(t testing.TB, conns [][]byte, limit int, comments bool, cut func([]byte) [][]byte) {
	t.Helper()
	var (
		ref                  reference
		whole, pieces, late  = new(sse.Parser), new(sse.Parser), new(sse.Parser)
		wholeSaid, piecesSay []string
	)
	whole.MaxEventSize, pieces.MaxEventSize, late.MaxEventSize = limit, limit, limit
	if comments {
		whole.OnComment = func(text string) { wholeSaid = append(wholeSaid, text) }
		pieces.OnComment = func(text string) { piecesSay = append(piecesSay, text) }
	}
	for i, conn := range conns {
		if i > 0 {
			whole.Reset()
			pieces.Reset()
			late.Reset()
		}
		before := ref
		want := ref.run(conn)
		got := push(t, whole, [][]byte{conn})
		cutUp := push(t, pieces, cut(conn))
		if !got.equal(cutUp) {
			t.Fatalf("connections %q, MaxEventSize %d, cut %q (-whole +cut):\n%s", conns[:i+1], limit, cut(conn), got.diff(cutUp))
		}
		chunks := cut(conn)
		if i == 0 {
			want := got.ofReader()
			if got := readPromptly(t, chunks, limit); !want.equal(got) {
				t.Fatalf("%q, MaxEventSize %d, cut %q (-parser +reader):\n%s", conn, limit, chunks, want.diff(got))
			}
		}
		for _, chunk := range chunks {
			late.Write(chunk)
		}
		if lately := push(t, late, [][]byte{nil}); !got.equal(lately) {
			t.Fatalf("connections %q, MaxEventSize %d, cut %q (-whole +asked at the end):\n%s", conns[:i+1], limit, chunks, got.diff(lately))
		}
		if limit > 0 {
			// The standard knows no limit. What came before the event that is too
			// large must be there, and nothing that is larger than the limit.
			safe, large := eventsBefore(before, conn, limit)
			if got.Err != nil {
				if !errors.Is(got.Err, sse.ErrEventTooLarge) || !got.Partial {
					t.Fatalf("connections %q, MaxEventSize %d: Err = %v, Partial = %v", conns[:i+1], limit, got.Err, got.Partial)
				}
				if !large || len(got.Events) < len(safe) || !slices.Equal(got.Events, want.Events[:len(got.Events)]) {
					t.Fatalf("connections %q, MaxEventSize %d:\n%v after %q,\nwant the events %q\nand at least %q", conns[:i+1], limit, got.Err, got.Events, want.Events, safe)
				}
				for _, ev := range got.Events {
					if len(ev.Data) > limit {
						t.Fatalf("connections %q, MaxEventSize %d: event %q", conns[:i+1], limit, ev)
					}
				}
				return
			}
			for _, ev := range got.Events {
				if len(ev.Data) > limit || len(ev.Data)+len(ev.Type) > limit && ev.Type != "message" {
					t.Fatalf("connections %q, MaxEventSize %d: event %q", conns[:i+1], limit, ev)
				}
			}
		}
		if !want.equal(got) {
			t.Fatalf("connections %q, MaxEventSize %d (-reference +parser):\n%s", conns[:i+1], limit, want.diff(got))
		}
	}
	if comments {
		for i, text := range ref.comments {
			if len(text) > 4096 {
				n := 4096
				for !utf8.RuneStart(text[n]) {
					n--
				}
				ref.comments[i] = text[:n]
			}
		}
		if !slices.Equal(wholeSaid, ref.comments) || !slices.Equal(piecesSay, ref.comments) {
			t.Fatalf("connections %q: comments %q, cut %q, want %q", conns, wholeSaid, piecesSay, ref.comments)
		}
	}
}

// eventsBefore returns the events before the first block of more than limit
// bytes, decoded, and whether there is such a block.
func eventsBefore(ref reference, stream []byte, limit int) ([]sse.Event, bool) {
	const bom = "\uFEFF"
	text := utf8Decode(stream)
	block, size := 0, 0 // where the block starts, and the bytes of its lines
	for rest := text; ; {
		line, after, ended := cutLine(rest)
		if !ended {
			line = rest
		}
		size += len(line)
		if size > limit {
			events, _ := ref.connection([]byte(bom + text[:block]))
			return events, true
		}
		if !ended {
			return nil, false
		}
		rest = after
		if line == "" {
			block, size = len(text)-len(rest), 0
		}
	}
}

// addSuite makes the suite's shorter streams seeds.
func addSuite(f *testing.F, add func(stream []byte)) {
	for _, c := range readCases(f) {
		if b := c.Connections[0].Stream; len(b) <= 256 {
			add(b)
		}
	}
}

// chunkReader gives one chunk a read, where the buffer has room for it.
type chunkReader struct{ chunks [][]byte }

func (r *chunkReader) Read(b []byte) (int, error) {
	if len(r.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.chunks[0])
	if r.chunks[0] = r.chunks[0][n:]; len(r.chunks[0]) == 0 {
		r.chunks = r.chunks[1:]
	}
	return n, nil
}

// roundTrip writes ev and parses it, if it can be written.
func roundTrip(t *testing.T, ev sse.Event) {
	t.Helper()
	b, err := ev.Append([]byte("data"))
	rest, ok := bytes.CutPrefix(b, []byte("data"))
	if !ok {
		t.Fatalf("%q: Append lost what was there: %q", ev, b)
	}
	bad := !utf8.ValidString(ev.ID+"x"+ev.Type+"x"+ev.Data) || strings.ContainsAny(ev.ID, "\r\n\x00") ||
		strings.ContainsAny(ev.Type, "\r\n") || strings.Contains(ev.Data, "\r")
	if bad != (err != nil) {
		t.Fatalf("%q: Append error %v, want one: %v", ev, err, bad)
	}
	var field *sse.FieldError
	if bad {
		if len(rest) > 0 || !errors.As(err, &field) {
			t.Fatalf("%q: Append wrote %q, error %#v", ev, rest, err)
		}
		return
	}
	if ev.Type == "" {
		ev.Type = "message"
	}
	var ref reference
	want := outcome{Events: []sse.Event{ev}, LastEventID: ev.ID}
	if got := ref.run(rest); !want.equal(got) {
		t.Errorf("%q is written as %q (-want +reference):\n%s", ev, rest, want.diff(got))
	}
	if got := push(t, new(sse.Parser), [][]byte{rest}); !want.equal(got) {
		t.Errorf("%q is written as %q (-want +parser):\n%s", ev, rest, want.diff(got))
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A writer takes three bytes less than it gets, if it is short.
type writer struct {
	got   []byte
	calls int
	short bool
}

func (w *writer) Write(b []byte) (int, error) {
	w.calls++
	if w.short {
		b = b[:len(b)-3]
	}
	w.got = append(w.got, b...)
	if w.short {
		return len(b), errRead
	}
	return len(b), nil
}

// pieceReader reads 1 to most bytes at a time; where most is 0, as many as asked for.
type pieceReader struct {
	rest []byte
	most int
	seed uint32
}

func (p *pieceReader) Read(b []byte) (int, error) {
	if p.most > 0 {
		p.seed = p.seed*1664525 + 1013904223
		b = b[:min(len(b), 1+int(p.seed>>16)%p.most)]
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// onEveryServer runs f with a server on sockets, one in memory inside a synctest bubble,
// and one on HTTP/2.
func onEveryServer(t *testing.T,
	f func(t *testing.T, newServer func(testing.TB, ...http.Handler) *ssetest.Server)) {
	t.Run("sockets", func(t *testing.T) { t.Parallel(); f(t, ssetest.NewServer) })
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { f(t, ssetest.NewMemoryServer) })
	})
	t.Run("http2", func(t *testing.T) { t.Parallel(); f(t, ssetest.NewTLSServer) })
}

var writerEvents = []sse.Event{
	{ID: "1", Type: "message", Data: "a"},
	{ID: "2", Type: "message", Data: "b"},
	{ID: "3", Type: "message", Data: "c"},
}

const firstEventWire = "id: 1\ndata: a\n\n"

// writerHandler returns a handler that calls f with a Writer.
func writerHandler(t *testing.T, f func(out *sse.Writer, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := sse.NewWriter(w, r)
		if err != nil {
			t.Errorf("NewWriter: %v", err)
			return
		}
		defer out.Close()
		f(out, r)
	}
}

// A deadlines is a ResponseWriter that records its write deadline.
type deadlines struct {
	*httptest.ResponseRecorder
	write time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// memoryInUse returns the bytes in use for objects and for the stacks of goroutines.
func memoryInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
