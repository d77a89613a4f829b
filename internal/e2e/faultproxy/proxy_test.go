package faultproxy

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// start returns a proxy in front of a server that sends back what it receives.
func start(t *testing.T) *Proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	p, err := Start(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// echo sends text and reads it back within timeout.
func echo(c net.Conn, text string, timeout time.Duration) error {
	c.SetDeadline(time.Now().Add(timeout))
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	return expect(c, text)
}

func expect(c net.Conn, text string) error {
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if string(b) != text {
		return errors.New("received " + string(b))
	}
	return nil
}

// wantOpen waits until n connections are open.
func wantOpen(t *testing.T, p *Proxy, n int) {
	t.Helper()
	late := false
	timer := time.AfterFunc(5*time.Second, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		late = true
		p.changed.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.open != n {
		if late {
			t.Fatalf("%d open connections, want %d", p.open, n)
		}
		p.changed.Wait()
	}
}

func TestProxyForwards(t *testing.T) {
	p := start(t)
	c := dial(t, p)
	if err := echo(c, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, p, 1)
	c.Close()
	wantOpen(t, p, 0)
	if p.Accepted() != 1 {
		t.Errorf("%d connections, want 1", p.Accepted())
	}
}

func TestProxyHoldKeepsBytes(t *testing.T) {
	p := start(t)
	c := dial(t, p)
	p.Hold()
	if err := echo(c, "hello", 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("echo while held: %v, want a timeout", err)
	}
	gone := dial(t, p)
	wantOpen(t, p, 2)
	gone.Close()
	wantOpen(t, p, 1) // the end of a connection is counted while held
	p.Resume()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	if err := expect(c, "hello"); err != nil {
		t.Fatal(err)
	}
}

func TestProxyDropEndsNothing(t *testing.T) {
	p := start(t)
	before := dial(t, p)
	if err := echo(before, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Drop()
	during := dial(t, p)
	p.Resume()
	if err := echo(during, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := echo(before, "hello", 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("echo on a dropped connection: %v, want a timeout", err)
	}
	before.Close()
	during.Close()
	wantOpen(t, p, 0)
}

func TestProxyReset(t *testing.T) {
	p := start(t)
	c := dial(t, p)
	if err := echo(c, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Reset()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read = %v, want a reset", err)
	}
	wantOpen(t, p, 0)
}

func TestProxyLimit(t *testing.T) {
	for _, reset := range []bool{false, true} {
		p := start(t)
		p.SetLimit(func(n int) (int, bool) { return 3 * n, reset })
		for n := 1; n <= 2; n++ {
			c := dial(t, p)
			c.SetDeadline(time.Now().Add(5 * time.Second))
			io.WriteString(c, "hello hello")
			b, err := io.ReadAll(c)
			// A reset may discard bytes that were received.
			if len(b) > 3*n || !reset && (len(b) < 3*n || err != nil) || reset && err == nil {
				t.Errorf("connection %d with reset %v: received %q, %v", n, reset, b, err)
			}
		}
	}
}

func TestProxyDelay(t *testing.T) {
	p := start(t)
	p.SetDelay(func() time.Duration { return 20 * time.Millisecond })
	c := dial(t, p)
	begin := time.Now()
	if err := echo(c, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d < 40*time.Millisecond {
		t.Errorf("an echo took %v, want at least 40ms", d)
	}
}
