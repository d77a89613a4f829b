// Package errtext turns errors into text and exit codes.
//
// No other package of the command decides what is printed about an error, or which exit code an
// error leads to.
package errtext

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/model"
	"github.com/seed-0d85b69d/sse/internal/sockerr"
)

// The exit codes of the command.
const (
	ExitDone        = 0
	ExitError       = 1
	ExitUsage       = 2
	ExitHTTP        = 22 // the code of curl -f
	ExitTimeout     = 28 // the code of curl
	ExitInterrupted = 130
	ExitTerminated  = 143
)

// A Stop is the reason why a run ended as the command line asked. Its exit code is 0.
type Stop struct {
	Name string // in --summary json
	Text string // in the summary for people
}

// Error returns the text of the reason.
func (s *Stop) Error() string { return s.Text }

// A Signal is the reason of a run that a signal ended.
type Signal struct{ os.Signal }

// Error returns the name of the signal.
func (s Signal) Error() string { return s.String() }

// A WriteError reports that an event or the --state file could not be written.
type WriteError struct{ Err error }

// Output returns the WriteError for err, which is an error of writing the output.
func Output(err error) error { return &WriteError{fmt.Errorf("cannot write the output: %w", err)} }

// Error returns the text of the error.
func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the file system.
func (e *WriteError) Unwrap() error { return e.Err }

// An IncompleteError reports that the stream ended well, but without what the command line asks
// for.
type IncompleteError struct{ Text string }

// Error returns the text of the error.
func (e *IncompleteError) Error() string { return e.Text }

var (
	// ErrNoUntil reports that the stream ended without the event that --until names.
	ErrNoUntil error = &IncompleteError{
		"the stream ended without the event that --until waits for",
	}

	// ErrNoUntilType is like ErrNoUntil for --until-type.
	ErrNoUntilType error = &IncompleteError{
		"the stream ended without an event of a type that --until-type waits for",
	}

	// ErrUnfinishedUntil reports that the event that --until names lacks its blank line.
	ErrUnfinishedUntil error = &IncompleteError{
		"the last event is the one that --until waits for, " +
			"but the stream ended without the blank line after it",
	}

	// ErrUnfinishedUntilType is like ErrUnfinishedUntil for --until-type.
	ErrUnfinishedUntilType error = &IncompleteError{
		"the last event has a type that --until-type waits for, " +
			"but the stream ended without the blank line after it",
	}

	// ErrIncompleteText reports that the stream ended before the model had finished.
	ErrIncompleteText error = &IncompleteError{
		"the stream ended before the model had finished its text",
	}

	// ErrNoText reports that --text knows no event of the stream.
	ErrNoText error = &IncompleteError{
		"--text found no text in the events: it knows " + model.Formats,
	}

	// ErrNoStream reports that standard input contains other text instead of events.
	ErrNoStream error = &IncompleteError{"standard input is not an event stream"}

	// ErrStream reports that the stream sent an error as an event.
	ErrStream = errors.New("the stream sent an error")

	// ErrNoResponse reports that the time for a check was over before a response began.
	ErrNoResponse error = timeoutError("timeout: the server sent no response headers")

	// ErrMaxTime reports that the time of --max-time was over.
	ErrMaxTime error = timeoutError("timeout: the time of --max-time is over")
)

// A timeoutError is an error with a Timeout method, as in package net.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (e timeoutError) Timeout() bool { return true }

// A Status says how a run ended.
type Status struct {
	Name string // in --summary json; "error" if an error ended the run
	Text string // in the summary for people
	Code int    // the exit code
}

// Failed reports whether an error ended the run.
func (s Status) Failed() bool { return s.Name == "error" }

// ExitStatus returns the Status of a run that err ended. If err is nil, the server ended the
// stream.
func ExitStatus(err error) Status {
	var (
		stop     *Stop
		sig      Signal
		response *sse.ResponseError
	)
	switch {
	case err == nil:
		return Status{"server", "the server ended the stream", ExitDone}
	case errors.As(err, &stop):
		return Status{stop.Name, stop.Text, ExitDone}
	case errors.As(err, &sig) && sig.Signal != os.Interrupt:
		return Status{"terminated", "terminated", ExitTerminated}
	case errors.As(err, &sig):
		return Status{"interrupted", "interrupted", ExitInterrupted}
	case errors.As(err, &response) && response.StatusCode != http.StatusOK:
		return Status{"error", Cause(err), ExitHTTP}
	case errors.Is(err, sse.ErrIdleTimeout), isTimeout(err):
		return Status{"error", Cause(err), ExitTimeout}
	}
	return Status{"error", Cause(err), ExitError}
}

// isTimeout reports whether err, or an error that it wraps, is a timeout.
func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// PrintUsage writes to w what is wrong with the command line, and returns the exit code. If
// subcommand is not empty, the command line is that of a subcommand.
func PrintUsage(w io.Writer, subcommand string, err error) int {
	if subcommand == "" {
		fmt.Fprintf(w, "sse: %s (see sse --help)\n", err)
	} else {
		fmt.Fprintf(w, "sse: %s: %s (see sse %[1]s --help)\n", subcommand, err)
	}
	return ExitUsage
}

