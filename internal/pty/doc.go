// Package pty tests the sse command on a terminal. It is a separate module because it needs a
// library for pseudo-terminals.
package pty
