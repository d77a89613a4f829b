package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/follow"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// options holds the values of the flags.
type options = follow.Options

// A flagDef defines one flag.
type flagDef struct {
	names    string // without dashes, separated by spaces
	value    bool   // the flag takes a value
	optional string // the values that the flag takes if one of them follows
	set      func(o *options, v string) error

	file    func(v string) string // if not nil, returns the name of the file in a value
	written bool                  // that file is written
}

// boolFlag returns the set function of a flag that sets the field that p returns to true.
func boolFlag(p func(*options) *bool) func(*options, string) error {
	return func(o *options, _ string) error { *p(o) = true; return nil }
}

// stringFlag returns the set function of a flag that stores its value in the field that p returns.
func stringFlag(p func(*options) *string) func(*options, string) error {
	return func(o *options, v string) error { *p(o) = v; return nil }
}

// textFlag is like stringFlag for a field that distinguishes an empty value from none.
func textFlag(p func(*options) **string) func(*options, string) error {
	return func(o *options, v string) error { *p(o) = &v; return nil }
}

// formatFlag returns the set function of a flag that chooses the format f.
func formatFlag(f output.Format) func(*options, string) error {
	return func(o *options, _ string) error {
		if o.Format != output.FormatAuto && o.Format != f {
			return fmt.Errorf("--%s and --%s exclude each other", o.Format, f)
		}
		o.Format = f
		return nil
	}
}

// setNothing is the set function of a flag that has no effect.
func setNothing(*options, string) error { return nil }

// requestFlags define the request, and how text is colored.
var requestFlags = []flagDef{
	{names: "H header", value: true, file: nameAfterAt, set: func(o *options, v string) error {
		return o.AddHeader(v, o.Stdin)
	}},
	{names: "X request", value: true, set: (*options).SetMethod},
	{names: "d data-ascii", value: true, file: nameAfterAt, set: func(o *options, v string) error {
		return o.AddData(v, o.Stdin, true)
	}},
	{names: "data-binary", value: true, file: nameAfterAt, set: func(o *options, v string) error {
		return o.AddData(v, o.Stdin, false)
	}},
	{names: "data-raw", value: true, set: func(o *options, v string) error {
		o.AddBody([]byte(v))
		return nil
	}},
	{names: "u user", value: true, set: setUser},
	{names: "b cookie", value: true, file: cookieFile, set: func(o *options, v string) error {
		return o.AddCookie(v, o.Stdin)
	}},
	{names: "A user-agent", value: true, set: func(o *options, v string) error {
		delete(o.Header, "User-Agent")
		return o.SetHeader("User-Agent: " + v)
	}},
	{names: "k insecure", set: boolFlag(func(o *options) *bool { return &o.Insecure })},
	{names: "x proxy", value: true, set: textFlag(func(o *options) **string { return &o.Proxy })},
	{
		names: "unix-socket", value: true,
		set: stringFlag(func(o *options) *string { return &o.UnixSocket }),
	},
	{
		names: "cacert", value: true, file: fileName,
		set: stringFlag(func(o *options) *string { return &o.CACert }),
	},
	{
		names: "E cert", value: true, file: certFile,
		set: stringFlag(func(o *options) *string { return &o.Cert }),
	},
	{
		names: "key", value: true, file: fileName,
		set: stringFlag(func(o *options) *string { return &o.Key }),
	},
	{names: "http1.1", set: boolFlag(func(o *options) *bool { return &o.HTTP1 })},
	{
		names: "http2 http2-prior-knowledge",
		set:   boolFlag(func(o *options) *bool { return &o.HTTP2 }),
	},
	{names: "connect-timeout", value: true, set: func(o *options, v string) (err error) {
		o.ConnectTimeout, err = units.ParseDuration(v)
		return err
	}},
	{names: "last-event-id", value: true, set: func(o *options, v string) error {
		if !request.IsHeaderValue(v) {
			return errors.New("an event ID must not contain control characters")
		}
		o.LastEventID = v
		return nil
	}},
	{names: "v verbose", set: boolFlag(func(o *options) *bool { return &o.Verbose })},
	{names: "color", value: true, set: setColor},

	// Flags of curl for what the command always does, or has no use for.
	{names: "L location", set: setNothing},
	{names: "N no-buffer", set: setNothing},
	{names: "f fail", set: setNothing},
	{names: "S show-error", set: setNothing},
	{names: "i include", set: setNothing},
	{names: "g globoff", set: setNothing},
	{names: "compressed", set: setNothing},
}

