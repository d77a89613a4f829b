// Package recipes is the root of the code of docs/recipes. Each directory contains the code of one
// page: the snippets that the page shows, and the tests that run them.
package recipes
