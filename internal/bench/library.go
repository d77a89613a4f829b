package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	anthropicstream "github.com/anthropics/anthropic-sdk-go/packages/ssestream"
	donovanhide "github.com/donovanhide/eventsource"
	launchdarkly "github.com/launchdarkly/eventsource"
	ogen "github.com/ogen-go/ogen/sse"
	openaistream "github.com/openai/openai-go/v3/packages/ssestream"
	r3labs "github.com/r3labs/sse/v2"
	"github.com/seed-0d85b69d/sse"
	tmaxmax "github.com/tmaxmax/go-sse"
	jetify "go.jetify.com/sse"
)

// limit is the size of the largest event, for libraries that have such an option.
const limit = 32 << 20

// A library is a parser of event streams.
type library struct {
	name   string
	module string // the path of its module; empty if it is this library
	noID   bool   // its events have no id

	// run reads a whole stream in the usual way of the library, and counts the events and their
	// bytes. If onEvent is not nil, it is called with every event. It is nil when run is timed.
	run func(r io.Reader, onEvent eventFunc) (events, bytes int, err error)

	// canonical, if not nil, returns the form of the data in which it is compared.
	canonical func(data string) string
}

// isPeer reports whether l is another library.
func (l library) isPeer() bool { return l.module != "" }

// An eventFunc is called with an event.
type eventFunc func(id, typ, data string)

// libraries contains this library in both of its forms, and the peers.
var libraries = []library{
	{name: "borrowed", run: runBorrowed},
	{name: "strings", run: runStrings},
	{name: "openai", module: "github.com/openai/openai-go/v3", noID: true, run: runOpenAI},
	{
		name: "anthropic", module: "github.com/anthropics/anthropic-sdk-go", noID: true,
		run: runAnthropic,
	},
	{name: "ogen", module: "github.com/ogen-go/ogen", run: runOgen},
	{name: "tmaxmax", module: "github.com/tmaxmax/go-sse", run: runTmaxmax},
	{name: "launchdarkly", module: "github.com/launchdarkly/eventsource", run: runLaunchDarkly},
	{name: "donovanhide", module: "github.com/donovanhide/eventsource", run: runDonovanhide},
	{name: "r3labs", module: "github.com/r3labs/sse/v2", run: runR3labs},
	{name: "jetify", module: "go.jetify.com/sse", run: runJetify, canonical: reencode},
}

// findLibrary returns the library with the name.
func findLibrary(name string) library {
	for _, l := range libraries {
		if l.name == name {
			return l
		}
	}
	panic("no library " + name)
}

func runBorrowed(body io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	r := sse.NewReader(body)
	for r.Next() {
		events++
		bytes += len(r.ID()) + len(r.Type()) + len(r.Data())
		if onEvent != nil {
			onEvent(string(r.ID()), r.Type(), string(r.Data()))
		}
	}
	return events, bytes, r.Err()
}

func runStrings(body io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	r := sse.NewReader(body)
	for r.Next() {
		e := r.Event()
		events++
		bytes += len(e.ID) + len(e.Type) + len(e.Data)
		if onEvent != nil {
			onEvent(e.ID, e.Type, e.Data)
		}
	}
	return events, bytes, r.Err()
}

// The decoders of the two SDKs append a line feed to the data. It is removed here and in
// runAnthropic.
func runOpenAI(r io.Reader, onEvent eventFunc) (events, size int, err error) {
	d := openaistream.NewDecoder(&http.Response{Body: io.NopCloser(r)})
	for d.Next() {
		e := d.Event()
		events++
		size += len(e.Type) + len(e.Data)
		if onEvent != nil {
			onEvent("", message(e.Type), string(bytes.TrimSuffix(e.Data, []byte("\n"))))
		}
	}
	return events, size, d.Err()
}

func runAnthropic(r io.Reader, onEvent eventFunc) (events, size int, err error) {
	d := anthropicstream.NewDecoder(&http.Response{Body: io.NopCloser(r)})
	for d.Next() {
		e := d.Event()
		events++
		size += len(e.Type) + len(e.Data)
		if onEvent != nil {
			onEvent("", message(e.Type), string(bytes.TrimSuffix(e.Data, []byte("\n"))))
		}
	}
	return events, size, d.Err()
}

