package request

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// AddHeader applies the value of -H. If v is "@name", it applies each line of the file name, or of
// stdin if name is "-". Blank lines are skipped.
func (o *Options) AddHeader(v string, stdin io.Reader) error {
	name, isFile := strings.CutPrefix(v, "@")
	if !isFile {
		return o.SetHeader(v)
	}
	b, err := o.readInput(name, stdin)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if err := o.SetHeader(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// SetHeader applies the value of -H that is not the name of a file. It is "Name: value", "Name;"
// for an empty value, or "Name:" to remove a header.
func (o *Options) SetHeader(v string) error {
	name, value, ok := strings.Cut(v, ":")
	if !ok {
		if name, ok = strings.CutSuffix(v, ";"); !ok {
			return errors.New("want 'Name: value'")
		}
		o.Header[http.CanonicalHeaderKey(name)] = []string{""}
		return nil
	}
	value = strings.Trim(value, " \t")
	if !IsToken(name) {
		return errors.New("invalid header name")
	}
	if !IsHeaderValue(value) {
		return errors.New("the value contains control characters")
	}
	name = http.CanonicalHeaderKey(name)
	switch {
	case value == "":
		o.removed = append(o.removed, name)
	case name == "Host":
		o.host = value
	case name == "Accept-Encoding" && value != "identity":
		// A command line copied from a browser accepts br and zstd, which are not decoded here.
		// The transport accepts and decodes gzip by itself.
	default:
		o.Header.Add(name, value)
	}
	return nil
}

// SetMethod applies the value of -X.
func (o *Options) SetMethod(v string) error {
	if !IsToken(v) {
		return errors.New("invalid method")
	}
	o.Method = v
	return nil
}

// IsToken reports whether s is a token (RFC 9110, section 5.6.2), as header names and methods are.
func IsToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		isAlphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !isAlphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// IsHeaderValue reports whether s contains no control characters that a header value must not have.
func IsHeaderValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
