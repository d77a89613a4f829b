package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A flagDef defines one flag.
type flagDef struct {
	names    string // without dashes, separated by spaces
	value    bool   // the flag takes a value
	optional string // the values that the flag takes if one of them follows
	set      func(o *options, v string) error
}

// boolFlag returns the set function of a flag that sets the field that p returns to true.
func boolFlag(p func(*options) *bool) func(*options, string) error {
	return func(o *options, _ string) error { *p(o) = true; return nil }
}

// stringFlag returns the set function of a flag that stores its value in the field that p returns.
func stringFlag(p func(*options) *string) func(*options, string) error {
	return func(o *options, v string) error { *p(o) = v; return nil }
}

// formatFlag returns the set function of a flag that chooses the format f.
func formatFlag(f format) func(*options, string) error {
	return func(o *options, _ string) error {
		if o.format != formatAuto && o.format != f {
			return fmt.Errorf("--%s and --%s exclude each other", o.format, f)
		}
		o.format = f
		return nil
	}
}

func setNothing(*options, string) error { return nil }

// requestFlags define the request, and how text is coloured.
var requestFlags = []flagDef{
	{names: "H header", value: true, set: func(o *options, v string) error { return o.setHeader(v) }},
	{names: "X request", value: true, set: func(o *options, v string) error { return o.setMethod(v) }},
	{names: "d data-ascii", value: true, set: func(o *options, v string) error {
		return o.addData(v, o.stdin, true)
	}},
	{names: "data-binary", value: true, set: func(o *options, v string) error {
		return o.addData(v, o.stdin, false)
	}},
	{names: "data-raw", value: true, set: func(o *options, v string) error {
		o.addBody([]byte(v))
		return nil
	}},
	{names: "u user", value: true, set: setUser},
	{names: "b cookie", value: true, set: func(o *options, v string) error { return o.addCookie(v) }},
	{names: "A user-agent", value: true, set: func(o *options, v string) error {
		delete(o.header, "User-Agent")
		return o.setHeader("User-Agent: " + v)
	}},
	{names: "k insecure", set: boolFlag(func(o *options) *bool { return &o.insecure })},
	{names: "x proxy", value: true, set: func(o *options, v string) error { o.proxy = &v; return nil }},
	{names: "cacert", value: true, set: stringFlag(func(o *options) *string { return &o.caCert })},
	{names: "http1.1", set: boolFlag(func(o *options) *bool { return &o.http1 })},
	{names: "http2 http2-prior-knowledge", set: boolFlag(func(o *options) *bool { return &o.http2 })},
	{names: "connect-timeout", value: true, set: func(o *options, v string) (err error) {
		o.connectTimeout, err = parseDuration(v)
		return err
	}},
	{names: "last-event-id", value: true, set: func(o *options, v string) error {
		if !isHeaderValue(v) {
			return errors.New("an event ID must not contain control characters")
		}
		o.lastEventID = v
		return nil
	}},
	{names: "v verbose", set: boolFlag(func(o *options) *bool { return &o.verbose })},
	{names: "color", value: true, set: setColor},

	// Flags of curl for what the command always does, or has no use for.
	{names: "L location", set: setNothing},
	{names: "N no-buffer", set: setNothing},
	{names: "f fail", set: setNothing},
	{names: "S show-error", set: setNothing},
	{names: "i include", set: setNothing},
	{names: "compressed", set: setNothing},
}

// streamFlags define how the stream is followed, when the run ends, and what is printed.
var streamFlags = []flagDef{
	{names: "json", set: formatFlag(formatJSON)},
	{names: "raw", set: formatFlag(formatRaw)},
	{names: "data", set: formatFlag(formatData)},
	{names: "field", value: true, set: setField},
	{names: "o output", value: true, set: stringFlag(func(o *options) *string { return &o.outFile })},
	{names: "s silent", set: boolFlag(func(o *options) *bool { return &o.silent })},
	{names: "full", set: boolFlag(func(o *options) *bool { return &o.full })},
	{names: "summary", optional: "text json none", set: setSummary},
	{names: "type", value: true, set: addTypes},
	{names: "n count", value: true, set: func(o *options, v string) (err error) {
		if o.count, err = strconv.Atoi(v); err != nil || o.count < 1 {
			return errors.New("want a number of events, 1 or more")
		}
		return nil
	}},
	{names: "for", value: true, set: func(o *options, v string) (err error) {
		if o.duration, err = parseDuration(v); err == nil && o.duration == 0 {
			err = errors.New("want a duration of more than 0")
		}
		return err
	}},
	{names: "until", value: true, set: func(o *options, v string) error { o.until = &v; return nil }},
	{names: "state", value: true, set: stringFlag(func(o *options) *string { return &o.state })},
	{names: "no-reconnect", set: boolFlag(func(o *options) *bool { return &o.noReconnect })},
	{names: "idle-timeout", value: true, set: func(o *options, v string) (err error) {
		if v == "none" {
			v = "0"
		}
		o.idleTimeout, err = parseDuration(v)
		return err
	}},
	{names: "max-event-size", value: true, set: func(o *options, v string) (err error) {
		o.maxEventSize, err = parseSize(v)
		return err
	}},
}

var (
	// checkFlags are the flags of sse check.
	checkFlags = append(selectFlags(streamFlags, "for", "json"), requestFlags...)

	// demoFlags are the flags of sse demo.
	demoFlags = append(selectFlags(streamFlags, "full", "summary"),
		selectFlags(requestFlags, "color", "v verbose")...)

	// followFlags are the flags of sse URL.
	followFlags = append(requestFlags[:len(requestFlags):len(requestFlags)], streamFlags...)
)

// selectFlags returns the flags with these names.
func selectFlags(flags []flagDef, names ...string) []flagDef {
	var selected []flagDef
	for _, f := range flags {
		for _, name := range names {
			if f.names == name {
				selected = append(selected, f)
			}
		}
	}
	return selected
}

func setUser(o *options, v string) error {
	name, password, _ := strings.Cut(v, ":")
	o.user = url.UserPassword(name, password)
	return nil
}

func setColor(o *options, v string) error {
	if v != "auto" && v != "always" && v != "never" {
		return errors.New("want auto, always or never")
	}
	o.color = v
	return nil
}

func setField(o *options, v string) error {
	if v == "" {
		return errors.New("want a path such as choices.0.delta.content")
	}
	o.field, o.path = v, splitPath(v)
	return formatFlag(formatField)(o, v)
}

func setSummary(o *options, v string) error {
	switch v {
	case "":
		v = "text"
	case "text", "json", "none":
	default:
		return errors.New("want text, json or none")
	}
	o.summary = v
	return nil
}

func addTypes(o *options, v string) error {
	if o.types == nil {
		o.types = make(map[string]bool)
	}
	for t := range strings.SplitSeq(v, ",") {
		if t == "" {
			return errors.New("want event types separated by commas, such as tick,done")
		}
		o.types[t] = true
	}
	return nil
}
