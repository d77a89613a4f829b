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

// The helpers of the tests in package sse_test.

// A block is the part of a stream up to and including a blank line.
type block struct {
	text  string
	event sse.Event // if Type is empty, the block only has an ID
}

// eventsOf returns the events of blocks.
func eventsOf(blocks []block) (events []sse.Event) {
	for _, p := range blocks {
		if p.event.Type != "" {
			events = append(events, p.event)
		}
	}
	return events
}

// blocksAfter returns the blocks that follow the one with the ID. If there is none, it returns all.
func blocksAfter(blocks []block, id string) []block {
	for i, p := range blocks {
		if id != "" && p.event.ID == id {
			return blocks[i+1:]
		}
	}
	return blocks
}

// textOf returns the text of blocks.
func textOf(blocks []block) string {
	var b strings.Builder
	for _, p := range blocks {
		b.WriteString(p.text)
	}
	return b.String()
}

// An ending is a way in which a connection ends.
type ending int

const (
	cleanEnd ending = iota
	unexpectedEnd
	reset
	silence
	numEndings
)

func (e ending) String() string {
	return [...]string{"clean end", "unexpected end", "reset", "silence"}[e]
}

// An endingBody returns text, at most chunk bytes a read, and then ends.
type endingBody struct {
	text   string
	chunk  int
	ending ending
	closed chan struct{}
	close  func()
}

// streamResponse returns an event stream. It counts its body in open until the body is closed.
func streamResponse(
	r *http.Request, text string, chunk int, how ending, open *atomic.Int32,
) *http.Response {
	open.Add(1)
	b := &endingBody{text: text, chunk: chunk, ending: how, closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() {
		open.Add(-1)
		close(b.closed)
	})
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: b, Request: r,
	}
}

// statusResponse returns a response without a body. The header consists of pairs of key and value.
func statusResponse(r *http.Request, code int, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: code, Status: strconv.Itoa(code), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Add(header[i], header[i+1])
	}
	return resp
}

func (b *endingBody) Read(p []byte) (int, error) {
	n := min(len(p), len(b.text))
	if b.chunk > 0 {
		n = min(n, b.chunk)
	}
	copy(p, b.text[:n])
	b.text = b.text[n:]
	switch {
	case n > 0 && (len(b.text) > 0 || b.ending != cleanEnd):
		return n, nil
	case b.ending == cleanEnd:
		return n, io.EOF // with the last bytes
	case b.ending == unexpectedEnd:
		return 0, io.ErrUnexpectedEOF
	case b.ending == reset:
		return 0, &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	<-b.closed
	return 0, http.ErrBodyReadAfterClose
}

func (b *endingBody) Close() error {
	b.close()
	return nil
}

// newStream returns a stream of http://example.com/ that starts after the last event ID.
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

// collect reads s to its end and returns the events.
func collect(s *sse.Stream) (events []sse.Event) {
	for s.Next() {
		events = append(events, s.Event())
	}
	return events
}

// A retryChecker checks that a stream does not connect more often than the default policy allows.
// A wait is at least the reconnection time plus 250 ms × 2ᵏ⁻¹, up to 30 s, where k is the number of
// failures in a row.
type retryChecker struct {
	t           testing.TB
	floor       time.Duration // a lower limit of the reconnection time
	failures    int           // in a row; a connection without progress is a failure
	reconnected bool          // whether Reconnect was called
	opened      time.Time
	next        time.Time // the earliest time of the next attempt
}

// attach sets the hooks of c.
func (p *retryChecker) attach(c *sse.Client) {
	c.Prepare = func(*http.Request) error {
		if time.Now().Before(p.next) {
			p.t.Errorf("the attempt is %v early", time.Until(p.next))
		}
		return nil
	}
	c.OnOpen = func(*http.Response) { p.opened = time.Now() }
	c.OnRetry = func(err error, wait time.Duration) {
		if !p.opened.IsZero() && time.Since(p.opened) >= time.Minute {
			p.failures = 0
		}
		p.opened = time.Time{}
		if err == sse.ErrReconnect && p.reconnected && wait <= time.Second {
			p.reconnected = false
			return
		}
		p.failures++
		backoff := min(250*time.Millisecond<<min(p.failures-1, 20), 30*time.Second)
		if least := p.floor + backoff; wait < least {
			p.t.Errorf("the wait after %v and %d failures is %v, want at least %v",
				err, p.failures, wait, least)
		}
		if most := time.Hour + 90*time.Second; wait > most {
			p.t.Errorf("the wait after %v is %v, want at most %v", err, wait, most)
		}
		p.next = time.Now().Add(wait)
	}
}

// event must be called for each event.
func (p *retryChecker) event() {
	p.failures = 0
	p.next = time.Time{}
}

// newStepClient returns a Client whose server fails in several ways and then sends sampleBlocks in
// two halves. The Client calls step before each request and each read, and in each hook.
func newStepClient(open *atomic.Int32, step func()) *sse.Client {
	n := 0
	client := &sse.Client{
		IdleTimeout: time.Minute,
		HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
			step()
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			n++
			rest := blocksAfter(sampleBlocks, r.Header.Get("Last-Event-ID"))
			var resp *http.Response
			switch {
			case n == 1:
				return nil, errors.New("no network")
			case n == 2:
				resp = streamResponse(r, "later", 2, cleanEnd, open)
				resp.StatusCode = 503
			case len(rest) == 0:
				resp = streamResponse(r, "", 0, cleanEnd, open)
				resp.StatusCode = 204
			case n == 3:
				resp = streamResponse(r, textOf(rest)[:len(textOf(rest))/2], 29, silence, open)
			default:
				resp = streamResponse(r, textOf(rest), 29, unexpectedEnd, open)
			}
			resp.Body = stepBody{resp.Body, step}
			return resp, nil
		}),
		Prepare:       func(*http.Request) error { step(); return nil },
		CheckResponse: func(r *http.Response) error { step(); return sse.DefaultCheckResponse(r) },
		OnOpen:        func(*http.Response) { step() },
		OnRetry:       func(error, time.Duration) { step() },
		OnComment:     func(string) { step() },
	}
	return client
}

