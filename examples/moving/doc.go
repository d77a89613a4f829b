// Package moving contains the code of docs/moving.md: the snippets that the page shows, and the
// tests that run them with the library before and after.
package moving
