package ssetest

import (
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A Step is one action of a server on a connection. It is made by one of the
// functions of this package and may be used any number of times. The zero Step
// does nothing.
type Step struct {
	do    func(*exchange) error
	name  func() string
	final bool // the step sends nothing, and nothing can be sent after it
	last  bool // no step can follow this one in a Conn
}

// String returns the step as it is written in a script. Long arguments are
// shortened.
func (s Step) String() string {
	if s.name == nil {
		return "Step{}"
	}
	return s.name()
}

func (s Step) run(x *exchange) error {
	if s.do == nil {
		return nil
	}
	return s.do(x)
}

// Status starts the response with a status code and header fields, which are
// pairs of key and value. A key may be repeated. The header is sent at once.
//
//	ssetest.Status(http.StatusServiceUnavailable, "Retry-After", "120")
//
// If the code is 200 and no Content-Type is given, it is text/event-stream.
// Status panics if the number of strings is odd.
func Status(code int, header ...string) Step {
	if len(header)%2 != 0 {
		panic("ssetest: Status: odd number of strings")
	}
	return Step{
		do: func(x *exchange) error { return x.sendHeader(code, header) },
		name: func() string {
			if len(header) == 0 {
				return fmt.Sprintf("Status(%d)", code)
			}
			return fmt.Sprintf("Status(%d, %q…)", code, header[0])
		},
	}
}

// Send sends events. It reports a test error for an event that cannot be
// encoded.
func Send(events ...sse.Event) Step {
	return Step{
		do:   func(x *exchange) error { return x.send(events) },
		name: func() string { return "Send(" + describe(events) + ")" },
	}
}

// describe lists the IDs of events.
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

// Raw sends the bytes of s unchanged, for example a part of an event or unusual
// line endings.
func Raw(s string) Step {
	return Step{
		do: func(x *exchange) error { return x.write([]byte(s)) },
		name: func() string {
			if r := []rune(s); len(r) > 32 {
				return fmt.Sprintf("Raw(%q…)", string(r[:32]))
			}
			return fmt.Sprintf("Raw(%q)", s)
		},
	}
}

// Comment sends a comment, which servers use to keep a connection alive.
func Comment(text string) Step {
	return Step{
		do:   func(x *exchange) error { return x.write(sse.AppendComment(nil, text)) },
		name: func() string { return fmt.Sprintf("Comment(%q)", text) },
	}
}

// Retry sends a retry field, which sets the reconnection time of the client.
func Retry(d time.Duration) Step {
	return Step{
		do:   func(x *exchange) error { return x.write(sse.AppendRetry(nil, d)) },
		name: func() string { return fmt.Sprintf("Retry(%v)", d) },
	}
}

// Sleep pauses for the duration d. As the first step it delays the header.
func Sleep(d time.Duration) Step {
	return Step{
		do: func(x *exchange) error {
			timer := time.NewTimer(d)
			defer timer.Stop()
			return wait(x, timer.C)
		},
		name: func() string { return fmt.Sprintf("Sleep(%v)", d) },
	}
}

// Wait pauses until c is closed or a value can be received from it. A test on
// sockets uses it to tell the server when to continue.
func Wait(c <-chan struct{}) Step {
	return Step{
		do:   func(x *exchange) error { return wait(x, c) },
		name: func() string { return "Wait" },
	}
}

func wait[T any](x *exchange, c <-chan T) error {
	select {
	case <-c:
		return nil
	case <-x.r.Context().Done():
		x.leftWaiting = true
		return errClientGone
	}
}

// Stall sends nothing more and waits until the client disconnects. As the first
// step it leaves the client waiting for the header.
//
// If the client has not disconnected after a minute, it probably has no timeout, and
// the test would never end. Stall then reports a test error and cuts the connection.
// In a [testing/synctest] bubble it waits for 30 days.
func Stall() Step {
	return Step{
		do: func(x *exchange) error {
			if x.r.Body != nil {
				// net/http notices that the client disconnects only after the body is read.
				io.Copy(io.Discard, x.r.Body)
			}
			x.done = true
			return x.stall()
		},
		name:  func() string { return "Stall()" },
		final: true,
		last:  true,
	}
}

// These are the times for which Stall waits.
const (
	maxStall        = time.Minute
	maxStallVirtual = 30 * 24 * time.Hour
)

func stallLimit() time.Duration {
	if currentBubble() != "" {
		return maxStallVirtual
	}
	return maxStall
}

func (x *exchange) stall() error {
	if x.srv == nil {
		<-x.r.Context().Done()
		return errClientGone
	}
	limit := stallLimit()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-timer.C:
		x.errorf("the client has not disconnected after %v of Stall(); give it a timeout, "+
			"cancel its context, or close the server", limit)
		return Cut().run(x)
	case <-x.r.Context().Done():
		return errClientGone
	}
}