// Print writes to w the error that ended the run, and what to do about it. If err reports a
// response that is not an event stream, Print also writes the beginning of its body. The text of
// subject, if not empty, says what failed: a request such as "GET http://example.com/".
func Print(w io.Writer, subject string, err error) {
	var response *sse.ResponseError
	if errors.As(err, &response) {
		printResponse(w, subject, response)
		return
	}
	if subject != "" {
		subject += ": "
	}
	fmt.Fprintf(w, "sse: %s%s\n", subject, Line(err))
}

// Line returns one line with the error that ended a run, and what to do about it.
func Line(err error) string {
	var response *sse.ResponseError
	if errors.As(err, &response) {
		return responseLine(response)
	}
	return Detail(err) + advice(err)
}

// responseLine returns the status of a refused response, or why it is not an event stream.
func responseLine(response *sse.ResponseError) string {
	if response.StatusCode != http.StatusOK {
		return "HTTP " + escape.Line(response.Status)
	}
	head := *response
	head.Body = nil
	return "not an event stream: " + Message(&head)
}

// maxBodyLines and maxBodyLine limit how much of the body of a ResponseError is printed.
const (
	maxBodyLines = 10
	maxBodyLine  = 1000 // bytes
)

// printResponse writes the status and the beginning of the body of a refused response.
func printResponse(w io.Writer, subject string, response *sse.ResponseError) {
	fmt.Fprintf(w, "sse: %s\n", responseLine(response))
	printBody(w, response)
	if subject != "" {
		fmt.Fprintf(w, "  request: %s\n", subject)
	}
	printHints(w, subject, response)
}

// printBody writes the beginning of the body of a refused response, unless it is compressed.
func printBody(w io.Writer, response *sse.ResponseError) {
	if isEncoded(response.Header) {
		return
	}
	for i, line := range strings.Split(strings.TrimSpace(string(response.Body)), "\n") {
		if i == maxBodyLines {
			fmt.Fprintln(w, "  …")
			break
		}
		line = strings.TrimRight(line, "\r")
		if short := escape.Truncate(line, maxBodyLine); short != line {
			line = short + "…"
		}
		if line != "" {
			fmt.Fprintf(w, "  %s\n", escape.Append(nil, line, "\t"))
		}
	}
}

// Cause returns a short text for the reason why a connection ended or failed. Errors with the same
// reason have the same text, so that they can be counted.
func Cause(err error) string {
	var (
		response *sse.ResponseError
		dns      *net.DNSError
		request  *url.Error
	)
	switch {
	case err == io.EOF:
		return "end of the response"
	case errors.As(err, &response) && response.StatusCode == http.StatusOK:
		return "not an event stream"
	case errors.As(err, &response) && response.Status != "":
		return escape.Line(response.Status)
	case errors.Is(err, sse.ErrIdleTimeout):
		return "idle timeout"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end"
	case sockerr.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case sockerr.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.As(err, &dns):
		return "host not found"
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return "timeout"
	case errors.Is(err, io.EOF):
		return "connection closed"
	case errors.As(err, &request):
		return Message(request.Err) // without the URL
	}
	return Message(err)
}

// Detail returns one line that says why a connection ended or failed, with more detail than Cause.
func Detail(err error) string {
	var (
		response *sse.ResponseError
		request  *url.Error
	)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end of the stream"
	case err == io.EOF, errors.Is(err, sse.ErrIdleTimeout):
		return Cause(err)
	case errors.As(err, &request) && request.Err == io.EOF:
		return "the server closed the connection without a response"
	case errors.As(err, &response):
		text, _, _ := strings.Cut(strings.TrimSpace(string(response.Body)), "\n")
		text = strings.TrimSpace(text)
		isHTML := strings.HasPrefix(text, "<")
		if text == "" || isHTML || response.StatusCode == http.StatusOK {
			return Cause(err)
		}
		return Cause(err) + ": " + escape.Line(escape.Truncate(text, 200))
	case errors.As(err, &request):
		return Message(request.Err) // without the URL
	}
	return Message(err)
}

// advice returns what the user can do about err, in parentheses, or "".
func advice(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &authority), errors.As(err, &host), errors.As(err, &invalid),
		errors.As(err, &verify):
		return " (--cacert FILE sets the certificate authorities, -k accepts any certificate)"
	case errors.Is(err, http.ErrSchemeMismatch):
		return " (the URL of this server begins with http://)"
	case errors.Is(err, sse.ErrEventTooLarge):
		return " (--max-event-size allows larger events)"
	case errors.Is(err, sse.ErrIdleTimeout):
		return " (--idle-timeout allows longer pauses)"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return " (if an event was incomplete, it is not shown)"
	}
	return ""
}

// Message returns the text of err for one line, without the library's prefix.
func Message(err error) string {
	return escape.Line(strings.TrimPrefix(err.Error(), "sse: "))
}

// Reason returns the reason of an error of the file system, without the operation and the path.
func Reason(err error) error {
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
