package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

// newOptions returns the options of a command line without flags.
func newOptions() *options {
	return &options{
		Options:      request.Options{Header: make(http.Header)},
		Stdin:        os.Stdin,
		Stdout:       os.Stdout,
		Stderr:       os.Stderr,
		Getenv:       os.Getenv,
		Color:        "auto",
		HintAfter:    hintAfter,
		SilenceAfter: silenceAfter,
	}
}

// parseArgs parses a command line with one URL, or "-" for standard input.
func parseArgs(args []string, flags []flagDef) (*options, error) {
	o := newOptions()
	p := newFlagParser(flags, o)
	targets, err := p.parse(args)
	if err == nil {
		err = setTarget(o, targets)
	}
	if err == nil {
		err = checkFiles(o, p.files, targets[0])
	}
	return o, err
}

// setTarget sets the URL of o to the only element of targets. If that is "-", there is no URL.
func setTarget(o *options, targets []string) error {
	switch {
	case len(targets) == 0:
		return errors.New("no URL")
	case len(targets) > 1 && (o.Format == output.FormatData || o.Format == output.FormatJSON):
		return fmt.Errorf("more than one URL (--%s takes no value; use -d to send a body)",
			o.Format)
	case len(targets) > 1:
		return errManyURLs
	}
	if err := checkConflicts(o); err != nil {
		return err
	}
	if err := checkTarget(o, targets[0]); err != nil || targets[0] == "-" {
		return err
	}
	return setOnlyURL(o, targets)
}

var errManyURLs = errors.New("more than one URL")

// setOnlyURL sets the URL of o to the only element of targets, of which there is at least one.
func setOnlyURL(o *options, targets []string) error {
	if len(targets) > 1 {
		return errManyURLs
	}
	u, err := request.ParseURL(targets[0])
	if err == nil {
		o.SetURL(u)
	}
	return err
}

// checkConflicts returns an error if two flags that were given exclude each other.
func checkConflicts(o *options) error {
	switch {
	case o.HTTP1 && o.HTTP2:
		return errors.New("--http1.1 and --http2 exclude each other")
	case o.Format == output.FormatRaw && o.Types != nil:
		return errors.New("--type has no effect on --raw")
	case o.NoReconnect && o.Retries != nil:
		return errors.New("--retry and --no-reconnect exclude each other")
	case o.Format == output.FormatText && o.Types != nil:
		return errors.New("--type and --text exclude each other")
	}
	return nil
}

// checkTarget returns an error if name is a file or a socket and not a URL, or if it is "-" and a
// flag needs a URL.
func checkTarget(o *options, name string) error {
	switch {
	case name == "-" && o.HasBody:
		return errors.New("-d needs a URL: standard input takes no request")
	case name == "-" && o.State != "":
		return errors.New("--state needs a URL: standard input cannot be resumed")
	case name == "-" && o.Record != "":
		return errors.New("--record needs a URL: standard input has no responses to record")
	case name == "-":
		return nil
	}
	if isSocket(name) {
		return fmt.Errorf("%q is a socket; use --unix-socket %s and a URL such as "+
			"http://localhost/events", name, escape.Line(name))
	}
	if isFile(name) {
		return fmt.Errorf("%q is a file; use sse - < FILE to read it, or http://%s for a host",
			name, escape.Line(name))
	}
	return nil
}

// checkCommand returns an error if name, the first argument, looks like a misspelled subcommand.
func checkCommand(name string) error {
	if command := similarCommand(name); command != "" && !isFile(name) {
		return fmt.Errorf("%q is not a command; did you mean %s? (http://%s for a host)",
			name, command, escape.Line(name))
	}
	return nil
}

// similarCommand returns the subcommand that name differs from in one letter or in letters missing
// at its end, or "".
func similarCommand(name string) string {
	for _, command := range []string{"serve", "inspect", "check", "demo", "help", "version"} {
		isBeginning := len(name) >= 3 && strings.HasPrefix(command, name)
		if name != command && (isBeginning || differsInOneLetter(name, command)) {
			return command
		}
	}
	return ""
}

// differsInOneLetter reports whether a and b differ in one letter, which may be missing in one of
// them, or in the order of two letters.
func differsInOneLetter(a, b string) bool {
	start := 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		start++
	}
	a, b = a[start:], b[start:]
	switch {
	case len(a) == len(b)+1:
		return a[1:] == b
	case len(a)+1 == len(b):
		return a == b[1:]
	case len(a) != len(b) || a == "":
		return false
	}
	return a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}

