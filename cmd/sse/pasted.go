package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/inspect"
)

// curlFlags returns the flags of a pasted curl command, of which --url adds to targets. They are
// those of sse, except where a flag of curl has another meaning.
func curlFlags(targets *[]string) []flagDef {
	setData := func(o *options, v string) error { return o.AddData(v, o.Stdin, true) }
	setJSON := func(o *options, v string) error { return o.AddData(v, o.Stdin, false) }
	setURL := func(_ *options, v string) error { *targets = append(*targets, v); return nil }
	setHead := func(o *options, _ string) error { return o.SetMethod(http.MethodHead) }
	return append(slices.Clone(requestFlags),
		slices.Concat([]flagDef{
			{names: "data", value: true, set: setData},
			{names: "json", value: true, set: setJSON},
			{names: "url", value: true, set: setURL},
			{names: "I head", set: setHead},
		}, selectFlags(streamFlags, "o output", "s silent", "m max-time", "retry"))...)
}

// parsePasted parses the words of a curl or sse command. The notes say what the form cannot hold.
func parsePasted(words []string) (form inspect.Form, notes []string, err error) {
	o := newOptions()
	o.NoFiles = true
	var targets []string
	flags := curlFlags(&targets)
	switch name := commandName(words); name {
	case "curl":
		words = words[1:]
	case "sse":
		words = words[1:]
		flags = append(slices.Clone(followFlags), inspectFlags(new(inspect.Options))...)
		if len(words) > 0 && (words[0] == "inspect" || words[0] == "check") {
			words = words[1:]
		}
	default:
		return form, nil, errors.New("want a command that begins with curl or sse")
	}
	p := newFlagParser(flags, o)
	others, err := p.parse(words)
	if err != nil {
		return form, nil, err
	}
	if targets = append(targets, others...); len(targets) == 0 {
		return form, nil, errors.New("the command has no URL")
	}
	if err := setOnlyURL(o, targets); err != nil {
		return form, nil, err
	}
	form, err = inspect.NewForm(&o.Options, !o.NoReconnect, o.IdleTimeout)
	return form, pasteNotes(p.seen, o), err
}

// commandName returns the name of the command with these words, without its directory.
func commandName(words []string) string {
	if len(words) == 0 {
		return ""
	}
	name := words[0][strings.LastIndexAny(words[0], `/\`)+1:]
	return strings.TrimSuffix(name, ".exe")
}

// formFlags are the names of the flags whose values are in the form, and those without an effect.
var formFlags = strings.Fields("H header X request d data-ascii data-binary data-raw data json " +
	"url I head u user b cookie A user-agent last-event-id no-reconnect idle-timeout " +
	"L location N no-buffer f fail S show-error i include g globoff compressed")

// pasteNotes returns a note for each flag that the form cannot hold. The flags are those of a
// pasted command, with their dashes.
func pasteNotes(flags []string, o *options) []string {
	notes := []string{}
	for _, flag := range flags {
		name := strings.TrimLeft(flag, "-")
		isConnection := slices.ContainsFunc(connectionFlags, func(f flagDef) bool {
			return slices.Contains(strings.Fields(f.names), name)
		})
		switch {
		case slices.Contains(formFlags, name):
		case isConnection:
			notes = append(notes, flag+": start sse inspect with this flag to apply it")
		default:
			notes = append(notes, flag+" has no effect here")
		}
	}
	if o.Jar != nil {
		notes = append(notes, "-b '': start sse inspect with this flag to keep cookies")
	}
	for _, name := range o.RemovedHeaders() {
		notes = append(notes, fmt.Sprintf("-H '%s:': start sse inspect with this flag to "+
			"remove the header", escape.Line(name)))
	}
	return notes
}
