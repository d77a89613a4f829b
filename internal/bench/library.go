package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go/packages/ssestream"
	donovanhide "github.com/donovanhide/eventsource"
	launchdarkly "github.com/launchdarkly/eventsource"
	openai "github.com/openai/openai-go/v3/packages/ssestream"
	r3labs "github.com/r3labs/sse/v2"
	"github.com/seed-0d85b69d/sse"
	tmaxmax "github.com/tmaxmax/go-sse"
	jetify "go.jetify.com/sse"
)

// limit is the largest event that every library is told to allow, where it
// can be told.
const limit = 32 << 20

// A library reads a whole stream in the form that is most natural to it, and
// counts the events and their bytes. Where see is not nil it is called with
// every event; the libraries are timed without it.
type library struct {
	name  string
	ours  bool
	noID  bool // its events have no id
	run   func(r io.Reader, see func(id, typ, data string)) (events, bytes int, err error)
	canon func(data string) string // what of the data can be compared; nil: all of it
}

var libraries = []library{
	{name: "borrowed", ours: true, run: runBorrowed},
	{name: "strings", ours: true, run: runStrings},
	{name: "openai", noID: true, run: runOpenAI},
	{name: "anthropic", noID: true, run: runAnthropic},
	{name: "tmaxmax", run: runTmaxmax},
	{name: "launchdarkly", run: runLaunchDarkly},
	{name: "donovanhide", run: runDonovanhide},
	{name: "r3labs", run: runR3labs},
	{name: "jetify", run: runJetify, canon: reencode},
}

func runBorrowed(body io.Reader, see func(id, typ, data string)) (events, bytes int, err error) {
	r := sse.NewReader(body)
	for r.Next() {
		events++
		bytes += len(r.ID()) + len(r.Type()) + len(r.Data())
		if see != nil {
			see(string(r.ID()), r.Type(), string(r.Data()))
		}
	}
	return events, bytes, r.Err()
}

func runStrings(body io.Reader, see func(id, typ, data string)) (events, bytes int, err error) {
	r := sse.NewReader(body)
	for r.Next() {
		e := r.Event()
		events++
		bytes += len(e.ID) + len(e.Type) + len(e.Data)
		if see != nil {
			see(e.ID, e.Type, e.Data)
		}
	}
	return events, bytes, r.Err()
}

// The two SDK decoders end data with a line feed that is no part of it: it is
// cut off.
func runOpenAI(r io.Reader, see func(id, typ, data string)) (events, size int, err error) {
	d := openai.NewDecoder(&http.Response{Body: io.NopCloser(r)})
	for d.Next() {
		e := d.Event()
		events++
		size += len(e.Type) + len(e.Data)
		if see != nil {
			see("", message(e.Type), string(bytes.TrimSuffix(e.Data, []byte("\n"))))
		}
	}
	return events, size, d.Err()
}

func runAnthropic(r io.Reader, see func(id, typ, data string)) (events, size int, err error) {
	d := ssestream.NewDecoder(&http.Response{Body: io.NopCloser(r)})
	for d.Next() {
		e := d.Event()
		events++
		size += len(e.Type) + len(e.Data)
		if see != nil {
			see("", message(e.Type), string(bytes.TrimSuffix(e.Data, []byte("\n"))))
		}
	}
	return events, size, d.Err()
}

func runTmaxmax(r io.Reader, see func(id, typ, data string)) (events, bytes int, err error) {
	for e, err := range tmaxmax.Read(r, &tmaxmax.ReadConfig{MaxEventSize: limit}) {
		if err != nil {
			return events, bytes, err
		}
		events++
		bytes += len(e.LastEventID) + len(e.Type) + len(e.Data)
		if see != nil {
			see(e.LastEventID, message(e.Type), e.Data)
		}
	}
	return events, bytes, nil
}

func runLaunchDarkly(r io.Reader, see func(id, typ, data string)) (events, bytes int, err error) {
	d := launchdarkly.NewDecoder(r)
	for {
		e, err := d.Decode()
		if err != nil {
			return events, bytes, clean(err)
		}
		id := e.(launchdarkly.EventWithLastID).LastEventID()
		events++
		bytes += len(id) + len(e.Event()) + len(e.Data())
		if see != nil {
			see(id, message(e.Event()), e.Data())
		}
	}
}

// donovanhide's id is that of the event itself, not the last one of the stream.
func runDonovanhide(r io.Reader, see func(id, typ, data string)) (events, bytes int, err error) {
	d := donovanhide.NewDecoder(r)
	for {
		e, err := d.Decode()
		if err != nil {
			return events, bytes, clean(err)
		}
		events++
		bytes += len(e.Id()) + len(e.Event()) + len(e.Data())
		if see != nil {
			see(e.Id(), message(e.Event()), e.Data())
		}
	}
}

// r3labs parses only inside its client, which is given a response from memory.
func runR3labs(r io.Reader, see func(id, typ, data string)) (events, bytes int, err error) {
	c := r3labs.NewClient("http://127.0.0.1/", r3labs.ClientMaxBufferSize(limit))
	c.Connection = &http.Client{Transport: answer{r}}
	c.ReconnectStrategy = never{}
	err = c.SubscribeRaw(func(e *r3labs.Event) {
		events++
		bytes += len(e.ID) + len(e.Event) + len(e.Data)
		if see != nil {
			see(string(e.ID), message(string(e.Event)), string(e.Data))
		}
	})
	return events, bytes, clean(err)
}

type answer struct{ body io.Reader }

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Status: "200 OK", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(a.body), Request: req}, nil
}

// never is a backoff policy of r3labs' kind that does not try again.
type never struct{}

func (never) NextBackOff() time.Duration { return -1 }
func (never) Reset()                     {}

// jetify decodes what looks like JSON, and there is no way back to the text:
// such data is encoded again to be compared.
func runJetify(r io.Reader, see func(id, typ, data string)) (events, bytes int, err error) {
	d := jetify.NewDecoder(r)
	for {
		var e jetify.Event
		if err := d.Decode(&e); err != nil {
			return events, bytes, clean(err)
		}
		raw, _ := e.Data.(jetify.Raw)
		events++
		bytes += len(e.ID) + len(e.Event) + len(raw)
		if see != nil {
			data := string(raw)
			if e.Data != nil && raw == nil {
				data = encode(e.Data)
			}
			see(e.ID, message(e.Event), data)
		}
	}
}

func reencode(data string) string {
	var v any
	if json.Unmarshal([]byte(data), &v) != nil {
		return data
	}
	return encode(v)
}

func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// message is the type of an event that the peers leave empty where the stream
// named none.
func message(typ string) string {
	if typ == "" {
		return "message"
	}
	return typ
}

func clean(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
