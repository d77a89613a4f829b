// Package sockerr recognizes the errors of sockets on all systems.
package sockerr

import (
	"errors"
	"syscall"
)

// The errors that sockets return on Windows. There, package syscall defines the names of POSIX, but
// no system call returns them. Other systems have no errors with these numbers.
const (
	wsaConnReset   = syscall.Errno(10054)
	wsaConnRefused = syscall.Errno(10061)
)

// Is reports whether err matches target, as errors.Is does. If target is syscall.ECONNREFUSED or
// syscall.ECONNRESET, it also matches the error of Windows.
func Is(err, target error) bool {
	if errors.Is(err, target) {
		return true
	}
	switch target {
	case syscall.ECONNREFUSED:
		return errors.Is(err, wsaConnRefused)
	case syscall.ECONNRESET:
		return errors.Is(err, wsaConnReset)
	}
	return false
}
