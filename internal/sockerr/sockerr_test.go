package sockerr

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestIs(t *testing.T) {
	read := func(number syscall.Errno) error {
		return &net.OpError{Op: "read", Err: os.NewSyscallError("wsarecv", number)}
	}
	for _, test := range []struct {
		err, target error
		want        bool
	}{
		{read(syscall.ECONNRESET), syscall.ECONNRESET, true},
		{read(10054), syscall.ECONNRESET, true},
		{read(10061), syscall.ECONNREFUSED, true},
		{read(10061), syscall.ECONNRESET, false},
		{read(10054), syscall.EPIPE, false},
		{io.EOF, io.EOF, true},
		{nil, nil, true},
		{nil, syscall.ECONNRESET, false},
		{io.EOF, nil, false},
	} {
		if got := Is(test.err, test.target); got != test.want {
			t.Errorf("Is(%v, %v) = %v, want %v", test.err, test.target, got, test.want)
		}
	}
}

// A refused connection is recognized on the system that runs the test.
func TestIsRefusedDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no sockets:", err) // js and wasip1
	}
	l.Close()
	if _, err := net.Dial("tcp", l.Addr().String()); !Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Is(%v, ECONNREFUSED) = false", err)
	}
}
