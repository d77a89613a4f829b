// Package dialer provides a dialer that counts its connections.
package dialer

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// A Dialer makes TCP connections and counts them. The zero value is ready to use.
type Dialer struct {
	dialer net.Dialer
	made   atomic.Int64
	open   atomic.Int64
}

// DialContext connects to addr. It is a function for the field of an http.Transport.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.made.Add(1)
	d.open.Add(1)
	return &conn{Conn: c, closed: sync.OnceFunc(func() { d.open.Add(-1) })}, nil
}

// To returns a function for the field of an http.Transport that connects to addr(), whatever the
// URL of the request.
func (d *Dialer) To(
	addr func() string,
) func(ctx context.Context, network, _ string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, addr())
	}
}

// Made returns the number of connections that were made.
func (d *Dialer) Made() int { return int(d.made.Load()) }

// Open returns the number of connections that the client has not closed.
func (d *Dialer) Open() int { return int(d.open.Load()) }

type conn struct {
	net.Conn
	closed func()
}

func (c *conn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// Transport returns a transport without TLS that uses d. If http2 is true, it speaks HTTP/2 only,
// and otherwise HTTP/1.1 only.
func (d *Dialer) Transport(http2 bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	return &http.Transport{DialContext: d.DialContext, Protocols: protocols}
}
