//go:build !(linux || darwin || freebsd)

package term

import "os"

// terminalWidth reports in ok whether f is a character device, which is considered a terminal. The
// number of columns is not known on these systems.
func terminalWidth(f *os.File) (columns int, ok bool) {
	info, err := f.Stat()
	return 0, err == nil && info.Mode()&os.ModeCharDevice != 0
}
