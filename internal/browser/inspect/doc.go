// Package inspect tests the page of sse inspect in Chromium. The tests build the command, start its
// subcommands inspect and serve as processes, and use the page as a person does: with the mouse and
// the keyboard. A test fails if the page reports an error on the console, violates its content
// security policy, or sends a request to another server.
package inspect
