package ssetest

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A Conn is what a server does on one connection: its steps, one after the
// other. Nothing is held back: what a step sends is flushed.
//
// Where no [Status] came first, the first step that sends something begins the
// answer: 200, Content-Type text/event-stream, Cache-Control no-cache. After
// the last step the answer ends cleanly, so that Conn{} is a stream without
// events.
//
// A Conn belongs to the script of a [Server], but is an [http.Handler] and can
// serve anywhere. What would fail the test is a panic there.
type Conn []Step

// A Step is one thing that a server does on a connection. Functions of this
// package make them; a Step may be used any number of times.
type Step struct {
	do   func(*play) error
	name func() string
	last bool // it sends nothing and leaves nothing to be sent
}

// String returns the step as it is written in a script, shortened.
func (s Step) String() string { return s.name() }

// Status begins the answer: the status code, and header fields as pairs of key
// and value (keys may repeat). It is sent at once.
//
//	ssetest.Status(http.StatusServiceUnavailable, "Retry-After", "120")
//
// With code 200 and no Content-Type among them, it is text/event-stream. It
// panics if the number of strings is odd.
func Status(code int, header ...string) Step {
	if len(header)%2 != 0 {
		panic("ssetest: Status: odd number of strings")
	}
	return Step{
		do: func(p *play) error { return p.begin(code, header) },
		name: func() string {
			if len(header) == 0 {
				return fmt.Sprintf("Status(%d)", code)
			}
			return fmt.Sprintf("Status(%d, %q…)", code, header[0])
		},
	}
}

// Send sends events. An event that can't be written fails the test.
func Send(events ...sse.Event) Step {
	return Step{
		do:   func(p *play) error { return p.send(events) },
		name: func() string { return "Send(" + describe(events) + ")" },
	}
}

// Replay sends those of the events that come after the one which the request's
// Last-Event-ID header names, all of them where there is no such header: what a
// well-behaved server does that keeps its events.
//
//   - An ID that no event has replays all: nothing is lost, some may come twice.
//   - Of several events with the ID it continues after the first, for the same
//     reason: that ID does not say which of them came last.
//   - Spaces and tabs around an ID do not count, because no header carries them.
//   - Where nothing is left to send, and nothing was sent on the connection
//     before, the answer is 204 No Content and the connection is done: so a
//     server tells its clients to stop.
func Replay(events ...sse.Event) Step {
	return Step{
		do: func(p *play) error {
			rest := events[resumeAt(events, p.r):]
			if len(rest) == 0 && !p.begun {
				p.begin(http.StatusNoContent, nil)
				return errEnd
			}
			return p.send(rest)
		},
		name: func() string { return "Replay(" + describe(events) + ")" },
	}
}

// resumeAt returns the index of the event to go on with.
func resumeAt(events []sse.Event, r *http.Request) int {
	last := strings.Trim(r.Header.Get("Last-Event-ID"), blank)
	if last == "" {
		return 0
	}
	for i := range events {
		// A history may be long, and most IDs have nothing to trim.
		id := events[i].ID
		if len(id) > len(last) && (strings.IndexByte(blank, id[0]) >= 0 || strings.IndexByte(blank, id[len(id)-1]) >= 0) {
			id = strings.Trim(id, blank)
		}
		if id == last {
			return i + 1
		}
	}
	return 0
}

const blank = " \t"

// describe names events by their IDs.
func describe(events []sse.Event) string {
	var ids []string
	for _, ev := range events[:min(3, len(events))] {
		ids = append(ids, fmt.Sprintf("id %q", ev.ID))
	}
	if len(events) > 3 {
		ids = append(ids, fmt.Sprintf("… %d in all", len(events)))
	}
	return strings.Join(ids, ", ")
}

// Raw sends the bytes of s as they are: half an event, other line ends,
// whatever a server could send.
func Raw(s string) Step {
	return Step{
		do: func(p *play) error { return p.write([]byte(s)) },
		name: func() string {
			if r := []rune(s); len(r) > 32 {
				return fmt.Sprintf("Raw(%q…)", string(r[:32]))
			}
			return fmt.Sprintf("Raw(%q)", s)
		},
	}
}

