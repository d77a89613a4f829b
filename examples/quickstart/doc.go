// Package quickstart contains the Go code of the project's README: a program in each directory, and
// a test of a consumer.
package quickstart
