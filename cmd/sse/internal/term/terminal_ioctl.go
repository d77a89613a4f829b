//go:build linux || darwin || freebsd

package term

import (
	"os"
	"syscall"
	"unsafe"
)

// terminalWidth is the number of columns of the terminal that f is; ok is
// false if it is none.
func terminalWidth(f *os.File) (columns int, ok bool) {
	var size struct{ rows, columns, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	return int(size.columns), errno == 0
}
