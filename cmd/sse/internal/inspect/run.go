package inspect

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/model"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
	"github.com/seed-0d85b69d/sse/internal/recording"
)

// A run is one request of the page and the stream that follows.
type run struct {
	number  int
	o       *request.Options
	options runOptions
	history *history
	store   *store
	stream  *sse.Stream
	rec     *request.Recorder
	start   time.Time
	cancel  context.CancelFunc
	done    chan struct{} // closed when the run has ended

	stats    *stats.Stats
	blocks   splitter
	model    model.Decoder
	events   int
	comments rateLimit
	ignored  rateLimit

	mu        sync.Mutex // protects the following fields, which several goroutines use
	attempt   int
	responded time.Time // when the last response was received
	findings  map[string]*foundRule
	lastStats string // the counters that were sent last
}

// runOptions are the options of a run in addition to its request.
type runOptions struct {
	reconnect    bool
	idleTimeout  time.Duration
	maxEventSize int
	maxStore     int // bytes of the recording that are kept
}

// startRun begins a run, whose messages go to history. Requests are sent with base.
func startRun(
	ctx context.Context, number int, o *request.Options, base http.RoundTripper, history *history,
	options runOptions,
) (*run, error) {
	r := &run{
		number:   number,
		o:        o,
		options:  options,
		history:  history,
		store:    newStore(options.maxStore),
		start:    time.Now(),
		done:     make(chan struct{}),
		stats:    stats.New(time.Now()),
		findings: make(map[string]*foundRule),
	}
	ctx, r.cancel = context.WithCancel(ctx)
	req, err := o.NewRequest(ctx)
	if err != nil {
		r.cancel()
		return nil, err
	}
	r.rec = &request.Recorder{
		Base:   recording.NewTransport(base, r.store),
		OnRead: r.read,
	}
	client := &sse.Client{
		HTTPClient:    o.HTTPClient(&observingTransport{base: r.rec, run: r}),
		IdleTimeout:   options.idleTimeout,
		NoReconnect:   !options.reconnect,
		MaxEventSize:  options.maxEventSize,
		Prepare:       r.prepare,
		CheckResponse: r.checkResponse,
		OnOpen:        r.opened,
		OnRetry:       r.retrying,
		OnComment:     r.comment,
		OnIgnored:     r.ignoredLine,
	}
	r.stream = client.Stream(req)
	history.begin(number)
	r.send(kindRun, kindRun, runStart{
		Run: number, Method: o.Method, URL: redact.URL(o.URL), Time: r.start,
	})
	go r.follow(ctx)
	return r, nil
}

// stop ends the run and waits for its end.
func (r *run) stop() {
	r.cancel()
	<-r.done
}

// follow reads the stream until it ends.
func (r *run) follow(ctx context.Context) {
	defer close(r.done)
	defer r.cancel()
	defer r.rec.CloseIdleConnections()
	var ticks sync.WaitGroup
	tickContext, stopTicks := context.WithCancel(ctx)
	ticks.Go(func() { r.tick(tickContext) })
	for r.stream.Next() {
		r.event()
	}
	r.stream.Close()
	stopTicks()
	ticks.Wait()
	r.sendFindings()
	r.sendStats()
	r.sendState(state{
		State:       "closed",
		Reason:      r.endReason(ctx, r.stream.Err()),
		LastEventID: r.stream.LastEventID(),
	})
}

// endReason returns why the stream ended with err.
func (r *run) endReason(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil:
		return "stopped"
	case err == nil && r.rec.LastStatus() == http.StatusNoContent:
		return "204 No Content"
	case err == nil:
		return "the server ended the stream"
	}
	return errtext.Line(err)
}

// send sends a message to the page. If key is not empty, the message replaces earlier ones with it.
func (r *run) send(kind, key string, v any) { r.history.add(r.number, kind, key, v) }

// since returns t as messages contain it: the milliseconds since the run began.
func (r *run) since(t time.Time) float64 { return milliseconds(t.Sub(r.start)) }

// sendState sends s with the current time and attempt.
func (r *run) sendState(s state) {
	r.mu.Lock()
	s.Attempt = r.attempt
	r.mu.Unlock()
	s.T = r.since(time.Now())
	s.Reason, s.LastEventID = shortText(s.Reason), shortText(s.LastEventID)
	r.send(kindState, kindState, s)
}

// prepare is called before each attempt.
func (r *run) prepare(req *http.Request) error {
	r.o.RemoveHeaders(req)
	r.mu.Lock()
	r.attempt++
	r.mu.Unlock()
	r.sendState(state{State: "connecting", LastEventID: req.Header.Get("Last-Event-ID")})
	return nil
}

// opened is called when a response was accepted.
func (r *run) opened(*http.Response) {
	r.blocks.reset()
	r.stats.Opened(time.Now())
	r.rec.Opened()
	r.sendState(state{State: "open", LastEventID: r.stream.LastEventID()})
}

// retrying is called before the wait for the next attempt.
func (r *run) retrying(err error, wait time.Duration) {
	r.stats.Disconnected(errtext.Cause(err))
	ms := milliseconds(wait)
	r.sendState(state{
		State:       "waiting",
		Reason:      errtext.Detail(err),
		Wait:        &ms,
		LastEventID: r.stream.LastEventID(),
	})
}

// read is called with the bytes of the open stream.
func (r *run) read(p []byte) {
	r.stats.AddBytes(len(p))
	r.blocks.write(p)
}
