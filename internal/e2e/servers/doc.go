// Package servers tests the Client and the command sse against servers that people run: Node's
// http, Python's http.server and Flask, nginx as a proxy, and net/http over HTTP/2.
//
// All servers serve the events of package eventlog. The programs in testdata read commands from
// their standard input, one per line:
//
//	grow N    the log has N events now
//	cut       end all responses in the middle of the next event
//	end       end all responses after the last event, and respond with 204 from then on
//
// A test needs the program of its server. If it is not installed, the test is skipped. If the
// environment variable CI is "true", the test fails. In Debian, the packages are nodejs, python3,
// python3-flask and nginx.
package servers