// streamFlags define how the stream is followed, when the run ends, and what is printed.
var streamFlags = []flagDef{
	{names: "json", set: formatFlag(output.FormatJSON)},
	{names: "raw", set: formatFlag(output.FormatRaw)},
	{names: "text", set: formatFlag(output.FormatText)},
	{names: "data", set: formatFlag(output.FormatData)},
	{names: "field", value: true, set: setField},
	{
		names: "o output", value: true, file: outputName, written: true,
		set: stringFlag(func(o *options) *string { return &o.OutFile }),
	},
	{names: "s silent", set: boolFlag(func(o *options) *bool { return &o.Silent })},
	{names: "full", set: boolFlag(func(o *options) *bool { return &o.Full })},
	{names: "summary", optional: "text json none", set: setSummary},
	{
		names: "type", value: true,
		set: addTypes(func(o *options) *map[string]bool { return &o.Types }),
	},
	{names: "n count", value: true, set: func(o *options, v string) (err error) {
		if o.Count, err = strconv.Atoi(v); err != nil || o.Count < 1 {
			return errors.New("want a number of events, 1 or more")
		}
		return nil
	}},
	{names: "for", value: true, set: func(o *options, v string) (err error) {
		if o.Duration, err = units.ParseDuration(v); err == nil && o.Duration == 0 {
			err = errors.New("want a duration of more than 0")
		}
		return err
	}},
	{names: "until", value: true, set: textFlag(func(o *options) **string { return &o.Until })},
	{
		names: "until-type", value: true,
		set: addTypes(func(o *options) *map[string]bool { return &o.UntilTypes }),
	},
	{
		names: "state", value: true, file: fileName, written: true,
		set: stringFlag(func(o *options) *string { return &o.State }),
	},
	{
		names: "record", value: true, file: fileName, written: true,
		set: stringFlag(func(o *options) *string { return &o.Record }),
	},
	{names: "m max-time", value: true, set: func(o *options, v string) (err error) {
		o.MaxTime, err = units.ParseDuration(v)
		return err
	}},
	{names: "retry", value: true, set: setRetries},
	{names: "no-reconnect", set: boolFlag(func(o *options) *bool { return &o.NoReconnect })},
	{names: "idle-timeout", value: true, set: func(o *options, v string) (err error) {
		if v == "none" {
			v = "0"
		}
		o.IdleTimeout, err = units.ParseDuration(v)
		return err
	}},
	{names: "max-event-size", value: true, set: func(o *options, v string) (err error) {
		o.MaxEventSize, err = units.ParseSize(v)
		return err
	}},
}

var (
	// checkFlags are the flags of sse check.
	checkFlags = append(selectFlags(streamFlags, "for", "json"), requestFlags...)

	// connectionFlags are the flags of sse inspect that apply to all requests of its page.
	connectionFlags = append(selectFlags(streamFlags, "max-event-size"),
		selectFlags(requestFlags, "k insecure", "x proxy", "unix-socket", "cacert", "E cert", "key",
			"http1.1", "http2 http2-prior-knowledge", "connect-timeout")...)

	// inspectRequestFlags are the flags of sse inspect that describe a request.
	inspectRequestFlags = append(
		selectFlags(streamFlags, "no-reconnect", "idle-timeout", "max-event-size"),
		slices.DeleteFunc(slices.Clone(requestFlags), func(f flagDef) bool {
			return f.names == "v verbose" || f.names == "color"
		})...)

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

// setUser applies the value of -u.
func setUser(o *options, v string) error {
	name, password, _ := strings.Cut(v, ":")
	o.User = url.UserPassword(name, password)
	return nil
}

// setRetries applies the value of --retry.
func setRetries(o *options, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return errors.New("want a number of retries, 0 or more")
	}
	o.Retries = &n
	return nil
}

// setColor applies the value of --color.
func setColor(o *options, v string) error {
	if v != "auto" && v != "always" && v != "never" {
		return errors.New("want auto, always or never")
	}
	o.Color = v
	return nil
}

// setField applies the value of --field.
func setField(o *options, v string) error {
	if v == "" {
		return errors.New("want a path such as choices.0.delta.content")
	}
	o.Field, o.Path = v, output.ParsePath(v)
	return formatFlag(output.FormatField)(o, v)
}

// setSummary applies the value of --summary.
func setSummary(o *options, v string) error {
	switch v {
	case "":
		v = "text"
	case "text", "json", "none":
	default:
		return errors.New("want text, json or none")
	}
	o.Summary = v
	return nil
}

// addTypes returns the set function of a flag that adds event types to the set that p returns.
func addTypes(p func(*options) *map[string]bool) func(*options, string) error {
	return func(o *options, v string) error {
		types := p(o)
		if *types == nil {
			*types = make(map[string]bool)
		}
		for t := range strings.SplitSeq(v, ",") {
			if t == "" {
				return errors.New("want event types separated by commas, such as tick,done")
			}
			(*types)[t] = true
		}
		return nil
	}
}
