// Package examples is the root of the module that contains the example programs. Each directory is
// a program, with a test and a README.
package examples
