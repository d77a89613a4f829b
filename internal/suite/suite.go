// Package suite decodes the conformance suite in testdata, for the tests of this module and for
// the programs below internal that run the suite elsewhere. The types have the names of the
// format, which testdata/README.md describes.
package suite

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// A Case is a case of parser.json.
type Case struct {
	Name    string
	Section string // of the standard
	Topic   string // such as "line ends"

	// Connections contains the connections of one event source, in their order. A case without
	// the field connections has one.
	Connections []Connection
}

// A Connection is what a server sends on one connection, and what a client must know at its end.
type Connection struct {
	Stream      Bytes   // everything the server sends
	Chunks      []Bytes // the parts of Stream; one if the case does not cut it
	Delivered   []int   // the number of events dispatched after each of Chunks, if specified
	Events      Events
	LastEventID Text
	Retry       Text // milliseconds in decimal digits; empty if never set
	Partial     bool // whether the end of the connection cut something
}

// An HTTPCase is a case of http.json. Its Request is what the caller passes to the client.
type HTTPCase struct {
	Name        string
	Section     string // of the standard
	Topic       string // such as "redirects"
	Kind        string // must or policy
	Request     CallerRequest
	Exchanges   []Exchange
	Events      Events
	LastEventID Bytes
	End         string // empty for no error, a status, or error
}

// A CallerRequest is the request that the caller of a client makes.
type CallerRequest struct {
	Method  string
	Headers [][2]Bytes // pairs of name and value
	Body    Bytes
}

// An Exchange is a request that a client must send, and the response that it receives.
type Exchange struct {
	Request  Request
	Response Response
	Times    int // how many times in a row, at least 1
}

// A Request is a request that a client must send.
type Request struct {
	Method       string
	Path         string
	Accept       string
	CacheControl string
	LastEventID  *Bytes // nil if there must not be a Last-Event-ID header
	Body         Bytes
	Wait         *int // milliseconds since the previous response; nil if unspecified
}

// A Response is a response to a client.
type Response struct {
	Fail          bool // there is no response because the network fails
	Informational []int
	Status        int
	Headers       [][2]Bytes // pairs of name and value
	Body          Bytes
	Cut           bool // the connection breaks after the body
}

// ReadCases reads a file in the format of parser.json.
func ReadCases(name string) ([]Case, error) {
	var raw []struct {
		Name, Section, Topic string
		Connection
		Connections []Connection
	}
	if err := read(name, &raw); err != nil {
		return nil, err
	}
	cases := make([]Case, len(raw))
	for i, c := range raw {
		if c.Connections == nil {
			c.Connections = []Connection{c.Connection}
		}
		for i := range c.Connections {
			conn := &c.Connections[i]
			if conn.Chunks == nil {
				conn.Chunks = []Bytes{conn.Stream}
			}
			conn.Stream = slices.Concat(conn.Chunks...)
		}
		cases[i] = Case{c.Name, c.Section, c.Topic, c.Connections}
	}
	return cases, nil
}

// ReadHTTPCases reads a file in the format of http.json. It sets absent fields of requests to
// their defaults.
func ReadHTTPCases(name string) ([]HTTPCase, error) {
	var cases []HTTPCase
	if err := read(name, &cases); err != nil {
		return nil, err
	}
	for i := range cases {
		c := &cases[i]
		c.Request.Method = cmp.Or(c.Request.Method, "GET")
		for j := range c.Exchanges {
			x := &c.Exchanges[j]
			x.Request.Method = cmp.Or(x.Request.Method, "GET")
			x.Request.Path = cmp.Or(x.Request.Path, "/")
			x.Request.Accept = cmp.Or(x.Request.Accept, "text/event-stream")
			x.Request.CacheControl = cmp.Or(x.Request.CacheControl, "no-cache")
			x.Times = max(x.Times, 1)
		}
	}
	return cases, nil
}

func read(name string, cases any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(cases); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