// A stepBody calls step before each read.
type stepBody struct {
	io.ReadCloser
	step func()
}

func (b stepBody) Read(p []byte) (int, error) {
	b.step()
	return b.ReadCloser.Read(p)
}

// equal reports a test error if got is not want.
func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// nextNumber returns the number of the event that follows the Last-Event-ID of r.
func nextNumber(t *testing.T, r *http.Request) int {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		return 0
	}
	last, err := strconv.Atoi(id)
	if err != nil {
		t.Errorf("Last-Event-ID = %q, want a number", id)
	}
	return last + 1
}

// message returns an event of type message.
func message(id, data string) sse.Event { return sse.Event{ID: id, Type: "message", Data: data} }

// sampleBlocks contains blocks of every form. Each has its own ID.
var sampleBlocks = []block{
	{"id:1\ndata:a\n\n", message("1", "a")},
	{"id: 2\r\nevent: e\r\ndata: b\r\ndata: c\r\n\r\n", sse.Event{ID: "2", Type: "e", Data: "b\nc"}},
	{"data:d\rid:3\r\r", message("3", "d")},
	{"id:4\n\n", sse.Event{ID: "4"}},
	{"id:5\nretry:10\ndata\n\n", message("5", "")},
	{"id:6\ndata:\ndata:\n\n", message("6", "\n")},
	{":comment\n\nevent:lost\n\nid:7\ndata:f\n\n\n\n", message("7", "f")},
	{"unknown:x\nDATA:x\nid:8\ndata:g\r\n\n", message("8", "g")},
	{"id:é9 €\nevent:ü\ndata:漢字 𝄞\n\n", sse.Event{ID: "é9 €", Type: "ü", Data: "漢字 𝄞"}},
	{"id:10\ndata:\xff\xe2\x82\xc0\x80\n\n", message("10", "\ufffd\ufffd\ufffd\ufffd")},
	{"id:11\ndata:\x00\nid:no\x00\n\n", message("11", "\x00")},
	{"id:12a\nid:12b\r\n\r\n", sse.Event{ID: "12b"}},
	{"id:13\ndata:" + strings.Repeat("long ", 200) + "\n\n",
		message("13", strings.Repeat("long ", 200))},
	{"id:14\r\n" + strings.Repeat("data:x\r", 60) + "\r",
		message("14", strings.Repeat("x\n", 59)+"x")},
	{":" + strings.Repeat("heartbeat ", 30) + "\nid:15\ndata: \t15\n\n", message("15", "\t15")},
	{"event\ndata:\ufeffm\nid:16\n\r\n", message("16", "\ufeffm")},
	{"id:17\tx\ndata:{\"n\":[1,2]}\n\n", message("17\tx", `{"n":[1,2]}`)},
	{"id:18\nretry:20\r\r", sse.Event{ID: "18"}},
	{"data:end\nid:19\n\n", message("19", "end")},
}

