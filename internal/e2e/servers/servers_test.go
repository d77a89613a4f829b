//go:build unix

package servers

import (
	"testing"

	"github.com/seed-0d85b69d/sse/internal/e2e/faultproxy"
)

// forEach runs test for each kind of server and each client.
func forEach(t *testing.T, test func(t *testing.T, k kind, startClient startFunc)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			for name, startClient := range clients {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, k, startClient)
				})
			}
		})
	}
}

// Each event is sent only after the one before it was received, so that the test fails if a client
// or a server holds events back. The servers that do so by their configuration send all at the end.
// After event 3, the server cuts the response inside the next event.
func TestClientsReceiveEventsAtOnce(t *testing.T) {
	forEach(t, func(t *testing.T, k kind, startClient startFunc) {
		srv := k.start(t)
		c := startClient(t, k, srv, srv.addr)
		for n := 1; n <= 6; n++ {
			srv.grow(n)
			if k.buffered {
				continue
			}
			c.receive(t, n)
			if n == 3 {
				srv.cut()
			}
		}
		srv.end()
		c.receive(t, 6)
		c.end(t)
	})
}

// A proxy in front of the server cuts the first connections after a few thousand bytes, wherever
// that is: in a chunk header, a compressed block, a TLS record or a frame.
func TestClientsResumeAfterCuts(t *testing.T) {
	const (
		events = 5000
		cuts   = 3
	)
	forEach(t, func(t *testing.T, k kind, startClient startFunc) {
		srv := k.start(t)
		srv.grow(events)
		srv.end()
		proxy, err := faultproxy.Start(srv.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Close)
		proxy.SetLimit(func(n int) (bytes int, reset bool) {
			if n > cuts {
				return -1, false
			}
			return 2000 + 999*n, n%2 == 0
		})
		c := startClient(t, k, srv, proxy.Addr())
		c.receive(t, events)
		c.end(t)
		if n := proxy.Accepted(); n <= cuts {
			t.Errorf("%d connections, want more than %d", n, cuts)
		}
	})
}
