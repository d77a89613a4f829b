package check

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Watch checks resp like [Response] while the caller reads its body. It checks the header and
// replaces the Body of resp by one that checks what is read. A response that is a redirect must not
// be watched.
//
// The function report is called with each finding when it arises, and again when its count or its
// severity has changed. Findings about the whole stream are reported when the body ends or is
// closed. The calls do not overlap. The function must not read or close the body.
func Watch(resp *http.Response, report func(Finding)) {
	ctx := context.Background()
	if resp.Request != nil {
		ctx = resp.Request.Context()
	}
	shown := *resp
	shown.Body = http.NoBody // the body is left to its reader
	c := newChecker()
	c.onFinding = report
	if !c.checkHeader(&shown) {
		return
	}
	c.startBody(time.Now())
	resp.Body = &watchedBody{ReadCloser: resp.Body, ctx: ctx, resp: &shown, c: c}
}

// A watchedBody checks what is read from it.
type watchedBody struct {
	io.ReadCloser
	ctx  context.Context // of the request
	resp *http.Response  // with another body

	mu   sync.Mutex
	c    *checker
	done bool
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return n, err
	}
	b.c.received(p[:n], time.Now())
	b.c.checkMixtures()
	if err != nil {
		b.c.checkEnd(b.ctx, b.resp, err)
		b.finish()
	}
	return n, err
}

// Close implements io.Closer. It may be called during Read.
func (b *watchedBody) Close() error {
	b.mu.Lock()
	if !b.done {
		b.finish()
	}
	b.mu.Unlock()
	return b.ReadCloser.Close()
}

// finish ends the check. The caller must hold the lock.
func (b *watchedBody) finish() {
	b.done = true
	b.c.finish(b.ctx, b.resp)
}
