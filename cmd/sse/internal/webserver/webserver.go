// Package webserver runs the HTTP servers of sse serve and sse inspect.
package webserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// RequestTimeout is how long it may take to receive a request, or to send a short response.
const RequestTimeout = 10 * time.Second

// ParseAddr returns the address to listen on: a port, or HOST:PORT. Only an address with a host can
// be reached from other machines.
func ParseAddr(addr string) (string, error) {
	given := addr
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", fmt.Errorf("%q is not an address: want a port, or HOST:PORT", given)
	}
	return addr, nil
}

// URL returns the URL, on this machine, of a server that listens on addr.
func URL(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port)) + "/"
}

// Serve runs h on l until ctx is done, and returns the exit code of the subcommand name. If other
// machines can reach l, a warning says so.
func Serve(ctx context.Context, l net.Listener, h http.Handler, name string, stderr io.Writer) int {
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		fmt.Fprintln(stderr, "sse: other machines can reach this server")
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: RequestTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	err := server.Serve(l)
	if sig := (errtext.Signal{}); errors.As(context.Cause(ctx), &sig) {
		return errtext.ExitStatus(sig).Code
	}
	errtext.Print(stderr, name, err)
	return errtext.ExitError
}
