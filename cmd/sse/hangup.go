//go:build unix || windows

package main

import "syscall"

// hangup is the signal that the terminal has gone.
const hangup = syscall.SIGHUP
