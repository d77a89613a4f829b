package follow

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// A source is where events come from: a Stream, or a Reader of standard input.
type source interface {
	Next() bool
	Event() sse.Event
	LastEventID() string
	Err() error
	Close() error
}

// openSource returns the source of the run.
func (s *session) openSource(ctx context.Context) (source, error) {
	if s.o.URL == nil {
		return s.openInput(ctx), nil
	}
	req, err := s.o.NewRequest(ctx)
	if err != nil {
		return nil, err
	}
	c := &connection{s: s, first: true}
	client := &sse.Client{
		HTTPClient:   s.o.HTTPClient(s.rec),
		IdleTimeout:  s.o.IdleTimeout,
		MaxEventSize: s.o.MaxEventSize,
		Prepare:      c.prepare,
		OnOpen:       c.opened,
		OnRetry:      c.retrying,
		OnIgnored:    s.ignoredLine,
	}
	if s.view != nil {
		client.OnComment = s.observer.Comment
	}
	s.limitRetries(client, req)
	c.stream = client.Stream(req)
	return c.stream, nil
}

// limitRetries applies --retry to client and req.
func (s *session) limitRetries(client *sse.Client, req *http.Request) {
	if s.o.Retries == nil {
		return
	}
	client.Backoff = func() backoff.BackOff {
		return backoff.WithMaxRetries(sse.DefaultBackoff(), uint64(*s.o.Retries))
	}
	const key = "Idempotency-Key"
	if _, ok := req.Header[key]; !ok {
		// As in net/http, a POST with this header is repeated, and an empty list is not sent.
		req.Header[key] = []string{}
	}
}

// A connection implements the hooks of the client.
type connection struct {
	s       *session
	stream  *sse.Stream
	first   bool        // no attempt was made yet
	begun   time.Time   // when the current attempt began
	waiting atomic.Bool // for the headers of the first response
	once    sync.Once   // for what is done at the first response
}

// prepare is called before each attempt.
func (c *connection) prepare(req *http.Request) error {
	s := c.s
	s.o.RemoveHeaders(req)
	s.observer.Connecting(req, c.first)
	if c.first {
		c.waiting.Store(true)
		time.AfterFunc(s.o.HintAfter, func() {
			if c.waiting.Load() {
				s.observer.Note("no response so far: the server has not sent headers")
			}
		})
	}
	c.begun, c.first = time.Now(), false
	return nil
}

// opened is called when a response was accepted.
func (c *connection) opened(resp *http.Response) {
	s, now := c.s, time.Now()
	c.waiting.Store(false)
	s.beginFile()
	s.lines.reset()
	s.silence.reset()
	if s.unfinished != nil {
		s.unfinished.reset()
	}
	s.compressed.Store(resp.Uncompressed)
	s.stats.Opened(now)
	s.rec.Opened()
	s.observer.Opened(resp, now.Sub(c.begun), c.stream.LastEventID())
	c.once.Do(func() {
		s.reportRedirect(resp)
		time.AfterFunc(s.o.HintAfter, s.explain)
	})
}

// retrying is called before the wait for the next attempt.
func (c *connection) retrying(err error, wait time.Duration) {
	s := c.s
	c.waiting.Store(false)
	s.silence.stop()
	s.explain()
	if s.lastErr = s.unfinishedError(); s.lastErr != nil {
		c.stream.Close()
		return
	}
	if ends, runErr := s.textEnd(err, c.stream.LastEventID()); ends {
		s.lastErr = runErr
		c.stream.Close()
		return
	}
	if s.o.NoReconnect {
		if err != io.EOF { // io.EOF is the clean end of a response
			s.lastErr = err
		}
		c.stream.Close()
		return
	}
	s.stats.Disconnected(errtext.Cause(err))
	s.observer.Disconnected(err, wait)
}

// An input is the stream on standard input.
type input struct {
	*sse.Reader
	pipe *io.PipeReader
}

// Close makes a blocked Next return.
func (i input) Close() error { return i.pipe.Close() }

// openInput returns the source that reads standard input. A read of a terminal or a pipe cannot be
// interrupted, so another goroutine reads, and is left behind if the run ends before the input.
func (s *session) openInput(ctx context.Context) source {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.Copy(pw, s.o.Stdin)
		pw.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { pr.CloseWithError(context.Cause(ctx)) })
	r := sse.NewReader(s.rec.Body(pr))
	r.MaxEventSize, r.OnIgnored = s.o.MaxEventSize, s.ignoredLine
	s.silence.reset()
	if s.view != nil {
		s.view.InputOpened()
		r.OnComment = s.observer.Comment
	}
	s.beginFile()
	time.AfterFunc(s.o.HintAfter, s.explain)
	return input{r, pr}
}
