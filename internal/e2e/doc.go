// Package e2e tests the Client against faults of real connections, servers and processes. Its
// tests use sockets on 127.0.0.1, real time and child processes. It also tests SDKs of language
// models with package ssetest, in memory and in virtual time.
//
// The packages below it make the faults:
//
//   - eventlog: a sequence of events that servers replay and clients verify
//   - http2server: an HTTP/2 server that resets, refuses, drains and falls silent
//   - faultproxy: a TCP proxy that delays, drops and resets
//   - child: processes that a test can suspend and kill
//   - dialer: a dialer that counts connections
//   - soak: a command that combines them for minutes and prints a table
//
// Package servers tests the Client and the command against servers that people run.
package e2e
