package recording

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/seed-0d85b69d/sse/internal/secret"
	"github.com/seed-0d85b69d/sse/internal/sockerr"
)

// maxChunk is the number of bytes written to one line. Even if each byte is
// escaped, the line is shorter than MaxLine.
const maxChunk = 512 << 10

// ErrFull is returned by a writer that needs no more lines.
var ErrFull = errors.New("recording is full")

// NewTransport returns a RoundTripper that calls base and writes a recording of
// the responses to w. If base is nil, it is http.DefaultTransport.
//
// Each line is written by one call of Write, and the calls do not overlap. If
// Write fails, the request or the Read of the body fails with its error. If that is
// ErrFull, they succeed, and the rest of the response is not recorded. Requests
// without a response, and responses with status 101, are not recorded.
func NewTransport(base http.RoundTripper, w io.Writer) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base: base, w: w}
}

type transport struct {
	base http.RoundTripper

	mu        sync.Mutex // protects the fields below
	w         io.Writer
	responses int
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := t.base.RoundTrip(req)
	if err != nil || resp.StatusCode < 200 {
		return resp, err
	}
	b := &body{ReadCloser: resp.Body, t: t, ctx: req.Context(), start: start}
	r := Response{
		Gap: b.gap(), Method: req.Method, URL: secret.RedactURL(req.URL),
		Status: resp.StatusCode, Header: maskHeader(resp.Header),
	}
	t.mu.Lock()
	t.responses++
	b.number = t.responses
	err = writeLine(t.w, headerLine(b.number, r))
	t.mu.Unlock()
	if err == ErrFull {
		return resp, nil
	}
	if err == nil && resp.Body == http.NoBody {
		err = b.writeEnd(EOF)
	}
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if resp.Body != http.NoBody {
		resp.Body = b
	}
	return resp, nil
}

// CloseIdleConnections calls that of base, if it has one.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// A body is the body of a response that is recorded.
type body struct {
	io.ReadCloser
	t      *transport
	ctx    context.Context // of the request
	number int
	start  time.Time // of the request

	mu      sync.Mutex // protects the fields below, because Close may interrupt Read
	elapsed int64      // milliseconds from start to the line written last
	ended   bool       // nothing is written anymore
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if werr := b.record(p[:n], err); werr != nil {
		return n, werr
	}
	return n, err
}

func (b *body) Close() error {
	// The end is written first, because Close makes a concurrent Read fail.
	werr := b.writeEnd(Closed)
	if err := b.ReadCloser.Close(); err != nil {
		return err
	}
	return werr
}

// record writes what a Read returned.
func (b *body) record(data []byte, err error) error {
	for len(data) > 0 {
		n := min(len(data), maxChunk)
		if werr := b.writeChunk(data[:n]); werr != nil {
			return werr
		}
		data = data[n:]
	}
	if err != nil {
		return b.writeEnd(b.endOf(err))
	}
	return nil
}

func (b *body) writeChunk(data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return nil
	}
	return b.write(chunkLine(b.number, Chunk{Gap: b.gap(), Data: data}))
}

// writeEnd writes the end of the response, unless it has been written.
func (b *body) writeEnd(end End) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return nil
	}
	b.ended = true
	return b.write(line{Response: &b.number, Gap: b.gap().Milliseconds(), End: end})
}

// write writes l. If there is no room for it, it is the last line of the response.
func (b *body) write(l line) error {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	err := writeLine(b.t.w, l)
	if err == ErrFull {
		b.ended, err = true, nil
	}
	return err
}

// gap returns the time since the last call, in whole milliseconds. The remainder
// is not lost, but added to the next gap. A gap that Read would refuse is shortened.
func (b *body) gap() time.Duration {
	before := b.elapsed
	b.elapsed = time.Since(b.start).Milliseconds()
	return min(time.Duration(b.elapsed-before)*time.Millisecond, MaxGap)
}

// cancelled reports whether the client has given up the request. The timer of
// http.Client.Timeout may interrupt a Read just before the context is done.
func (b *body) cancelled() bool {
	deadline, ok := b.ctx.Deadline()
	return b.ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// endOf returns how a response ended of which Read returned err.
func (b *body) endOf(err error) End {
	var timeout interface{ Timeout() bool }
	switch {
	case err == io.EOF:
		return EOF
	case b.cancelled(), errors.As(err, &timeout) && timeout.Timeout():
		return Closed
	case sockerr.Is(err, syscall.ECONNRESET):
		return Reset
	}
	return Cut
}
