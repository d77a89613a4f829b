package main

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// stream makes the stream that the options describe; what ends it for the
// sake of --no-reconnect is stored in last.
func (s *session) stream(ctx context.Context, t *tap, last *error) (*sse.Stream, error) {
	req, err := s.o.request(ctx)
	if err != nil {
		return nil, err
	}
	var (
		stream  *sse.Stream
		begun   time.Time
		hint    sync.Once
		first   = true
		waiting atomic.Bool // for the first headers
	)
	client := &sse.Client{
		HTTPClient:   &http.Client{Transport: t, Timeout: s.o.connectTimeout},
		IdleTimeout:  s.o.idle,
		MaxEventSize: s.o.maxEventSize,
		Prepare: func(req *http.Request) error {
			s.o.strip(req)
			s.obs.connecting(req, first)
			if first {
				waiting.Store(true)
				time.AfterFunc(hintAfter, func() {
					if waiting.Load() {
						s.obs.note("no answer so far: the server has sent no headers")
					}
				})
			}
			begun, first = time.Now(), false
			return nil
		},
		OnOpen: func(resp *http.Response) {
			now := time.Now()
			waiting.Store(false)
			s.begin()
			s.watch.reset()
			s.stats.open(now)
			t.live.Store(true)
			s.obs.opened(resp, now.Sub(begun), stream.LastEventID())
			hint.Do(func() { time.AfterFunc(hintAfter, s.explain) })
		},
		OnRetry: func(err error, wait time.Duration) {
			waiting.Store(false)
			s.explain()
			if s.o.noReconnect {
				if *last = err; err == io.EOF {
					*last = nil
				}
				stream.Close()
				return
			}
			s.stats.cut(cause(err))
			s.obs.cut(err, wait)
		},
	}
	if s.view != nil {
		client.OnComment = s.obs.comment
	}
	stream = client.Stream(req)
	return stream, nil
}

// input makes the source that reads standard input. Reads of a terminal or
// a pipe can't be broken off, so a goroutine is left to them.
func (s *session) input(ctx context.Context, t *tap) source {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.Copy(pw, s.std.in)
		pw.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { pr.CloseWithError(context.Cause(ctx)) })
	r := sse.NewReader(&tapped{pr, t})
	r.MaxEventSize = s.o.maxEventSize
	if s.view != nil {
		s.view.setState("open")
		r.OnComment = s.obs.comment
	}
	s.begin()
	time.AfterFunc(hintAfter, s.explain)
	return r
}
