//go:build unix

package servers

import (
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
)

// A backend is an http.Handler that serves a log with sse.Writer, as the programs in testdata do.
type backend struct {
	log eventlog.Log

	mu    sync.Mutex
	ended bool
	ctx   context.Context // canceled when the responses must be cut, or when the log has ended
	stop  context.CancelFunc
}

func newBackend() *backend {
	b := new(backend)
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

func (b *backend) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop()
	b.ctx, b.stop = context.WithCancel(context.Background())
}

func (b *backend) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.stop()
}

// state reports whether the log has ended, and returns the context of a response that begins now.
func (b *backend) state() (bool, context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended, b.ctx
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	ended, ctx := b.state()
	if ended && last >= b.log.Len() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	out, err := sse.NewWriter(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	if out.Retry(0) != nil {
		return
	}
	wait, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	for last < b.log.Len() || !ended {
		n, ok := b.log.Wait(last, wait.Done())
		if !ok {
			if ended, _ = b.state(); ended {
				continue
			}
			io.WriteString(w, "id: "+strconv.Itoa(last+1)+"\ndata: incomplete")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		for last < n {
			last++
			if out.Send(eventlog.Event(last)) != nil {
				return
			}
		}
	}
}

// startHTTP2 starts a server of net/http that speaks HTTP/2 over TLS.
func startHTTP2(t *testing.T) *server {
	b := newBackend()
	srv := httptest.NewUnstartedServer(b)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	return &server{
		addr: srv.Listener.Addr().String(),
		caCert: pem.EncodeToMemory(&pem.Block{
			Type:  "CERTIFICATE",
			Bytes: srv.Certificate().Raw,
		}),
		httpClient: srv.Client(),
		grow:       b.log.Grow,
		cut:        b.cut,
		end:        b.end,
	}
}
