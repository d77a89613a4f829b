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
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
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
		if v == "none" {
			o.idle = 0
			return nil
		}
		o.idle, err = duration(v)
		return err
	}},
	{names: "max-event-size", value: true, set: func(o *options, v string) (err error) {
		o.maxEventSize, err = size(v)
		return err
	}},
}

// parseArgs reads the command line as curl does: flags before and after
// the URL, -XPOST and -sN, --name=value and --name value; and -name for
// --name, as Go's own commands do.
func parseArgs(args []string, defs []flagDef, stdin io.Reader) (*options, error) {
	o := &options{stdin: stdin, header: make(http.Header), color: "auto"}
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
			err = fmt.Errorf("unknown flag --%s", escape(name))
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
			return nil, fmt.Errorf("unknown flag -%s", escape(name)) // the rest may be a secret
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
		return fmt.Errorf("%q is a file: sse - < FILE reads it, http://%s asks a host", targets[0], escape(targets[0]))
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

// withScheme returns the URL s as curl reads it: without a scheme, it is http.
func withScheme(s string) string {
	if scheme, _, ok := strings.Cut(s, "://"); !ok || strings.ContainsAny(scheme, "/?#") {
		return "http://" + s
	}
	return s
}

// parseURL accepts what curl accepts, of what can be an event stream.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(withScheme(s))
	if err != nil {
		// The reason without the URL, which may hold a password.
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		reason, _, _ := strings.Cut(err.Error(), ` "`)
		return nil, fmt.Errorf("bad URL: %s", escape(reason))
	}
	switch u.Scheme {
	case "http", "https":
	case "ws", "wss":
		return nil, fmt.Errorf("%s:// is a WebSocket, not an event stream: use a WebSocket client such as websocat, or the service's http%s:// address of events",
			u.Scheme, strings.TrimPrefix(u.Scheme, "ws"))
	default:
		return nil, fmt.Errorf("bad URL: scheme %q is neither http nor https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("bad URL: no host")
	}
	return u, nil
}

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

// readBody adds what -d says; like curl, it leaves out the line ends of a
// file that --data-binary keeps.
func (o *options) readBody(v string, strip bool) error {
	name, isFile := strings.CutPrefix(v, "@")
	if !isFile {
		o.addBody([]byte(v))
		return nil
	}
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(o.stdin)
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return reason(err)
	}
	if strip {
		b = slices.DeleteFunc(b, func(c byte) bool { return c == '\r' || c == '\n' || c == 0 })
	}
	o.addBody(b)
	return nil
}

func (o *options) addBody(b []byte) {
	if o.hasBody {
		o.body = append(o.body, '&')
	}
	o.body, o.hasBody = append(o.body, b...), true
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

func isOneOf(s, words string) bool {
	for w := range strings.FieldsSeq(words) {
		if s == w {
			return true
		}
	}
	return false
}

// reason is an error of the file system without the operation's name.
func reason(err error) error {
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