// Comment sends a comment, as servers do to keep a connection alive.
func Comment(text string) Step {
	return Step{
		do:   func(p *play) error { return p.write(sse.AppendComment(nil, text)) },
		name: func() string { return fmt.Sprintf("Comment(%q)", text) },
	}
}

// Retry sends a retry field: the time that the client shall wait before it
// connects again.
func Retry(d time.Duration) Step {
	return Step{
		do:   func(p *play) error { return p.write(sse.AppendRetry(nil, d)) },
		name: func() string { return fmt.Sprintf("Retry(%v)", d) },
	}
}

// Sleep does nothing for a while. As the first step it delays the header.
func Sleep(d time.Duration) Step {
	return Step{
		do: func(p *play) error {
			timer := time.NewTimer(d)
			defer timer.Stop()
			return wait(p, timer.C)
		},
		name: func() string { return fmt.Sprintf("Sleep(%v)", d) },
	}
}

// Wait does nothing until c is closed or can be received from. It is how a test
// on sockets says "go on".
func Wait(c <-chan struct{}) Step {
	return Step{
		do:   func(p *play) error { return wait(p, c) },
		name: func() string { return "Wait" },
	}
}

func wait[T any](p *play, c <-chan T) error {
	select {
	case <-c:
		return nil
	case <-p.r.Context().Done():
		p.waits = true
		return errGone
	}
}

// Stall sends nothing more, and waits until the client has gone. As the first
// step it lets the client wait for the header.
func Stall() Step {
	return Step{
		do: func(p *play) error {
			if p.r.Body != nil {
				io.Copy(io.Discard, p.r.Body) // net/http looks for the client's end only after that
			}
			<-p.r.Context().Done()
			p.done = true
			return errGone
		},
		name: func() string { return "Stall()" },
		last: true,
	}
}

// End ends the answer cleanly. It is only needed within [After]: a Conn ends
// that way by itself.
func End() Step {
	return Step{
		do:   func(p *play) error { p.ensureBegun(); p.closeGzip(); return errEnd },
		name: func() string { return "End()" },
		last: true,
	}
}

// Cut breaks the connection off: after the header the client gets
// [io.ErrUnexpectedEOF] from the body, before the header an error instead of an
// answer. On HTTP/2 it resets the stream.
func Cut() Step {
	return Step{
		do:   func(p *play) error { p.done = true; panic(http.ErrAbortHandler) },
		name: func() string { return "Cut()" },
		last: true,
	}
}

// Reset resets the TCP connection: the client gets an error that matches
// [syscall.ECONNRESET]. Some systems then drop what was sent and not yet read;
// Linux and the connections in memory do not. On HTTP/2 it resets the stream,
// as Cut does.
func Reset() Step {
	return Step{
		do: func(p *play) error {
			p.done = true
			c, _, err := p.rc.Hijack()
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			if t, ok := c.(*tls.Conn); ok {
				c = t.NetConn()
			}
			if c, ok := c.(interface{ SetLinger(int) error }); ok {
				c.SetLinger(0)
			}
			c.Close()
			return errEnd
		},
		name: func() string { return "Reset()" },
		last: true,
	}
}

// After plays step as soon as n bytes of the body were sent, in the middle of
// an event or of a character where they end there; what follows is sent after
// it. It has to come before the steps that send those bytes:
//
//	ssetest.Conn{ssetest.After(17, ssetest.Cut()), ssetest.Send(events...)}
func After(n int, step Step) Step {
	return Step{
		do: func(p *play) error {
			i := slices.IndexFunc(p.after, func(t trigger) bool { return t.at > n })
			if i < 0 {
				i = len(p.after)
			}
			p.after = slices.Insert(p.after, i, trigger{n, step})
			return nil
		},
		name: func() string { return fmt.Sprintf("After(%d, %v)", n, step) },
		last: step.last,
	}
}

