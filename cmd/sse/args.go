package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
)

func only(defs []flagDef, names ...string) []flagDef {
	var some []flagDef
	for _, f := range defs {
		for _, name := range names {
			if f.names == name {
				some = append(some, f)
			}
		}
	}
	return some
}

// parseArgs reads the command line as curl does: flags before and after
// the URL, -XPOST and -sN, --name=value and --name value; and -name for
// --name, as Go's own commands do.
func parseArgs(args []string, defs []flagDef, stdin io.Reader) (*options, error) {
	o := &options{stdin: stdin, header: make(http.Header), idle: sse.AutoIdle, color: "auto"}
	byName := make(map[string]*flagDef)
	for i := range defs {
		for name := range strings.FieldsSeq(defs[i].names) {
			byName[name] = &defs[i]
		}
	}
	var targets []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			targets = append(targets, args...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			targets = append(targets, arg)
			continue
		}
		var err error
		name, _, _ := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		switch {
		case len(name) > 1 && byName[name] != nil:
			args, err = o.setLong(byName[name], arg, args)
		case arg[1] == '-':
			err = fmt.Errorf("unknown flag --%s", escape.Line(name))
		default:
			args, err = o.setShort(byName, arg, args)
		}
		if err != nil {
			return nil, err
		}
	}
	return o, o.finish(targets)
}

// setLong handles --name, --name=value and --name value; what is left of
// args is returned.
func (o *options) setLong(f *flagDef, arg string, args []string) ([]string, error) {
	arg, v, hasValue := strings.Cut(arg, "=")
	switch {
	case f.optional != "":
		if !hasValue && len(args) > 0 && isOneOf(args[0], f.optional) {
			v, args = args[0], args[1:]
		}
	case !f.value && hasValue:
		return nil, fmt.Errorf("%s takes no value", arg)
	case f.value && !hasValue:
		if len(args) == 0 {
			return nil, fmt.Errorf("%s needs a value", arg)
		}
		v, args = args[0], args[1:]
	}
	return args, o.set(f, arg, v)
}

// setShort handles -s, -sN, -X POST, -XPOST and -sXPOST.
func (o *options) setShort(byName map[string]*flagDef, arg string, args []string) ([]string, error) {
	for rest := arg[1:]; rest != ""; {
		name, v := rest[:1], ""
		rest = rest[1:]
		f := byName[name]
		if f == nil {
			return nil, fmt.Errorf("unknown flag -%s", escape.Line(name)) // the rest may be a secret
		}
		if f.value {
			if v, rest = rest, ""; v == "" {
				if len(args) == 0 {
					return nil, fmt.Errorf("-%s needs a value", name)
				}
				v, args = args[0], args[1:]
			}
		}
		if err := o.set(f, "-"+name, v); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func (o *options) set(f *flagDef, name, v string) error {
	err := f.set(o, v)
	if err == nil || !f.value && f.optional == "" {
		return err
	}
	switch strings.Trim(name, "-") {
	case "H", "header":
		header, _, ok := strings.Cut(v, ":") // the rest may be a secret
		if !ok || !token(header) {
			return fmt.Errorf("%s: %w", name, err)
		}
		v = header
	case "b", "cookie", "x", "proxy":
		return fmt.Errorf("%s: %w", name, err)
	}
	return fmt.Errorf("%s %q: %w", name, v, err)
}

// finish checks what only the whole command line can tell.
func (o *options) finish(targets []string) error {
	switch {
	case len(targets) == 0:
		return errors.New("no URL")
	case len(targets) > 1 && (o.form == "data" || o.form == "json"):
		return fmt.Errorf("more than one URL (--%s takes no value here: a body is sent with -d)", o.form)
	case len(targets) > 1:
		return errors.New("more than one URL")
	}
	if o.http1 && o.http2 {
		return errors.New("--http1.1 and --http2 exclude each other")
	}
	if o.form == "raw" && o.types != nil {
		return errors.New("--type can't filter --raw")
	}
	if targets[0] == "-" {
		switch {
		case o.hasBody:
			return errors.New("standard input is the stream: -d has nothing to send it to")
		case o.state != "":
			return errors.New("standard input can't be resumed: --state needs a URL")
		}
		return nil
	}
	if info, err := os.Stat(targets[0]); err == nil && info.Mode().IsRegular() {
		return fmt.Errorf("%q is a file: sse - < FILE reads it, http://%s asks a host", targets[0], escape.Line(targets[0]))
	}
	var err error
	if o.url, err = parseURL(targets[0]); err != nil {
		return err
	}
	if o.url.User != nil { // as a flag it goes along with a redirect to the same host
		if o.header.Get("Authorization") == "" {
			o.user = cmp.Or(o.user, o.url.User)
		}
		o.url.User = nil
	}
	if o.method == "" {
		o.method = http.MethodGet
		if o.hasBody {
			o.method = http.MethodPost
		}
	}
	if o.hasBody && o.header.Get("Content-Type") == "" {
		o.header.Set("Content-Type", "application/x-www-form-urlencoded")
		if b := bytes.TrimSpace(o.body); len(b) > 0 && (b[0] == '{' || b[0] == '[') && json.Valid(b) {
			o.header.Set("Content-Type", "application/json")
		}
	}
	if o.lastEventID != "" {
		o.header.Set("Last-Event-ID", o.lastEventID)
	}
	return nil
}

// duration reads 1.5s, 2m or, as curl does, a number of seconds.
func duration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if f, ferr := strconv.ParseFloat(s, 64); ferr == nil && f < math.MaxInt64/float64(time.Second) {
		d, err = time.Duration(f*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, errors.New("want a duration such as 90s, 5m or 1.5 (seconds)")
	}
	return d, nil
}

// size reads a number of bytes, with k, m or g (times 1024) behind it.
func size(s string) (int, error) {
	if s == "none" {
		return -1, nil
	}
	digits := strings.TrimRight(strings.ToLower(s), "ib")
	shift := 0
	for i, unit := range []string{"k", "m", "g"} {
		if d, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = d, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt>>shift {
		return 0, errors.New("want a size such as 65536, 512k or 64MiB, or none")
	}
	return int(n) << shift, nil
}

func isOneOf(s, words string) bool {
	for w := range strings.FieldsSeq(words) {
		if s == w {
			return true
		}
	}
	return false
}