// nthBlock returns the block at index i of an endless stream.
func nthBlock(i int) block {
	id := strconv.Itoa(i)
	ev := sse.Event{ID: id, Type: "message", Data: id}
	switch i % 7 {
	default:
		return block{"id:" + id + "\ndata:" + id + "\n\n", ev}
	case 1:
		return block{"data: " + id + "\r\nid: " + id + "\r\n\r\n", ev}
	case 2:
		ev.Type = "tick"
		return block{"event:tick\rid:" + id + "\rdata:" + id + "\r\r", ev}
	case 3:
		return block{"id:" + id + "\n\n", sse.Event{ID: id}}
	case 4:
		ev.Data = "é\n" + id
		return block{":\n\nid:" + id + "\ndata:é\ndata:" + id + "\n\n", ev}
	case 5:
		return block{"retry:" + strconv.Itoa(i%5000) + "\nid:" + id + "\ndata:" + id + "\n\n", ev}
	}
}

// A repeater is a body that returns text n times, and then end. It starts with rest, if any.
type repeater struct {
	text string
	n    int
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

// newBodyClient returns a Client whose first response has the body. The second is a 204.
func newBodyClient(body io.ReadCloser) *sse.Client {
	n := 0
	return &sse.Client{
		ReconnectionTime: -1,
		Backoff:          func() backoff.BackOff { return &backoff.ZeroBackOff{} },
		HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
			if n++; n > 1 {
				return statusResponse(r, 204), nil
			}
			resp := statusResponse(r, 200, "Content-Type", "text/event-stream")
			resp.Body = body
			return resp, nil
		}),
	}
}

// A countingBody counts the bytes that are read.
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

// A slowBody returns its bytes, and then one x a second.
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

// An emptyBody never returns bytes or an error.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, nil }

func (emptyBody) Close() error { return nil }

// A numberedBody returns blocks with different ids, types and comments.
type numberedBody struct {
	n, last int
	buf     []byte
}

func (b *numberedBody) Read(p []byte) (int, error) {
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

func (b *numberedBody) Close() error { return nil }

// protocols maps the name of a protocol to a function that starts a server for it.
var protocols = map[string]func(testing.TB, ...http.Handler) *ssetest.Server{
	"HTTP 1.1": ssetest.NewServer,
	"HTTP 2":   ssetest.NewTLSServer,
}

// newClient returns a Client that waits only two milliseconds before it reconnects.
func newClient(c *http.Client) *sse.Client {
	return &sse.Client{
		HTTPClient:       c,
		ReconnectionTime: time.Millisecond,
		Backoff: func() backoff.BackOff {
			return backoff.NewConstantBackOff(time.Millisecond)
		},
	}
}

// open returns the stream of a request.
func open(t testing.TB, client *sse.Client, method, url string, body io.Reader) *sse.Stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return client.Stream(req)
}

