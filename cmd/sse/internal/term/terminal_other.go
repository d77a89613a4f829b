//go:build !(linux || darwin || freebsd)

package term

import "os"

// terminalWidth does not know the width here; a character device is taken
// for a terminal.
func terminalWidth(f *os.File) (columns int, ok bool) {
	info, err := f.Stat()
	return 0, err == nil && info.Mode()&os.ModeCharDevice != 0
}