// End ends the response cleanly. It is only needed within [After], because a
// Conn ends its response cleanly after the last step.
func End() Step {
	return Step{
		do:    func(x *exchange) error { x.ensureHeader(); x.closeGzip(); return errEnd },
		name:  func() string { return "End()" },
		final: true,
		last:  true,
	}
}

// Cut closes the connection in the middle of the response. After the header,
// reading the body returns [io.ErrUnexpectedEOF]. Before the header, the request
// fails. On HTTP/2, Cut resets the stream.
func Cut() Step {
	return Step{
		do:    func(x *exchange) error { x.done = true; panic(http.ErrAbortHandler) },
		name:  func() string { return "Cut()" },
		final: true,
		last:  true,
	}
}

// Reset resets the TCP connection. The client gets an error that matches
// [syscall.ECONNRESET]. Some systems then drop data that the client has not read
// yet; Linux and the connections in memory do not. On HTTP/2, Reset resets the
// stream, as Cut does.
func Reset() Step {
	return Step{
		do: func(x *exchange) error {
			x.done = true
			c, _, err := x.rc.Hijack()
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
		name:  func() string { return "Reset()" },
		final: true,
		last:  true,
	}
}

// After runs step when exactly n bytes of the body have been sent, even in the
// middle of an event or of a character. It must come before the steps that send
// these bytes:
//
//	ssetest.Conn{ssetest.After(17, ssetest.Cut()), ssetest.Send(events...)}
//
// After step, the remaining bytes are sent.
func After(n int, step Step) Step {
	return Step{
		do: func(x *exchange) error {
			i := slices.IndexFunc(x.triggers, func(t trigger) bool { return t.at > n })
			if i < 0 {
				i = len(x.triggers)
			}
			x.triggers = slices.Insert(x.triggers, i, trigger{n, step})
			return nil
		},
		name:  func() string { return fmt.Sprintf("After(%d, %v)", n, step) },
		final: step.final,
	}
}

// Chunks sends everything that follows in pieces of n bytes and flushes each of
// them.
func Chunks(n int) Step {
	return Step{
		do:   func(x *exchange) error { x.chunkSize = n; return nil },
		name: func() string { return fmt.Sprintf("Chunks(%d)", n) },
	}
}

// Gzip compresses everything that follows and flushes the compressor after each
// step. It sets Content-Encoding, so it must come before the header is sent.
// After counts compressed bytes.
func Gzip() Step {
	return Step{
		do: func(x *exchange) error {
			if x.headerSent {
				x.errorf("Gzip(): the header has already been sent")
				return nil
			}
			x.w.Header().Set("Content-Encoding", "gzip")
			// BestSpeed needs the least memory.
			x.gzip, _ = gzip.NewWriterLevel(&x.compressed, gzip.BestSpeed)
			return nil
		},
		name: func() string { return "Gzip()" },
	}
}

// WantHeader reports a test error unless the request has exactly one value for
// the header field key, equal to value.
//
//	ssetest.WantHeader("Last-Event-ID", "42")
func WantHeader(key, value string) Step {
	return Step{
		do: func(x *exchange) error {
			switch got, ok := x.r.Header[http.CanonicalHeaderKey(key)]; {
			case !ok:
				x.errorf("the request has no header %s, want %q", key, value)
			case len(got) != 1 || got[0] != value:
				x.errorf("the request has header %s %q, want %q", key, got, value)
			}
			return nil
		},
		name: func() string { return fmt.Sprintf("WantHeader(%q, %q)", key, value) },
	}
}

// WantNoHeader reports a test error if the request has the header field key.
func WantNoHeader(key string) Step {
	return Step{
		do: func(x *exchange) error {
			if got, ok := x.r.Header[http.CanonicalHeaderKey(key)]; ok {
				x.errorf("the request has header %s %q, want none", key, got)
			}
			return nil
		},
		name: func() string { return fmt.Sprintf("WantNoHeader(%q)", key) },
	}
}

// Do calls f, for actions that no other step does. The output of f is flushed when
// it returns.
func Do(f func(http.ResponseWriter, *http.Request)) Step {
	return Step{
		do: func(x *exchange) error {
			f(trackingWriter{x.w, x}, x.r)
			if x.headerSent {
				x.flush()
			}
			return nil
		},
		name: func() string { return "Do" },
	}
}
