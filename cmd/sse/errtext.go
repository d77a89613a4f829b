package main

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
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// errNoAnswer is a timeout before there are headers.
var errNoAnswer error = noAnswer{}

type noAnswer struct{}

func (noAnswer) Error() string { return "timeout: no answer came" }
func (noAnswer) Timeout() bool { return true }

// reason is an error of the file system without the operation's name.
func reason(err error) error {
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// Why a run ended, if neither the server nor an error ended it.
var (
	errCount = errors.New("count")
	errUntil = errors.New("until")
	errFor   = errors.New("for")
)

// errNoUntil is an end that came too early.
var errNoUntil = errors.New("the stream ended before what --until waits for")

type outputError struct{ error }

// ending names how the run ended, for programs and for people.
func (s *session) ending(err error) (end, words string, code int) {
	var (
		sig interrupted
		re  *sse.ResponseError
		t   interface{ Timeout() bool }
	)
	switch {
	case err == nil && s.o.url == nil:
		return "input", "end of the input", exitDone
	case err == nil:
		return "server", "the server ended the stream", exitDone
	case err == errCount:
		return "count", units.Plural(s.o.count, "event") + " (-n)", exitDone
	case err == errUntil:
		return "until", "--until", exitDone
	case err == errFor:
		return "for", "time is up (--for)", exitDone
	case errors.As(err, &sig) && sig.Signal == syscall.SIGTERM:
		return "terminated", "terminated", exitTerminated
	case errors.As(err, &sig):
		return "interrupted", "interrupted", exitInterrupted
	case errors.As(err, &re) && re.StatusCode != http.StatusOK:
		return "error", "", exitHTTP
	case errors.Is(err, sse.ErrIdleTimeout), errors.As(err, &t) && t.Timeout():
		return "error", "", exitTimeout
	}
	return "error", "", exitError
}

// complain says what ended the run, with the server's own words if it had any.
func complain(w io.Writer, err error) {
	var re *sse.ResponseError
	if !errors.As(err, &re) {
		fmt.Fprintf(w, "sse: %s%s\n", detail(err), advice(err))
		return
	}
	if re.StatusCode == http.StatusOK {
		bare := *re
		bare.Body = nil
		fmt.Fprintf(w, "sse: no event stream: %s\n", message(&bare))
	} else {
		fmt.Fprintf(w, "sse: HTTP %s\n", escape.Line(re.Status))
	}
	lines := strings.Split(strings.TrimSpace(string(re.Body)), "\n")
	for i, line := range lines {
		if i == 10 {
			fmt.Fprintln(w, "  …")
			break
		}
		line = strings.TrimRight(line, "\r")
		if len(line) > 1000 {
			line = line[:escape.Cut(line, 1000)] + "…"
		}
		if line != "" {
			fmt.Fprintf(w, "  %s\n", escape.Append(nil, line, "\t"))
		}
	}
}

// detail says why a connection ended or failed; more than cause, on one line.
func detail(err error) string {
	var (
		re *sse.ResponseError
		ue *url.Error
	)
	switch {
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, sse.ErrIdleTimeout):
		return cause(err)
	case errors.As(err, &ue) && ue.Err == io.EOF:
		return "the server closed the connection without an answer"
	case errors.As(err, &re):
		text, _, _ := strings.Cut(strings.TrimSpace(string(re.Body)), "\n")
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '<' || re.StatusCode == http.StatusOK { // HTML says no more
			return cause(err)
		}
		return cause(err) + ": " + escape.Line(text[:escape.Cut(text, 200)])
	case errors.As(err, &ue):
		return message(ue.Err)
	}
	return message(err)
}

// advice is what to do about an error.
func advice(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
	)
	if errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) {
		return " (--cacert FILE trusts another authority, -k any)"
	}
	if errors.Is(err, sse.ErrEventTooLarge) {
		return " (--max-event-size allows more)"
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return " (if an event was cut, it is not shown)"
	}
	return ""
}

// The exit codes.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitHTTP        = 22 // as curl -f
	exitTimeout     = 28 // as curl
	exitInterrupted = 130
	exitTerminated  = 143
)

// usage says in one line what is wrong with the command line.
func usage(std stdio, what string) int {
	fmt.Fprintf(std.err, "sse: %s (see sse --help)\n", what)
	return exitUsage
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ os.Signal }

func (i interrupted) Error() string { return i.String() }

// cause says in few words why a connection ended or failed, so that the
// same cause counts as the same.
func cause(err error) string {
	var (
		re  *sse.ResponseError
		dns *net.DNSError
		t   interface{ Timeout() bool }
	)
	switch {
	case err == io.EOF:
		return "end of the response"
	case errors.As(err, &re) && re.Status != "":
		return escape.Line(re.Status)
	case errors.Is(err, sse.ErrIdleTimeout):
		return "idle timeout"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.As(err, &dns):
		return "host not found"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &t) && t.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF):
		return "connection closed"
	}
	return message(err)
}

// message is an error's text for one line, without the library's name.
func message(err error) string {
	return escape.Line(strings.TrimPrefix(err.Error(), "sse: "))
}
