// Package pty tests what the sse command does on a terminal. It is a module
// of its own because a pseudo-terminal needs a library.
package pty
