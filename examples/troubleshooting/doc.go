// Package troubleshooting contains the code of docs/troubleshooting.md: the snippets that the page
// shows, and tests of the error texts and findings that it names.
package troubleshooting