// Chunks sends everything that follows in pieces of n bytes, each flushed on
// its own.
func Chunks(n int) Step {
	return Step{
		do:   func(p *play) error { p.chunk = n; return nil },
		name: func() string { return fmt.Sprintf("Chunks(%d)", n) },
	}
}

// Gzip compresses what follows, flushed after each step. It has to come before
// the header is sent, and sets Content-Encoding. After counts compressed bytes.
func Gzip() Step {
	return Step{
		do: func(p *play) error {
			p.w.Header().Set("Content-Encoding", "gzip")
			p.gzip, _ = gzip.NewWriterLevel(&p.zipped, gzip.BestSpeed) // the least memory
			return nil
		},
		name: func() string { return "Gzip()" },
	}
}

// WantHeader fails the test, and goes on, if the request has not this value, and
// no other, in this header field.
//
//	ssetest.WantHeader("Last-Event-ID", "42")
func WantHeader(key, value string) Step {
	return Step{
		do: func(p *play) error {
			switch got, ok := p.r.Header[http.CanonicalHeaderKey(key)]; {
			case !ok:
				p.errorf("the request has no %s, want %q", key, value)
			case len(got) != 1 || got[0] != value:
				p.errorf("the request has %s %q, want %q", key, got, value)
			}
			return nil
		},
		name: func() string { return fmt.Sprintf("WantHeader(%q, %q)", key, value) },
	}
}

// WantNoHeader fails the test, and goes on, if the request has this header
// field.
func WantNoHeader(key string) Step {
	return Step{
		do: func(p *play) error {
			if got, ok := p.r.Header[http.CanonicalHeaderKey(key)]; ok {
				p.errorf("the request has %s %q, want none", key, got)
			}
			return nil
		},
		name: func() string { return fmt.Sprintf("WantNoHeader(%q)", key) },
	}
}

// Do calls f, for what no other step does. What f writes is flushed after it.
func Do(f func(http.ResponseWriter, *http.Request)) Step {
	return Step{
		do: func(p *play) error {
			f(trackingWriter{p.w, p}, p.r)
			if p.begun {
				p.flush()
			}
			return nil
		},
		name: func() string { return "Do" },
	}
}

// ServeHTTP implements [http.Handler].
func (c Conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	newPlay(c, w, r).run()
}

// What ends a play before its last step.
var (
	errEnd  = errors.New("end of the answer")
	errGone = errors.New("the client has gone")
)

// A play is a Conn at work.
type play struct {
	conn  Conn
	step  int  // the step at work
	done  bool // nothing more was to be done
	begun bool // the header is sent
	waits bool // the client left while the step at work waited, and not while it sent something

	w  http.ResponseWriter
	rc *http.ResponseController
	r  *http.Request

	tb testing.TB // nil outside a Server
	n  int        // the connection's number, from 1

	sent   int       // bytes of the body
	after  []trigger // by at, then in order
	chunk  int       // 0: no limit
	gzip   *gzip.Writer
	zipped bytes.Buffer
}

type trigger struct {
	at   int
	step Step
}

func newPlay(c Conn, w http.ResponseWriter, r *http.Request) *play {
	return &play{conn: c, w: w, r: r, rc: http.NewResponseController(w)}
}

// run plays the steps. It leaves by a panic, as net/http has it, where the
// connection is not to end cleanly.
func (p *play) run() {
	for i, step := range p.conn {
		p.step = i
		switch err := step.do(p); err {
		case nil:
		case errEnd:
			p.done = true
			return
		default: // the server closes where the client has not gone by itself
			p.done = p.done || !p.waits && !slices.ContainsFunc(p.unplayed(), func(s Step) bool { return !s.last })
			panic(http.ErrAbortHandler)
		}
	}
	p.step = len(p.conn)
	p.ensureBegun()
	p.done = len(p.after) == 0
	p.closeGzip()
}

func (p *play) closeGzip() {
	if p.gzip != nil {
		p.gzip.Close()
		p.out(p.takeZipped())
	}
}

