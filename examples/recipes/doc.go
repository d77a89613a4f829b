// Package recipes runs the code of the recipes in docs/recipes. Each file is about the subject of
// its name, and contains the snippets that the recipes show and the tests that run them.
package recipes
