package main

import (
	"errors"
	"net/http"
	"strings"
)

// setCookie adds to the one Cookie header that a request may have.
func setCookie(o *options, v string) error {
	if old := o.header.Get("Cookie"); old != "" {
		v = old + "; " + v
		delete(o.header, "Cookie")
	}
	return setHeader(o, "Cookie: "+v)
}

func setHeader(o *options, v string) error {
	name, value, ok := strings.Cut(v, ":")
	if !ok {
		// curl's way to send a header without a value.
		if name, ok = strings.CutSuffix(v, ";"); !ok {
			return errors.New("want 'Name: value'")
		}
		o.header[http.CanonicalHeaderKey(name)] = []string{""}
		return nil
	}
	value = strings.Trim(value, " \t")
	if !token(name) {
		return errors.New("bad header name")
	}
	if !headerValue(value) {
		return errors.New("control characters in the value")
	}
	name = http.CanonicalHeaderKey(name)
	switch {
	case value == "":
		o.without = append(o.without, name)
	case name == "Host":
		o.host = value
	case name == "Accept-Encoding" && value != "identity":
		// Copied from a browser: br and zstd would not be undone here,
		// and gzip is asked for anyway.
	default:
		o.header.Add(name, value)
	}
	return nil
}

func setMethod(o *options, v string) error {
	if !token(v) {
		return errors.New("bad method")
	}
	o.method = v
	return nil
}

// token reports whether s may be a header's name or a method (RFC 9110, 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

func headerValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