// A flagParser parses a command line as curl does: flags before and after other arguments, -XPOST
// and -sN, --name=value and --name value. As in the go command, -name stands for --name.
type flagParser struct {
	byName map[string]*flagDef
	o      *options
	args   []string    // the arguments that are left
	seen   []string    // the flags, with their dashes, in their order
	files  []namedFile // the files that the flags name
}

// newFlagParser returns a flagParser that sets the options in o.
func newFlagParser(flags []flagDef, o *options) *flagParser {
	p := &flagParser{byName: make(map[string]*flagDef), o: o}
	for i := range flags {
		for name := range strings.FieldsSeq(flags[i].names) {
			p.byName[name] = &flags[i]
		}
	}
	return p
}

// parse sets the options of the flags in args, and returns the other arguments.
func (p *flagParser) parse(args []string) (targets []string, err error) {
	p.args = args
	for len(p.args) > 0 {
		arg := p.args[0]
		p.args = p.args[1:]
		if arg == "--" {
			return append(targets, p.args...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			targets = append(targets, arg)
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		switch {
		case len(name) > 1 && p.byName[name] != nil:
			err = p.setLong(p.byName[name], arg)
		case arg[1] == '-':
			err = fmt.Errorf("unknown flag --%s%s", escape.Line(name), p.suggest(name))
		default:
			err = p.setShort(arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return targets, nil
}

// suggest returns a question with the flag that name differs from in one letter, or "".
func (p *flagParser) suggest(name string) string {
	for _, known := range slices.Sorted(maps.Keys(p.byName)) {
		if len(known) > 1 && differsInOneLetter(name, known) {
			return "; did you mean --" + known + "?"
		}
	}
	return ""
}

// setLong handles --name, --name=value and --name value.
func (p *flagParser) setLong(f *flagDef, arg string) error {
	name, v, hasValue := strings.Cut(arg, "=")
	switch {
	case f.optional != "":
		isValue := len(p.args) > 0 && slices.Contains(strings.Fields(f.optional), p.args[0])
		if !hasValue && isValue {
			v = p.next()
		}
	case !f.value && hasValue:
		return fmt.Errorf("%s takes no value", name)
	case f.value && !hasValue:
		if len(p.args) == 0 {
			return fmt.Errorf("%s needs a value", name)
		}
		v = p.next()
	}
	return p.set(f, name, v)
}

// setShort handles -s, -sN, -X POST, -XPOST and -sXPOST.
func (p *flagParser) setShort(arg string) error {
	for rest := arg[1:]; rest != ""; {
		name, v := rest[:1], ""
		rest = rest[1:]
		f := p.byName[name]
		if f == nil {
			return fmt.Errorf("unknown flag -%s", escape.Line(name)) // the rest may be a secret
		}
		if f.value {
			if v, rest = rest, ""; v == "" {
				if len(p.args) == 0 {
					return fmt.Errorf("-%s needs a value", name)
				}
				v = p.next()
			}
		}
		if err := p.set(f, "-"+name, v); err != nil {
			return err
		}
	}
	return nil
}

// next removes the first argument that is left and returns it.
func (p *flagParser) next() string {
	arg := p.args[0]
	p.args = p.args[1:]
	return arg
}

// set sets the option of f. An error names the flag, and its value if that is not secret.
func (p *flagParser) set(f *flagDef, name, v string) error {
	p.seen = append(p.seen, name)
	if f.file != nil {
		p.addFile(f, name, v)
	}
	err := f.set(p.o, v)
	if err == nil || !f.value && f.optional == "" {
		return err
	}
	switch strings.Trim(name, "-") {
	case "H", "header":
		if strings.HasPrefix(v, "@") {
			break // the name of a file is not secret
		}
		header, _, ok := strings.Cut(v, ":") // what follows may be a secret
		if !ok || !request.IsToken(header) {
			return fmt.Errorf("%s: %w", name, err)
		}
		v = header
	case "b", "cookie", "x", "proxy":
		return fmt.Errorf("%s: %w", name, err)
	}
	return fmt.Errorf("%s %q: %w", name, v, err)
}
