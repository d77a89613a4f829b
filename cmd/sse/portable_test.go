package main

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// windowsTexts replaces what Windows prints differently: the texts of errors, by their numbers, and
// quoted paths.
var windowsTexts = strings.NewReplacer(
	syscall.Errno(2).Error(), "no such file or directory",
	syscall.Errno(3).Error(), "no such file or directory",
	syscall.Errno(10048).Error(), "address already in use",
	syscall.Errno(10054).Error(), "connection reset by peer",
	syscall.Errno(10061).Error(), "connection refused",
	`\\`, `\`,
)

// portable returns the output of the command as other systems than Windows print it.
func portable(output string) string {
	if runtime.GOOS != "windows" {
		return output
	}
	return windowsTexts.Replace(output)
}

// sendSignal sends sig to c. It skips the rest of the test on Windows, which cannot do that.
func sendSignal(t *testing.T, c *exec.Cmd, sig os.Signal) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send a signal to another process")
	}
	if err := c.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// needDevFull skips the rest of the test if the system has no file that is always full.
func needDevFull(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has /dev/full")
	}
}
