package ssetest

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// An origin says which of several servers of a test a failure message is about.
type origin struct {
	servers *atomic.Int32 // number of servers of the test
	number  int32         // of the server in its test, starting at 1
	file    string        // where the server was made
	line    int
}

// String returns a prefix for failure messages. It is empty if the test has only
// one server.
func (o origin) String() string {
	if o.servers.Load() <= 1 {
		return ""
	}
	return fmt.Sprintf("server %d (%s:%d): ", o.number, o.file, o.line)
}

// serverCounts holds the number of servers of each test that is running.
var serverCounts struct {
	mu sync.Mutex
	m  map[testing.TB]*atomic.Int32
}

// newOrigin returns the origin of a server that is made by the caller of the caller
// of newServer.
func newOrigin(tb testing.TB) origin {
	o := origin{servers: serverCount(tb)}
	o.number = o.servers.Add(1)
	_, file, line, _ := runtime.Caller(3) // newOrigin, newServer, NewServer
	o.file, o.line = filepath.Base(file), line
	return o
}

// serverCount returns the counter of the servers of the test.
func serverCount(tb testing.TB) *atomic.Int32 {
	if !reflect.ValueOf(tb).Comparable() {
		return new(atomic.Int32)
	}
	serverCounts.mu.Lock()
	defer serverCounts.mu.Unlock()
	if n := serverCounts.m[tb]; n != nil {
		return n
	}
	if serverCounts.m == nil {
		serverCounts.m = map[testing.TB]*atomic.Int32{}
	}
	n := new(atomic.Int32)
	serverCounts.m[tb] = n
	tb.Cleanup(func() {
		serverCounts.mu.Lock()
		defer serverCounts.mu.Unlock()
		delete(serverCounts.m, tb)
	})
	return n
}