// sendOneEvent is a handler that sends the event after the last event ID, and nothing more.
func sendOneEvent(w http.ResponseWriter, r *http.Request) {
	last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	w.Header().Set("Content-Type", "text/event-stream")
	sse.Event{ID: strconv.Itoa(last + 1)}.WriteTo(w)
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// A proxy forwards bytes between clients and a server. It can drop the bytes of its connections
// without closing them, as when a network fails.
type proxy struct {
	net.Listener
	mu    sync.Mutex
	conns []*proxyConn
}

// A proxyConn discards what is written when dropped is true.
type proxyConn struct {
	net.Conn
	dropped *atomic.Bool
}

func (c proxyConn) Write(b []byte) (int, error) {
	if c.dropped.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// newProxy returns a proxy for the server at addr.
func newProxy(t testing.TB, addr string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	var accepting, copying sync.WaitGroup
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
			dropped := new(atomic.Bool)
			up, down := &proxyConn{server, dropped}, &proxyConn{client, dropped}
			p.mu.Lock()
			p.conns = append(p.conns, up, down)
			p.mu.Unlock()
			forward := func(to, from *proxyConn) {
				io.Copy(to, from.Conn)
				if !dropped.Load() {
					to.Close()
				}
			}
			copying.Go(func() { forward(up, down) })
			copying.Go(func() { forward(down, up) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
		for _, c := range p.conns {
			c.Close()
		}
		copying.Wait()
	})
	return p
}

// dropConns makes p discard the bytes of all current connections.
func (p *proxy) dropConns() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.dropped.Store(true)
	}
}

// newCertificate returns a server that provides a certificate and a client that trusts it.
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

// listen returns a listener for a TCP address.
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

// closeConns closes the connections accepted so far.
func (l *connListener) closeConns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
}