// unplayed returns what was not reached.
func (p *play) unplayed() []Step {
	if p.done {
		return nil
	}
	var steps []Step
	for _, t := range p.after {
		steps = append(steps, After(t.at, t.step))
	}
	return append(steps, p.conn[min(p.step+1, len(p.conn)):]...)
}

func (p *play) ensureBegun() error {
	if p.begun {
		return nil
	}
	return p.begin(http.StatusOK, nil)
}

// begin sends the header.
func (p *play) begin(code int, header []string) error {
	if p.begun {
		p.errorf("Status(%d): the header was already sent", code)
		return nil
	}
	h := p.w.Header()
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	if code == http.StatusOK && h["Content-Type"] == nil {
		h.Set("Content-Type", "text/event-stream")
		if h["Cache-Control"] == nil {
			h.Set("Cache-Control", "no-cache")
		}
	}
	p.w.WriteHeader(code)
	if code < 200 && code != http.StatusSwitchingProtocols {
		return nil // informational: sent at once, and the header is still to come
	}
	p.begun = true
	return p.flush()
}

// errorf fails the test, or the request where there is no test.
func (p *play) errorf(format string, args ...any) {
	if p.tb == nil {
		panic(fmt.Sprintf("ssetest: "+format, args...))
	}
	p.tb.Errorf("ssetest: connection %d: "+format, append([]any{p.n}, args...)...)
}

// send encodes no further than it has to: a long history may be cut off soon.
func (p *play) send(events []sse.Event) error {
	var b []byte
	for _, ev := range events {
		var err error
		if b, err = ev.Append(b); err != nil {
			p.errorf("can't send the event with id %q: %v", ev.ID, err)
		}
		if len(b) >= 4<<10 || len(p.after) > 0 && p.sent+len(b) >= p.after[0].at {
			if err := p.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	return p.write(b)
}

func (p *play) write(b []byte) error {
	if err := p.ensureBegun(); err != nil {
		return err
	}
	if p.gzip != nil {
		p.gzip.Write(b)
		p.gzip.Flush()
		b = p.takeZipped()
	}
	return p.out(b)
}

func (p *play) takeZipped() []byte {
	b := bytes.Clone(p.zipped.Bytes())
	p.zipped.Reset()
	return b
}

// out sends b, in pieces that end where After or Chunks says.
func (p *play) out(b []byte) error {
	for {
		for len(p.after) > 0 && p.after[0].at <= p.sent {
			step := p.after[0].step
			p.after = p.after[1:]
			if step.last {
				p.gzip = nil // what it holds back is cut off
			}
			if err := step.do(p); err != nil {
				return err
			}
		}
		if len(b) == 0 {
			return nil
		}
		n := len(b)
		if p.chunk > 0 {
			n = min(n, p.chunk)
		}
		if len(p.after) > 0 {
			n = min(n, p.after[0].at-p.sent)
		}
		if p.r.Method != http.MethodHead {
			switch _, err := p.w.Write(b[:n]); {
			case errors.Is(err, http.ErrContentLength):
				p.errorf("the body is longer than its Content-Length")
				return errEnd
			case err != nil && !errors.Is(err, http.ErrBodyNotAllowed):
				return errGone
			}
			if err := p.flush(); err != nil {
				return err
			}
		}
		b = b[n:]
		p.sent += n
	}
}

func (p *play) flush() error {
	err := p.rc.Flush()
	if p.r.Method == http.MethodHead {
		return nil // the answer may be over already
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errGone
	}
	return nil
}

// A trackingWriter tells a play what Do wrote.
type trackingWriter struct {
	http.ResponseWriter
	p *play
}

func (t trackingWriter) WriteHeader(code int) {
	t.p.begun = t.p.begun || code >= 200
	t.ResponseWriter.WriteHeader(code)
}

func (t trackingWriter) Write(b []byte) (int, error) {
	t.p.begun = true
	n, err := t.ResponseWriter.Write(b)
	t.p.sent += n
	return n, err
}

// Flush is for handlers that know only http.Flusher.
func (t trackingWriter) Flush() {
	t.p.begun = true
	t.p.flush()
}

// Unwrap is for http.ResponseController.
func (t trackingWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }
