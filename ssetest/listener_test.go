package ssetest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/seed-0d85b69d/sse/ssetest"
)

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen()
		client, server := connect(t, l)
		go func() {
			io.WriteString(server, "hello")
			server.Close()
		}()
		if n, err := client.Read(nil); n != 0 || err != nil {
			t.Errorf("empty read: got %d, %v", n, err)
		}
		if got, err := io.ReadAll(client); string(got) != "hello" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed peer: got %v, want %v", err, syscall.EPIPE)
		}
		client.Close()
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after Close: got %v, want %v", err, net.ErrClosed)
		}
		if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after Close: got %v, want %v", err, net.ErrClosed)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.DialContext(ctx, "tcp", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without Accept: got %v, want %v", err, context.DeadlineExceeded)
		}
		l.Close()
		l.Close()
		if _, err := l.DialContext(t.Context(), "tcp", ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after Close: got %v, want %v", err, syscall.ECONNREFUSED)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: got %v, want %v", err, net.ErrClosed)
		}
	})
}

func TestListenerReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, Listen())
		io.WriteString(server, "hello")
		server.(interface{ SetLinger(int) error }).SetLinger(0)
		server.Close()
		if got, err := io.ReadAll(client); string(got) != "hello" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: got %q, %v, want hello and %v", got, err, syscall.ECONNRESET)
		}
		if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: got %v, want %v", err, syscall.ECONNRESET)
		}
	})
}

// A connection holds 64 KiB. Then the writer waits for the reader.
func TestListenerBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, Listen())
		const size = 1 << 20
		written := 0
		go func() {
			for range size / 1024 {
				n, err := io.WriteString(server, strings.Repeat("x", 1024))
				written += n
				if err != nil {
					t.Error(err)
				}
			}
			server.Close()
		}()
		synctest.Wait()
		if written != 64<<10 {
			t.Errorf("wrote %d bytes ahead, want %d", written, 64<<10)
		}
		if got, err := io.ReadAll(client); len(got) != size || err != nil {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, size)
		}
	})
}

func TestListenerDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, Listen())
		buf := make([]byte, 128<<10)
		start := time.Now()
		since := func(want time.Duration, what string, err, wantErr error) {
			t.Helper()
			if got := time.Since(start); got != want || !errors.Is(err, wantErr) {
				t.Errorf("%s: got %v after %v, want %v after %v", what, err, got, wantErr, want)
			}
			start = time.Now()
		}

		client.SetReadDeadline(time.Now().Add(time.Hour))
		_, err := client.Read(buf)
		since(time.Hour, "read", err, os.ErrDeadlineExceeded)
		_, err = client.Read(buf)
		since(0, "read again", err, os.ErrDeadlineExceeded)

		server.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := server.Write(buf)
		since(time.Minute, "write", err, os.ErrDeadlineExceeded)
		if n != 64<<10 {
			t.Errorf("wrote %d bytes, want %d", n, 64<<10)
		}

		// A deadline can be moved and removed while a Read is blocked.
		server.SetDeadline(time.Now().Add(time.Second))
		time.AfterFunc(500*time.Millisecond, func() { server.SetDeadline(time.Now().Add(time.Minute)) })
		_, err = server.Read(buf)
		since(time.Minute+500*time.Millisecond, "moved", err, os.ErrDeadlineExceeded)
		server.SetDeadline(time.Now().Add(time.Second))
		server.SetDeadline(time.Time{})
		time.AfterFunc(time.Hour, func() { client.Close() })
		_, err = server.Read(buf)
		since(time.Hour, "none", err, io.EOF)

		server.SetDeadline(time.Now().Add(-time.Second))
		_, err = server.Read(buf)
		since(0, "past", err, os.ErrDeadlineExceeded)
	})
}