// The client of ogen is generated for each API. Its decoder is a package.
func runOgen(r io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	d := ogen.NewDecoder(r, 0, limit, "", nil)
	for {
		e, err := d.Decode()
		if err != nil {
			return events, bytes, ignoreEOF(err)
		}
		events++
		bytes += len(d.LastEventID()) + len(e.Type) + len(e.Data)
		if onEvent != nil {
			onEvent(d.LastEventID(), e.Type, e.Data)
		}
	}
}

func runTmaxmax(r io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	for e, err := range tmaxmax.Read(r, &tmaxmax.ReadConfig{MaxEventSize: limit}) {
		if err != nil {
			return events, bytes, err
		}
		events++
		bytes += len(e.LastEventID) + len(e.Type) + len(e.Data)
		if onEvent != nil {
			onEvent(e.LastEventID, message(e.Type), e.Data)
		}
	}
	return events, bytes, nil
}

func runLaunchDarkly(r io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	d := launchdarkly.NewDecoder(r)
	for {
		e, err := d.Decode()
		if err != nil {
			return events, bytes, ignoreEOF(err)
		}
		id := e.(launchdarkly.EventWithLastID).LastEventID()
		events++
		bytes += len(id) + len(e.Event()) + len(e.Data())
		if onEvent != nil {
			onEvent(id, message(e.Event()), e.Data())
		}
	}
}

// The id of an event of donovanhide is its own, not the last event ID of the stream.
func runDonovanhide(r io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	d := donovanhide.NewDecoder(r)
	for {
		e, err := d.Decode()
		if err != nil {
			return events, bytes, ignoreEOF(err)
		}
		events++
		bytes += len(e.Id()) + len(e.Event()) + len(e.Data())
		if onEvent != nil {
			onEvent(e.Id(), message(e.Event()), e.Data())
		}
	}
}

// r3labs only parses in its client, which gets a response from memory.
func runR3labs(r io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	c := r3labs.NewClient("http://127.0.0.1/", r3labs.ClientMaxBufferSize(limit))
	c.Connection = &http.Client{Transport: bodyTransport{r}}
	c.ReconnectStrategy = noRetry{}
	err = c.SubscribeRaw(func(e *r3labs.Event) {
		events++
		bytes += len(e.ID) + len(e.Event) + len(e.Data)
		if onEvent != nil {
			onEvent(string(e.ID), message(string(e.Event)), string(e.Data))
		}
	})
	return events, bytes, ignoreEOF(err)
}

// A bodyTransport responds with a body.
type bodyTransport struct{ body io.Reader }

func (t bodyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Status: "200 OK", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(t.body), Request: req,
	}, nil
}

// noRetry is a backoff policy for r3labs that never retries.
type noRetry struct{}

func (noRetry) NextBackOff() time.Duration { return -1 }
func (noRetry) Reset()                     {}

// jetify decodes data that looks like JSON and does not keep its text. To be compared, the data is
// encoded again.
func runJetify(r io.Reader, onEvent eventFunc) (events, bytes int, err error) {
	d := jetify.NewDecoder(r)
	for {
		var e jetify.Event
		if err := d.Decode(&e); err != nil {
			return events, bytes, ignoreEOF(err)
		}
		raw, _ := e.Data.(jetify.Raw)
		events++
		bytes += len(e.ID) + len(e.Event) + len(raw)
		if onEvent != nil {
			data := string(raw)
			if e.Data != nil && raw == nil {
				data = encode(e.Data)
			}
			onEvent(e.ID, message(e.Event), data)
		}
	}
}

// reencode returns the form in which encode writes data that is JSON.
func reencode(data string) string {
	var v any
	if json.Unmarshal([]byte(data), &v) != nil {
		return data
	}
	return encode(v)
}

// encode returns v as JSON.
func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// message returns the type of an event. Some libraries leave the default type empty.
func message(typ string) string {
	if typ == "" {
		return "message"
	}
	return typ
}

// ignoreEOF returns err, or nil if it is io.EOF.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
