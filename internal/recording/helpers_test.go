package recording_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	. "github.com/seed-0d85b69d/sse/internal/recording"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// A failingWriter fails after n calls of Write.
type failingWriter struct {
	n     int
	err   error
	calls int
}

func (w *failingWriter) Write(b []byte) (int, error) {
	w.calls++
	if w.calls > w.n {
		return 0, w.err
	}
	return len(b), nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A closer records that it was closed.
type closer struct {
	io.Reader
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }

// A countingTransport counts the calls of CloseIdleConnections.
type countingTransport struct {
	roundTripper
	closed int
}

func (c *countingTransport) CloseIdleConnections() { c.closed++ }

// record makes one request in virtual time and returns the recording. read reads the body,
// which is closed afterwards.
func record(t *testing.T, conn ssetest.Conn, read func(resp *http.Response)) string {
	t.Helper()
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, conn)
		srv.AllowUnused()
		client := srv.Client()
		client.Transport = NewTransport(client.Transport, &b)
		resp, err := client.Post("http://u:s3cret@sse.test/a%20b?key=s3cret", "", strings.NewReader("x"))
		if err != nil {
			t.Error(err)
			return
		}
		resp.Header.Set("X-After", "x") // must not change the recording
		read(resp)
		resp.Body.Close()
		resp.Body.Close()
	})
	return b.String()
}

func readAll(resp *http.Response) { io.ReadAll(resp.Body) }

// A lineWriter panics if a call of Write does not write one line, and the race detector
// finds calls that overlap.
type lineWriter struct{ text strings.Builder }

func (w *lineWriter) Write(b []byte) (int, error) {
	if bytes.IndexByte(b, '\n') != len(b)-1 {
		panic(fmt.Sprintf("not a line: %q", b))
	}
	return w.text.Write(b)
}