// readCases returns the cases of parser.json.
func readCases(t testing.TB) []suite.Case {
	t.Helper()
	cases, err := suite.ReadCases("testdata/parser.json")
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// readHTTPCases returns the cases of http.json.
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

// An outcome is the state of a parser at the end of a connection, and the events before it.
type outcome struct {
	Events      []sse.Event
	LastEventID string
	Retry       time.Duration
	HasRetry    bool
	Partial     bool
	Err         error // nil in the suite
}

// equal reports whether o and p are equal. It is faster than cmp.Equal.
func (o outcome) equal(p outcome) bool {
	return slices.Equal(o.Events, p.Events) && o.LastEventID == p.LastEventID && o.Retry == p.Retry &&
		o.HasRetry == p.HasRetry && o.Partial == p.Partial && errorText(o.Err) == errorText(p.Err)
}

// errorText returns the text of err, or the empty string if err is nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// diff returns the differences between o and got for a failure message.
func (o outcome) diff(got outcome) string {
	return cmp.Diff(o, got, cmp.Comparer(func(a, b error) bool {
		return errorText(a) == errorText(b)
	}))
}

// cutPositions returns the positions at which a test cuts a stream of n bytes. In a long stream
// these are only positions near the ends, near powers of two and in the middle.
func cutPositions(n int) (at []int) {
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

// push writes the chunks to p and returns the outcome. It also checks that p neither modifies nor
// retains a chunk, that Event agrees with Data, ID and Type, and that there is no event after Next
// has returned false.
func push(t testing.TB, p *sse.Parser, chunks [][]byte) outcome {
	t.Helper()
	var o outcome
	for _, chunk := range chunks {
		buf := bytes.Clone(chunk)
		n, err := p.Write(buf)
		if !bytes.Equal(buf, chunk) {
			t.Fatalf("Write modified the chunk %q to %q", chunk, buf)
		}
		if p.Err() == nil && (n != len(chunk) || err != nil) {
			t.Fatalf("Write(%q) = %d, %v", chunk, n, err)
		}
		clear(buf)
		for p.Next() {
			o.Events = append(o.Events, currentEvent(t, p))
		}
		if p.Event() != (sse.Event{}) || p.Data() != nil || p.ID() != nil || p.Type() != "" {
			t.Fatalf("after Next returned false: Event = %q, Data = %q, ID = %q, Type = %q",
				p.Event(), p.Data(), p.ID(), p.Type())
		}
		if p.Next() {
			t.Fatal("Next returned false, and then true without a Write")
		}
	}
	o.LastEventID = p.LastEventID()
	o.Retry, o.HasRetry = p.Retry()
	o.Partial = p.Partial()
	o.Err = p.Err()
	return o
}

// An eventSource is a *sse.Parser, *sse.Reader or *sse.Stream.
type eventSource interface {
	Event() sse.Event
	Data() []byte
	ID() []byte
	Type() string
	LastEventID() string
}

// currentEvent returns the current event of p and checks that both forms of it are equal.
func currentEvent(t testing.TB, p eventSource) sse.Event {
	t.Helper()
	data, id := p.Data(), p.ID()
	if cap(data) != len(data) || cap(id) != len(id) {
		t.Errorf("cap(Data) = %d, cap(ID) = %d, want the lengths %d and %d",
			cap(data), cap(id), len(data), len(id))
	}
	if data == nil {
		t.Errorf("Data = nil for an event")
	}
	borrowed := sse.Event{ID: string(id), Type: p.Type(), Data: string(data)}
	ev := p.Event()
	if ev != borrowed {
		t.Errorf("Event = %q, but ID, Type and Data = %q", ev, borrowed)
	}
	if ev.ID != p.LastEventID() {
		t.Errorf("Event().ID = %q, but LastEventID() = %q", ev.ID, p.LastEventID())
	}
	clear(data) // the documentation of Data permits it
	return ev
}

// errRead is the error of a broken connection.
var errRead = errors.New("the connection broke")

// read reads r to its end and returns the outcome.
func read(t testing.TB, r *sse.Reader) (o outcome) {
	t.Helper()
	for r.Next() {
		o.Events = append(o.Events, currentEvent(t, r))
	}
	if ev := r.Event(); ev != (sse.Event{}) || r.Data() != nil {
		t.Errorf("after Next returned false: Event = %q, Data = %q", ev, r.Data())
	}
	o.LastEventID = r.LastEventID()
	o.Retry, o.HasRetry = r.Retry()
	o.Err = r.Err()
	return o
}

// ofReader converts the outcome of a Parser to that of a Reader of the same stream.
func (o outcome) ofReader() outcome {
	if o.Err == nil && o.Partial {
		o.Err = io.ErrUnexpectedEOF
	}
	o.Partial = false
	return o
}

// readPromptly reads one chunk a read. It checks that the Reader delivers the events of a chunk
// before it reads the next.
func readPromptly(t testing.TB, chunks [][]byte, limit int) outcome {
	t.Helper()
	src := chunkReader{slices.Clone(chunks)}
	p := sse.Parser{MaxEventSize: limit}
	due := 0
	r := sse.NewReader(readerFunc(func(b []byte) (int, error) {
		if due > 0 {
			t.Fatalf("%q, MaxEventSize %d: a read before %d events are delivered", chunks, limit, due)
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
		events = append(events, currentEvent(t, r))
		if r.Err() != nil {
			t.Fatalf("%q, MaxEventSize %d: Err() = %v with an event", chunks, limit, r.Err())
		}
	}
	o := read(t, r)
	o.Events = events
	return o
}

// A readerFunc is an io.Reader.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// heapInUse returns the number of bytes of reachable objects.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// compare passes each of conns to the reference and to three parsers, and compares the outcomes.
// One parser receives the connection in one chunk, one in the chunks that cut returns, and one in
// these chunks before its first Next.
func compare(t testing.TB, conns [][]byte, limit int, comments bool, cut func([]byte) [][]byte) {
	t.Helper()
	var (
		ref                            reference
		whole, chunked, late           = new(sse.Parser), new(sse.Parser), new(sse.Parser)
		wholeComments, chunkedComments []string
	)
	whole.MaxEventSize, chunked.MaxEventSize, late.MaxEventSize = limit, limit, limit
	if comments {
		whole.OnComment = func(text string) { wholeComments = append(wholeComments, text) }
		chunked.OnComment = func(text string) { chunkedComments = append(chunkedComments, text) }
	}
	for i, conn := range conns {
		input := func() string {
			return fmt.Sprintf("connections %q, MaxEventSize %d", conns[:i+1], limit)
		}
		if i > 0 {
			whole.Reset()
			chunked.Reset()
			late.Reset()
		}
		before := ref
		want := ref.run(conn)
		got := push(t, whole, [][]byte{conn})
		if gotChunked := push(t, chunked, cut(conn)); !got.equal(gotChunked) {
			t.Fatalf("%s, chunks %q (-whole +chunked):\n%s", input(), cut(conn), got.diff(gotChunked))
		}
		chunks := cut(conn)
		if i == 0 {
			want := got.ofReader()
			if got := readPromptly(t, chunks, limit); !want.equal(got) {
				t.Fatalf("%s, chunks %q (-parser +reader):\n%s", input(), chunks, want.diff(got))
			}
		}
		for _, chunk := range chunks {
			late.Write(chunk)
		}
		if gotLate := push(t, late, [][]byte{nil}); !got.equal(gotLate) {
			t.Fatalf("%s, chunks %q (-whole +late):\n%s", input(), chunks, got.diff(gotLate))
		}
		if limit > 0 && !checkLimit(t, input, limit, before, conn, want, got) {
			return
		}
		if !want.equal(got) {
			t.Fatalf("%s (-reference +parser):\n%s", input(), want.diff(got))
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
		if !slices.Equal(wholeComments, ref.comments) || !slices.Equal(chunkedComments, ref.comments) {
			t.Fatalf("connections %q: comments %q, in chunks %q, want %q",
				conns, wholeComments, chunkedComments, ref.comments)
		}
	}
}

// checkLimit checks what the standard does not define: the events of conn before one that is
// larger than limit are delivered, and no larger event is. The reference was in the state before
// at the start of conn. checkLimit reports whether the parser accepted the connection.
func checkLimit(
	t testing.TB, input func() string, limit int, before reference, conn []byte, want, got outcome,
) bool {
	t.Helper()
	for _, ev := range got.Events {
		if len(ev.Data) > limit {
			t.Fatalf("%s: event %q is too large", input(), ev)
		}
	}
	if got.Err != nil {
		safe, large := eventsBefore(before, conn, limit)
		if !errors.Is(got.Err, sse.ErrEventTooLarge) || !got.Partial {
			t.Fatalf("%s: Err = %v, Partial = %v", input(), got.Err, got.Partial)
		}
		n := len(got.Events)
		if !large || n < len(safe) || !slices.Equal(got.Events, want.Events[:n]) {
			t.Fatalf("%s:\n%v after %q,\nwant the events %q\nand at least %q",
				input(), got.Err, got.Events, want.Events, safe)
		}
		return false
	}
	for _, ev := range got.Events {
		if len(ev.Data)+len(ev.Type) > limit && ev.Type != "message" {
			t.Fatalf("%s: event %q is too large", input(), ev)
		}
	}
	return true
}

// eventsBefore returns the events before the first block of more than limit bytes after decoding,
// and whether there is such a block.
func eventsBefore(ref reference, stream []byte, limit int) ([]sse.Event, bool) {
	const bom = "\uFEFF"
	text := utf8Decode(stream)
	block, size := 0, 0 // the start of the block, and the bytes of its lines
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

// addSuite calls add with the shorter streams of the suite.
func addSuite(f *testing.F, add func(stream []byte)) {
	for _, c := range readCases(f) {
		if b := c.Connections[0].Stream; len(b) <= 256 {
			add(b)
		}
	}
}

// A chunkReader returns at most one chunk a read.
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

// roundTrip checks that an event which Append accepts is parsed again.
func roundTrip(t *testing.T, ev sse.Event) {
	t.Helper()
	b, err := ev.Append([]byte("data"))
	rest, ok := bytes.CutPrefix(b, []byte("data"))
	if !ok {
		t.Fatalf("%q: Append modified the bytes before: %q", ev, b)
	}
	invalid := !utf8.ValidString(ev.ID+"x"+ev.Type+"x"+ev.Data) ||
		strings.ContainsAny(ev.ID, "\r\n\x00") ||
		strings.ContainsAny(ev.Type, "\r\n") || strings.Contains(ev.Data, "\r")
	if invalid != (err != nil) {
		t.Fatalf("%q: Append returned the error %v, want an error: %t", ev, err, invalid)
	}
	var field *sse.FieldError
	if invalid {
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

// A roundTripFunc is an http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// httpClient returns an http.Client whose requests get the responses of f.
func httpClient(f roundTripFunc) *http.Client { return &http.Client{Transport: f} }

// A countingWriter counts the calls of Write. If short is set, it accepts three bytes less than it
// gets.
type countingWriter struct {
	got   []byte
	calls int
	short bool
}

func (w *countingWriter) Write(b []byte) (int, error) {
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

// A shortReader reads 1 to most bytes at a time. If most is 0, there is no limit.
type shortReader struct {
	rest []byte
	most int
	seed uint32
}

func (p *shortReader) Read(b []byte) (int, error) {
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
