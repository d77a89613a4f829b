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
