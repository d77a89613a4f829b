package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// options is what the command line asks for.
type options struct {
	url   *url.URL  // nil: standard input is the stream
	stdin io.Reader // for -d @-

	// the request
	method         string
	header         http.Header
	without        []string // headers that -H 'Name:' takes away
	host           string
	body           []byte
	hasBody        bool
	user           *url.Userinfo
	insecure       bool
	proxy          *string
	cacert         string
	http1, http2   bool
	connectTimeout time.Duration
	verbose        bool

	// the stream
	lastEventID  string
	state        string
	noReconnect  bool
	idle         time.Duration
	maxEventSize int
	types        map[string]bool
	count        int
	length       time.Duration
	until        *string

	// the output
	form    string // "", "json", "data", "raw" or "field"
	field   []string
	path    string // the field, as typed
	outFile string
	silent  bool
	summary string // "", "text", "json" or "none"
	full    bool
	color   string
}

// A flagDef is one flag: its names without dashes, how many values it
// takes, and what it does. A flag with optional values takes the next
// argument only if it is one of them.
type flagDef struct {
	names    string
	value    bool
	optional string
	set      func(o *options, v string) error
}

func sets(p func(*options) *bool) func(*options, string) error {
	return func(o *options, _ string) error { *p(o) = true; return nil }
}

func text(p func(*options) *string) func(*options, string) error {
	return func(o *options, v string) error { *p(o) = v; return nil }
}

func form(name string) func(*options, string) error {
	return func(o *options, v string) error {
		if o.form != "" && o.form != name {
			return fmt.Errorf("--%s and --%s exclude each other", o.form, name)
		}
		o.form, o.path = name, v
		return nil
	}
}

func ignored(*options, string) error { return nil }

// requestFlags say what is asked for; `sse check` has these only.
var requestFlags = []flagDef{
	{names: "H header", value: true, set: setHeader},
	{names: "X request", value: true, set: setMethod},
	{names: "d data-ascii", value: true, set: func(o *options, v string) error { return o.readBody(v, true) }},
	{names: "data-binary", value: true, set: func(o *options, v string) error { return o.readBody(v, false) }},
	{names: "data-raw", value: true, set: func(o *options, v string) error { o.addBody([]byte(v)); return nil }},
	{names: "u user", value: true, set: func(o *options, v string) error {
		name, password, _ := strings.Cut(v, ":")
		o.user = url.UserPassword(name, password)
		return nil
	}},
	{names: "b cookie", value: true, set: setCookie},
	{names: "A user-agent", value: true, set: func(o *options, v string) error {
		delete(o.header, "User-Agent")
		return setHeader(o, "User-Agent: "+v)
	}},
	{names: "k insecure", set: sets(func(o *options) *bool { return &o.insecure })},
	{names: "x proxy", value: true, set: func(o *options, v string) error { o.proxy = &v; return nil }},
	{names: "cacert", value: true, set: text(func(o *options) *string { return &o.cacert })},
	{names: "http1.1", set: sets(func(o *options) *bool { return &o.http1 })},
	{names: "http2 http2-prior-knowledge", set: sets(func(o *options) *bool { return &o.http2 })},
	{names: "connect-timeout", value: true, set: func(o *options, v string) (err error) {
		o.connectTimeout, err = duration(v)
		return err
	}},
	{names: "v verbose", set: sets(func(o *options) *bool { return &o.verbose })},
	{names: "color", value: true, set: func(o *options, v string) error {
		if v != "auto" && v != "always" && v != "never" {
			return errors.New("want auto, always or never")
		}
		o.color = v
		return nil
	}},
	// curl's flags for what is always so here.
	{names: "L location", set: ignored},
	{names: "N no-buffer", set: ignored},
	{names: "f fail", set: ignored},
	{names: "S show-error", set: ignored},
	{names: "i include", set: ignored},
	{names: "compressed", set: ignored},
}

// streamFlags say what is done with the answer.
var streamFlags = []flagDef{
	{names: "json", set: form("json")},
	{names: "raw", set: form("raw")},
	{names: "data", set: form("data")},
	{names: "field", value: true, set: func(o *options, v string) error {
		o.field = splitPath(v)
		if v == "" {
			return errors.New("want a path such as choices.0.delta.content")
		}
		return form("field")(o, v)
	}},
	{names: "o output", value: true, set: text(func(o *options) *string { return &o.outFile })},
	{names: "s silent", set: sets(func(o *options) *bool { return &o.silent })},
	{names: "full", set: sets(func(o *options) *bool { return &o.full })},
	{names: "summary", optional: "text json none", set: func(o *options, v string) error {
		o.summary = v
		if v == "" {
			o.summary = "text"
		}
		if o.summary != "text" && o.summary != "json" && o.summary != "none" {
			return errors.New("want text, json or none")
		}
		return nil
	}},
	{names: "type", value: true, set: func(o *options, v string) error {
		if o.types == nil {
			o.types = make(map[string]bool)
		}
		for t := range strings.SplitSeq(v, ",") {
			if t == "" {
				return errors.New("want types with commas between, such as tick,done")
			}
			o.types[t] = true
		}
		return nil
	}},
	{names: "n count", value: true, set: func(o *options, v string) (err error) {
		if o.count, err = strconv.Atoi(v); err != nil || o.count < 1 {
			return errors.New("want a number of events, 1 or more")
		}
		return nil
	}},
	{names: "for", value: true, set: func(o *options, v string) (err error) {
		if o.length, err = duration(v); err == nil && o.length == 0 {
			err = errors.New("want more than 0")
		}
		return err
	}},
	{names: "until", value: true, set: func(o *options, v string) error { o.until = &v; return nil }},
	{names: "last-event-id", value: true, set: func(o *options, v string) error {
		if !headerValue(v) {
			return errors.New("an id in a header can't hold control characters")
		}
		o.lastEventID = v
		return nil
	}},
	{names: "state", value: true, set: text(func(o *options) *string { return &o.state })},
	{names: "no-reconnect", set: sets(func(o *options) *bool { return &o.noReconnect })},
	{names: "idle-timeout", value: true, set: func(o *options, v string) (err error) {
		switch v {
		case "auto":
			o.idle = sse.AutoIdle
		case "none":
			o.idle = 0
		default:
			o.idle, err = duration(v)
		}
		return err
	}},
	{names: "max-event-size", value: true, set: func(o *options, v string) (err error) {
		o.maxEventSize, err = size(v)
		return err
	}},
}
