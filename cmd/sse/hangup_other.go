//go:build !unix && !windows

package main

import "syscall"

// hangup stands for a signal that this system does not have.
const hangup = syscall.SIGTERM
